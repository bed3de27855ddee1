#include "passes/lower/transpose.h"

#include <bit>

namespace rnc {

using loops::Expr;

std::vector<Expr> transpose(Body& body, std::vector<Expr> rows) {
  check(std::has_single_bit(rows.size()) && rows.size() == static_cast<size_t>(rows[0]->type.lanes),
        "a square of vectors is transposed");
  for (size_t round = 1; round < rows.size(); round *= 2) {
    std::vector<Expr> next;
    for (size_t i = 0; i < rows.size() / 2; ++i) {
      const Expr& a = rows[i];
      const Expr& b = rows[i + rows.size() / 2];
      for (const int half : {0, 1}) next.push_back(body.let("t", loops::interleave(a, b, half)));
    }
    rows = std::move(next);
  }
  return rows;
}

}  // namespace rnc
