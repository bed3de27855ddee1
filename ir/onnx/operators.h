// The operators that can be read: one row for each, in the file of its theme.
#pragma once

#include <span>
#include <string_view>

#include "ir/onnx/call.h"

namespace rnc::onnx {

inline constexpr bool kEachElement = true;

struct Operator {
  std::string_view name;  // in the default domain; or one of ir/onnx/joined.h
  // Adds it to the graph and returns its results. Throws Unsupported, or UserError of an operation's rule.
  Values (*import)(Call& call);
  // Of operands that are all known: its result. None: there is no rule for these, and it is imported as any other.
  std::optional<Constant> (*fold)(const Call& call) = nullptr;
  // Each element is computed from that of the first operand alone, in whatever order they lie.
  bool each_element = false;
};

std::span<const Operator> conv_operators();
std::span<const Operator> pool_operators();
std::span<const Operator> norm_operators();
std::span<const Operator> matrix_operators();
std::span<const Operator> einsum_operators();
std::span<const Operator> arithmetic_operators();
std::span<const Operator> power_operators();
std::span<const Operator> comparison_operators();
std::span<const Operator> activation_operators();
std::span<const Operator> reshape_operators();
std::span<const Operator> movement_operators();
std::span<const Operator> slice_operators();
std::span<const Operator> concat_operators();
std::span<const Operator> gather_operators();
std::span<const Operator> reduce_operators();
std::span<const Operator> resize_operators();
std::span<const Operator> pad_operators();
std::span<const Operator> joined_operators();
std::span<const Operator> shape_operators();

const Operator* find_operator(std::string_view name);  // null if it cannot be read

}  // namespace rnc::onnx
