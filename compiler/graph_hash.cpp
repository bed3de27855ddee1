#include <fmt/format.h>
#include <llvm/Support/xxhash.h>

#include <algorithm>
#include <array>
#include <string>

#include "compiler/model.h"

namespace rnc {
namespace {

std::string plain(const Type& type) { return fmt::format("{}{}", name(type.dtype), str(type.shape)); }

// What operations have got since there are checkpoints: at these values it is no part of what they fit to.
struct AddedAttribute {
  Op op;
  std::string_view name;
  Attribute value;
};
bool is_as_before(Op op, std::string_view attribute, const Attribute& value) {
  static const std::array kAdded = {AddedAttribute{Op::max_pool, "ceil_mode", false},
                                    AddedAttribute{Op::avg_pool, "ceil_mode", false},
                                    AddedAttribute{Op::resize, "mode", std::string("bilinear")},
                                    AddedAttribute{Op::resize, "align_corners", false},
                                    AddedAttribute{Op::resize, "scale", std::vector<double>{}},
                                    AddedAttribute{Op::resize, "windows", std::vector<int64_t>{0, 0}},
                                    AddedAttribute{Op::softmax, "axis", int64_t{1}},
                                    AddedAttribute{Op::cross_entropy, "ignore_index", kNoLabel}};
  return std::ranges::any_of(kAdded, [&](const AddedAttribute& added) {
    return added.op == op && added.name == attribute && identical(added.value, value);
  });
}

// A checkpoint fits a model whose inputs have other defaults, and one that is computed otherwise.
bool is_hashed(Op op, std::string_view attribute, const Attribute& value) {
  const auto& specs = info(op).attributes;
  return op != Op::input && !std::ranges::find(specs, attribute, &AttributeSpec::name)->is_decision &&
         !is_as_before(op, attribute, value);
}

// Pads of both sides stand as one number, as when there were no others.
std::string text_of(Op op, std::string_view attribute, const Attribute& value) {
  const auto spec = std::ranges::find(info(op).attributes, attribute, &AttributeSpec::name);
  if (spec->kind != AttributeKind::sides) return str(value);
  const auto& s = std::get<std::vector<int64_t>>(value);
  return s[0] == s[2] && s[1] == s[3] ? str(std::vector<int64_t>{s[0], s[1]}) : str(value);
}

void describe(const Graph& graph, std::string& text) {
  text += fmt::format("entry {}\n", graph.name);
  for (const Node& node : graph.nodes) {
    const bool named = node.op == Op::input || node.op == Op::state;
    text += fmt::format("{} {} {}", name(node.op), named ? node.name : "", plain(node.type));
    for (const ValueId input : node.inputs) text += fmt::format(" {}", input);
    for (const auto& [key, value] : node.attributes.all())
      if (is_hashed(node.op, key, value)) text += fmt::format(" {}={}", key, text_of(node.op, key, value));
    text += '\n';
  }
  for (const Output& output : graph.outputs) text += fmt::format("output {} {}\n", output.name, output.value);
}

}  // namespace

uint64_t graph_hash(const Module& module) {
  if (!module.hash.empty()) return std::stoull(module.hash, nullptr, 16);
  std::string text = fmt::format("model {} predict {}\n", module.name, module.predict);
  for (const Tensor& tensor : module.tensors) {
    if (tensor.kind != TensorKind::parameter && tensor.kind != TensorKind::buffer) continue;
    text += fmt::format("{} {} {}\n", name(tensor.kind), tensor.name, plain(tensor.type));
  }
  const Graph* model = module.find_entry(EntryRole::model);
  if (model) {
    describe(*model, text);
  } else {
    for (const Graph& entry : module.entries) describe(entry, text);
  }
  return llvm::xxh3_64bits(llvm::StringRef(text));
}

}  // namespace rnc
