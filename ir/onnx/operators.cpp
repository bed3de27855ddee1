#include "ir/onnx/operators.h"

#include <unordered_map>

namespace rnc::onnx {

const Operator* find_operator(std::string_view name) {
  static const auto table = [] {
    std::unordered_map<std::string_view, const Operator*> rows;
    for (const auto& theme :
         {conv_operators(), pool_operators(), norm_operators(), matrix_operators(), einsum_operators(),
          arithmetic_operators(), power_operators(), comparison_operators(), activation_operators(),
          reshape_operators(), movement_operators(), slice_operators(), concat_operators(),
          gather_operators(), reduce_operators(), resize_operators(), pad_operators(), shape_operators(),
          joined_operators()})
      for (const Operator& row : theme) check(rows.emplace(row.name, &row).second, row.name);
    return rows;
  }();
  const auto found = table.find(name);
  return found == table.end() ? nullptr : found->second;
}

}  // namespace rnc::onnx
