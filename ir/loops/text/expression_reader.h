// Reads the expressions of the loop IR. Operators bind, loosest first: or, and, comparisons, + -, * / %, -.
#pragma once

#include <vector>

#include "ir/loops/text/parts.h"
#include "ir/loops/text/scope.h"

namespace rnc::loops {

inline constexpr int kMostExpressionDepth = 200;
inline constexpr int kMostOperations = 4096;  // of one expression

// What a load, a store or a prefetch names.
struct AccessPlace {
  MemoryRef memory;
  std::vector<Expr> index;
  int lanes = 1, lane_dim = -1;
  Expr valid;  // may be none
};

// Constructors throw BrokenRule where types do not fit: it becomes the user's error at this place.
template <class Make>
auto obeying_rules(const SourceLocation& location, const Make& make) {
  try {
    return make();
  } catch (const BrokenRule& broken) {
    throw UserError(location, broken.what());
  }
}

class ExpressionReader {
 public:
  ExpressionReader(TokenStream& tokens, const Scope& scope) : tokens_(tokens), scope_(scope) {}
  Expr expression();
  Expr sum();           // no comparison, as the bounds of loops are
  AccessPlace place();  // of an access

 private:
  Expr disjunction();
  Expr conjunction();
  Expr comparison();
  Expr operand_sum();
  Expr product();
  Expr prefix();
  Expr primary();
  Expr call(const Token& name);
  Expr constant(ValueType type);
  std::vector<Expr> operands(size_t count);
  int small_integer(std::string_view what);
  AccessPlace access(const Token& name);
  void index(AccessPlace& place);
  Expr joined(Binary op, const SourceLocation& at, const Expr& a, const Expr& b);
  void count(const SourceLocation& at);

  TokenStream& tokens_;
  const Scope& scope_;
  int depth_ = 0;
  int operations_ = 0;
};

}  // namespace rnc::loops
