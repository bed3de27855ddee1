// Einsum of two operands, as products of matrices.
#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <iterator>
#include <string>

#include "ir/onnx/operators.h"
#include "ir/onnx/view.h"

namespace rnc::onnx {
namespace {

// "bhid,bhjd->bhij": the letters of the dimensions.
struct Equation {
  std::string left, right, result;
};

Equation equation_of(const Call& call) {
  std::string text = call.string("equation", "");
  std::erase(text, ' ');
  const size_t comma = text.find(','), arrow = text.find("->");
  if (comma == std::string::npos || arrow == std::string::npos || comma > arrow)
    call.refuse("an equation that is not of two operands and a result");
  const Equation equation{text.substr(0, comma), text.substr(comma + 1, arrow - comma - 1),
                          text.substr(arrow + 2)};
  for (const std::string& letters : {equation.left, equation.right, equation.result})
    for (const char letter : letters)
      if (std::isalpha(static_cast<unsigned char>(letter)) == 0 || std::ranges::count(letters, letter) != 1)
        call.refuse(fmt::format("'{}' in the equation: each dimension must be a letter of its own", letters));
  return equation;
}

bool has(const std::string& letters, char letter) { return letters.find(letter) != std::string::npos; }

// Of the letters those for which this holds.
template <class Rule>
std::string chosen(const std::string& letters, const Rule& rule) {
  std::string result;
  std::ranges::copy_if(letters, std::back_inserter(result), rule);
  return result;
}

// The dimensions of `all` one by one, those of `rows` as one, and those of `columns`.
View as_matrices(const View& view, const std::string& letters, const std::string& all,
                 const std::string& rows, const std::string& columns) {
  const auto group = [&](char letter) -> const std::vector<int64_t>& {
    return view.groups.at(letters.find(letter));
  };
  View result{view.node, {}};
  for (const char letter : all) result.groups.push_back(group(letter));
  for (const std::string& side : {rows, columns}) {
    auto& joined = result.groups.emplace_back();
    for (const char letter : side) joined.insert(joined.end(), group(letter).begin(), group(letter).end());
  }
  return result;
}

Values einsum(Call& call) {
  if (call.count() != 2) call.refuse("other than two operands");
  const Equation e = equation_of(call);
  const Sizes left = call.shape(0), right = call.shape(1);
  if (left.size() != e.left.size() || right.size() != e.right.size())
    call.refuse("operands with other dimensions than the equation has");
  const std::string all = chosen(e.left, [&](char c) { return has(e.right, c) && has(e.result, c); });
  const std::string summed = chosen(e.left, [&](char c) { return has(e.right, c) && !has(e.result, c); });
  const std::string rows = chosen(e.left, [&](char c) { return !has(e.right, c); });
  const std::string columns = chosen(e.right, [&](char c) { return !has(e.left, c); });
  const std::string letters = all + rows + columns;
  if (letters.size() != e.result.size() ||
      !std::ranges::all_of(letters, [&](char c) { return has(e.result, c); }))
    call.refuse("sums along a dimension of one operand");
  Sizes sizes;
  for (const char c : letters)
    sizes.push_back(has(e.left, c) ? left[e.left.find(c)] : right[e.right.find(c)]);
  std::vector<int64_t> order;
  for (const char c : e.result) order.push_back(static_cast<int64_t>(letters.find(c)));
  const View x = as_matrices(view_of(call, 0), e.left, all, rows, summed);
  const View y = as_matrices(view_of(call, 1), e.right, all, summed, columns);
  return {settled(call, reordered(regrouped(call, matrix_product(call, x, y), sizes), order))};
}

}  // namespace

std::span<const Operator> einsum_operators() {
  static constexpr Operator kRows[] = {{"Einsum", einsum}};
  return kRows;
}

}  // namespace rnc::onnx
