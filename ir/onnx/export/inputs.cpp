#include "ir/onnx/export/inputs.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace rnc::onnx {
namespace {

// Nodes that read v; for an output kNoValue.
std::vector<ValueId> users_of(const Graph& graph, ValueId v) {
  std::vector<ValueId> users;
  for (const Output& output : graph.outputs)
    if (output.value == v) users.push_back(kNoValue);
  for (size_t i = 0; i < graph.nodes.size(); ++i)
    for (const ValueId input : graph.nodes[i].inputs)
      if (input == v) users.push_back(static_cast<ValueId>(i));
  return users;
}

std::string statistics(const Node& normalize) {
  return fmt::format("mean [{}], std [{}]",
                     fmt::join(normalize.attributes.get<std::vector<double>>("mean"), ", "),
                     fmt::join(normalize.attributes.get<std::vector<double>>("std"), ", "));
}

// What the bytes of an input become: through operations that each are all that is made of them, up to normalize, which
// is kNoValue where they become something else, too.
struct Preprocessing {
  std::vector<ValueId> steps;
  ValueId normalize = kNoValue;
};

Preprocessing preprocessing_of(const Graph& graph, ValueId input) {
  Preprocessing found{{input}};
  for (;;) {
    const std::vector<ValueId> users = users_of(graph, found.steps.back());
    if (users.size() != 1 || users[0] == kNoValue) return found;
    const Op op = graph[users[0]].op;
    if (op == Op::normalize) found.normalize = users[0];
    if (op != Op::resize) return found;
    found.steps.push_back(users[0]);
  }
}

std::string doc_of(const Graph& graph, const Preprocessing& found, bool is_float) {
  if (found.normalize == kNoValue) return {};
  const std::string of = statistics(graph[found.normalize]);
  if (is_float) return fmt::format("normalised pixels: (pixel / 255 - mean) / std by channel; {}", of);
  return fmt::format("pixels, 0 to 255; the model normalises them: (pixel / 255 - mean) / std by channel; {}",
                     of);
}

}  // namespace

FileInputs file_inputs(const Graph& graph, bool float_input) {
  FileInputs result;
  result.is_outside.resize(graph.nodes.size());
  bool any_bytes = false;
  for (size_t i = 0; i < graph.nodes.size(); ++i) {
    const Node& node = graph.nodes[i];
    if (node.op != Op::input) continue;
    const auto v = static_cast<ValueId>(i);
    if (node.type.dtype == DType::f64)
      throw UserError(node.location,
                      fmt::format("the input {} is {}; files in ONNX's format have f32, u8 and i32",
                                  node.name, str(node.type)));
    const bool is_bytes = node.type.dtype == DType::u8;
    const Preprocessing found = is_bytes ? preprocessing_of(graph, v) : Preprocessing{};
    const bool is_float = is_bytes && float_input;
    any_bytes |= is_bytes;
    if (is_float && found.normalize == kNoValue)
      throw UserError(node.location,
                      fmt::format("--float-input: the bytes of {} become more than what one normalize "
                                  "makes of them",
                                  node.name));
    result.inputs.push_back({v, is_float ? found.normalize : v, doc_of(graph, found, is_float)});
    for (const ValueId step : found.steps) result.is_outside[static_cast<size_t>(step)] = is_float;
  }
  if (float_input && !any_bytes) throw UserError({}, "--float-input: the model has no input of bytes");
  return result;
}

}  // namespace rnc::onnx
