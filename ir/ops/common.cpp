#include <fmt/format.h>

#include "ir/ops/ops.h"

namespace rnc::ops {

void fail(const Node& node, std::string_view message) {
  throw UserError(node.location, fmt::format("{}: {}", name(node.op), message));
}

void require(const Node& node, const Type& type, DType dtype, int rank, std::string_view what) {
  if (type.dtype != dtype || type.rank() != rank) {
    fail(node, fmt::format("{} must be {} of rank {}, not {}", what, name(dtype), rank, str(type)));
  }
}

void require_real(const Node& node, const Type& type, int rank, std::string_view what) {
  if (!is_real(type.dtype) || type.rank() != rank) {
    fail(node, fmt::format("{} must be {} of rank {}, not {}", what,
                           contract::names(contract::GraphUse::real), rank, str(type)));
  }
}

void require_real_at_least(const Node& node, const Type& type, int rank, std::string_view what) {
  if (!is_real(type.dtype) || type.rank() < rank) {
    fail(node, fmt::format("{} must be {} of rank {} or more, not {}", what,
                           contract::names(contract::GraphUse::real), rank, str(type)));
  }
}

void require_type(const Node& node, const Type& type, const Type& expected, std::string_view what) {
  if (type.dtype != expected.dtype || type.shape != expected.shape) {
    fail(node, fmt::format("{} must be {}, not {}", what, str(like(expected, expected.shape)), str(type)));
  }
}

Pair pair(const Node& node, std::string_view attribute, int64_t minimum) {
  const auto& values = node.attributes.get<std::vector<int64_t>>(attribute);
  for (const int64_t value : values) {
    if (value < minimum) fail(node, fmt::format("{} must be at least {}, not {}", attribute, minimum, value));
  }
  return {values[0], values[1]};
}

Sides sides(const Node& node, std::string_view attribute) {
  const auto& values = node.attributes.get<std::vector<int64_t>>(attribute);
  return {{values[0], values[1]}, {values[2], values[3]}};
}

const Type* optional(const Node& node, Types in, std::string_view operand) {
  const int place = operand_place(node, operand);
  return place < 0 ? nullptr : &in[static_cast<size_t>(place)];
}

Pair output_size(const Node& node, const Window& window, Pair size) {
  Pair result;
  for (size_t d = 0; d < 2; ++d) {
    const int64_t room =
        size[d] + window.pad[d] + window.pad_after[d] - window.dilation[d] * (window.kernel[d] - 1) - 1;
    if (room < 0) {
      const std::string pads = window.pad == window.pad_after
                                   ? fmt::format("{}x{}", window.pad[0], window.pad[1])
                                   : fmt::format("{}+{}x{}+{}", window.pad[0], window.pad_after[0],
                                                 window.pad[1], window.pad_after[1]);
      fail(node, fmt::format("the kernel {}x{} (dilation {}x{}) does not fit in the input {}x{} padded by {}",
                             window.kernel[0], window.kernel[1], window.dilation[0], window.dilation[1],
                             size[0], size[1], pads));
    }
    result[d] = room / window.stride[d] + 1;
  }
  return result;
}

ValueId emit_reshape(GraphBuilder& builder, ValueId value, Shape shape) {
  Attributes attributes;
  attributes.set("shape", std::move(shape));
  return builder.emit(Op::reshape, {value}, std::move(attributes));
}

ValueId emit_batch_variance(GraphBuilder& builder, ValueId x) {
  Attributes two;
  two.set("at_least", int64_t{2});
  return builder.emit(Op::channel_variance, {x}, std::move(two));
}

ValueId emit_rstd(GraphBuilder& builder, ValueId variance, double eps) {
  const ValueId constant = builder.constant(eps);
  return builder.emit(Op::rsqrt, {builder.emit(Op::add, {variance, constant})});
}

}  // namespace rnc::ops
