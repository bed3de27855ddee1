#include "passes/report/op_page.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <vector>

#include "ir/ops/op.h"
#include "ir/text/library.h"
#include "ir/text/suggest.h"

namespace rnc {
namespace {

[[noreturn]] void fail_unknown(std::string_view name) {
  std::vector<std::string> names;
  for (const Op op : all_ops()) names.emplace_back(rnc::name(op));
  for (const text::StandardBlock& block : text::standard_pages()) names.push_back(block.name);
  throw UserError({}, fmt::format("--ops: there is no operation '{}'{}", name,
                                  text::suggestion(text::Wanted::operation, name, names)));
}

std::string operand_count(const OpInfo& op) {
  if (op.min_inputs == op.max_inputs) return op.max_inputs == 0 ? "none" : fmt::to_string(op.max_inputs);
  if (op.optional.empty()) return fmt::format("{} to {}", op.min_inputs, op.max_inputs);
  return fmt::format("{}, and optional: {}", op.min_inputs, fmt::join(op.optional, ", "));
}

// As the language writes it: one integer for a pair of equal ones.
std::string default_text(const AttributeSpec& attribute) {
  return str(shortened(attribute.kind, *attribute.default_value));
}

std::string attribute_line(const AttributeSpec& attribute) {
  const std::string otherwise = attribute.default_value ? "default " + default_text(attribute)
                                : attribute.in_specs_as.empty()
                                    ? std::string("required")
                                    : fmt::format("in a spec by default as {}", attribute.in_specs_as);
  return fmt::format("  {:18}{}; {}\n", attribute.name, describe(attribute.kind), otherwise);
}

// The shape of the result, where the kind of operation decides it; else the line on what it computes does.
std::string_view result(const OpInfo& op) {
  if (op.kind == OpKind::reduction) return "[C] of an operand [N, C, ...]";
  if (op.kind != OpKind::elementwise) return {};
  return op.max_inputs == 1 ? "of the operand's shape"
                            : "of the shape over which the operands spread; [C] applies along dimension 1, a "
                              "scalar everywhere";
}

}  // namespace

std::string list_ops() {
  std::string text;
  for (const Op op : all_ops()) text += fmt::format("{:22}{}\n", name(op), info(op).doc);
  text += "\nblocks of std.graph\n";
  for (const text::StandardBlock& block : text::standard_pages()) text += fmt::format("  {}\n", block.call);
  return text;
}

std::string op_page(std::string_view name) {
  const OpInfo* op = find_op(name);
  const std::vector<text::StandardBlock> blocks = text::standard_pages();
  const auto block = std::ranges::find(blocks, name, &text::StandardBlock::name);
  if (op == nullptr && block != blocks.end()) return block->text;
  if (op == nullptr) fail_unknown(name);
  std::string text = fmt::format("{}: {}\n\n", op->name, op->doc);
  text += fmt::format("operands    {}\n", operand_count(*op));
  text += op->attributes.empty() ? "attributes  none\n" : "attributes\n";
  for (const AttributeSpec& attribute : op->attributes) text += attribute_line(attribute);
  if (const std::string_view shape = result(*op); !shape.empty())
    text += fmt::format("result      {}\n", shape);
  return text + fmt::format("gradient    {}\n", op->gradient != nullptr ? "yes" : "no");
}

}  // namespace rnc
