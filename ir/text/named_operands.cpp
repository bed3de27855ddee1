#include "ir/text/named_operands.h"

#include <fmt/format.h>

#include <algorithm>

namespace rnc::text {

bool names_operand(const OpInfo& op, const Expr& argument) {
  return !argument.keyword.empty() && std::ranges::count(op.optional, argument.keyword) > 0;
}

std::optional<uint8_t> add_named_operands(const OpInfo& op, const std::vector<NamedOperand>& named,
                                          std::vector<ValueId>& inputs) {
  const auto required = static_cast<size_t>(op.min_inputs);
  if (named.empty() || inputs.size() < required || inputs.size() > static_cast<size_t>(op.max_inputs))
    return std::nullopt;
  const size_t positional = inputs.size() - required;
  auto which = static_cast<uint8_t>((1U << positional) - 1);
  for (size_t i = 0; i < op.optional.size(); ++i) {
    for (const NamedOperand& operand : named) {
      if (operand.argument->keyword != op.optional[i]) continue;
      if ((which >> i & 1) != 0)
        throw UserError(operand.argument->keyword_location,
                        fmt::format("{}: {} is given twice", op.name, op.optional[i]));
      inputs.push_back(operand.value);
      which = static_cast<uint8_t>(which | 1U << i);
    }
  }
  return which;
}

}  // namespace rnc::text
