#include "ir/onnx/problems.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace rnc::onnx {
namespace {

constexpr size_t kShown = 20;
constexpr int kMostNumbers = 8;

template <class Field>
std::string numbers(const Field& field) {
  std::string text;
  for (int i = 0; i < field.size() && i < kMostNumbers; ++i)
    text += fmt::format("{}{}", i > 0 ? ", " : "", field.Get(i));
  return fmt::format("[{}{}]", text, field.size() > kMostNumbers ? ", ..." : "");
}

std::string value_of(const proto::AttributeProto& attribute) {
  if (attribute.has_i()) return std::to_string(attribute.i());
  if (attribute.has_f()) return fmt::format("{}", attribute.f());
  if (attribute.has_s()) return fmt::format("'{}'", plain_name(attribute.s().substr(0, 64)));
  if (attribute.ints_size() > 0) return numbers(attribute.ints());
  if (attribute.floats_size() > 0) return numbers(attribute.floats());
  return attribute.has_g() ? "a graph" : attribute.has_t() ? "a tensor" : "...";
}

std::string operand(const Value& value, const Context& context) {
  if (!value.groups.empty()) return str(sizes_of(context.graph()[value.node].type.shape, value.groups));
  if (value.node != kNoValue) return rnc::str(context.graph()[value.node].type);
  if (!value.constant) return "nothing";
  return fmt::format("{} {}", value.constant->is_real ? "f32" : "whole numbers",
                     fmt::format("[{}]", fmt::join(value.constant->shape, ", ")));
}

}  // namespace

void Problems::add(const proto::NodeProto& node, const Context& context, const Values& operands,
                   const std::string& why) {
  if (++count_ > kShown) return;
  const std::string domain = node.domain().empty() ? "" : fmt::format(" of {}", plain_name(node.domain()));
  std::string text =
      fmt::format("{}: node '{}' ({}{}, opset {}): {}", file_,
                  plain_name(node.name().empty() && node.output_size() > 0 ? node.output(0) : node.name()),
                  plain_name(node.op_type()), domain, context.opset, why);
  std::vector<std::string> attributes, types;
  for (const auto& attribute : node.attribute())
    attributes.push_back(fmt::format("{} = {}", plain_name(attribute.name()), value_of(attribute)));
  for (const Value& value : operands) types.push_back(operand(value, context));
  if (!attributes.empty()) text += fmt::format("; {}", fmt::join(attributes, ", "));
  if (!types.empty()) text += fmt::format("; of {}", fmt::join(types, ", "));
  first_.push_back({{}, std::move(text), {}});
}

void Problems::throw_any() const {
  if (count_ > 0) throw UserError(first_, count_);
}

}  // namespace rnc::onnx
