#include "ir/graph/interpreter.h"

#include <fmt/format.h>

namespace rnc {
namespace {

TensorData zeros(Shape shape) {
  const auto count = static_cast<size_t>(elements_per_sample(shape));
  return {std::move(shape), std::vector<double>(count)};
}

const TensorData& find(const Tensors& tensors, const std::string& name, const Shape& shape) {
  const auto it = tensors.find(name);
  check(it != tensors.end(), fmt::format("interpret: no value was given for {}", name));
  check(it->second.shape == shape &&
            static_cast<int64_t>(it->second.values.size()) == elements_per_sample(shape),
        fmt::format("interpret: the value given for {} is {}, not {}", name, str(it->second.shape),
                    str(shape)));
  return it->second;
}

}  // namespace

Shape concrete(Shape shape, int64_t batch) {
  if (has_batch(shape)) shape[0] = batch;
  return shape;
}

Interpretation interpret(const Graph& graph, int64_t batch, const Tensors& inputs, const Tensors& tensors,
                         int digits) {
  Interpretation result;
  for (const Node& node : graph.nodes) {
    const Shape shape = concrete(node.type.shape, batch);
    if (node.op == Op::input || node.op == Op::state) {
      result.values.push_back(find(node.op == Op::input ? inputs : tensors, node.name, shape));
      continue;
    }
    EvalContext context{.node = node, .batch = batch, .result = zeros(shape), .digits = digits};
    for (const ValueId v : node.inputs) context.inputs.push_back(&result.values[static_cast<size_t>(v)]);
    info(node.op).evaluate(context);
    const int stored = node.type.dtype == DType::bf16 ? std::min(digits, kBf16Digits) : digits;
    for (double& value : context.result.values) value = rounded(value, stored);
    result.values.push_back(std::move(context.result));
  }
  const auto value = [&](ValueId v) { return result.values[static_cast<size_t>(v)]; };
  for (const Output& output : graph.outputs) result.outputs[output.name] = value(output.value);
  for (const Assign& assign : graph.assigns) result.assigned[assign.tensor] = value(assign.value);
  return result;
}

}  // namespace rnc
