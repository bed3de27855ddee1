#include "ir/onnx/loss.h"

#include <fmt/format.h>

#include <algorithm>

namespace rnc::onnx {
namespace {

// Puts an input behind the others: all other nodes move by one.
ValueId insert_input(Graph& graph, Node input) {
  const auto is_other = [](const Node& node) { return node.op != Op::input; };
  const auto place = std::ranges::find_if(graph.nodes, is_other);
  const auto id = static_cast<ValueId>(place - graph.nodes.begin());
  const auto move = [id](ValueId& v) { v += v >= id ? 1 : 0; };
  for (Node& node : graph.nodes) std::ranges::for_each(node.inputs, move);
  for (Output& output : graph.outputs) move(output.value);
  graph.nodes.insert(place, std::move(input));
  return id;
}

}  // namespace

void add_loss(Module& module, const std::string& loss) {
  constexpr const char* kCrossEntropy = "cross_entropy";
  if (loss != kCrossEntropy) throw UserError({}, fmt::format("--loss {}: there is {}", loss, kCrossEntropy));
  Graph& graph = *module.find_entry(EntryRole::model);
  ValueId logits = graph.outputs.at(0).value;
  if (const Node& last = graph[logits]; last.op == Op::softmax || last.op == Op::log_softmax)
    logits = last.inputs[0];
  Shape shape = graph[logits].type.shape;
  if (shape.size() < 2)
    throw UserError({}, fmt::format("--loss {}: '{}' is {}, which is no number for each class", loss,
                                    graph.outputs[0].name, rnc::str(graph[logits].type)));
  shape.erase(shape.begin() + 1);
  Graph with_inputs;
  const ValueId made = GraphBuilder(module, with_inputs).input("label", {DType::i32, shape, {}});
  Node label = with_inputs[made];
  label.attributes.set("role", std::string(name(InputRole::target)));
  const ValueId labels = insert_input(graph, std::move(label));
  GraphBuilder builder(module, graph);
  builder.set_origin({}, "loss");
  const ValueId value = builder.emit(Op::cross_entropy, {logits + 1, labels});
  graph.outputs.push_back({std::string("loss"), value, OutputRole::loss});
}

}  // namespace rnc::onnx
