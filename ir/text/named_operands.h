// Optional operands given by name: conv2d(x, w, packed = p).
#pragma once

#include <string_view>
#include <vector>

#include "ir/graph/graph.h"
#include "ir/text/syntax.h"

namespace rnc::text {

// Whether the argument names an optional operand of `op`.
bool names_operand(const OpInfo& op, const Expr& argument);

struct NamedOperand {
  const Expr* argument = nullptr;
  ValueId value = kNoValue;
};

// Appends them to the positional ones in `inputs`, in the order of the operation's row; which optional ones
// are there then (Node::optional). Throws UserError for one that is given twice. There must be as many
// positional ones as every such node has, or nothing is appended: GraphBuilder::emit then says what is missing.
std::optional<uint8_t> add_named_operands(const OpInfo& op, const std::vector<NamedOperand>& named,
                                          std::vector<ValueId>& inputs);

}  // namespace rnc::text
