#include "ir/onnx/export/operation.h"

#include <fmt/format.h>

namespace rnc::onnx {

std::string Operation::spread(size_t i) {
  const Shape& operand_shape = shape(i);
  const int rank = node().type.rank();
  if (operand_shape.size() != 1 || rank < 3) return operand(i);
  Shape channels(static_cast<size_t>(rank) - 1, 1);
  channels[0] = operand_shape[0];
  if (is_fixed(i)) return written_.shaped(node().inputs[i], channels);
  return emit("Reshape", {operand(i), integers_of("shape", channels)});
}

std::vector<std::string> Operation::spread_all() {
  std::vector<std::string> operands;
  for (size_t i = 0; i < count(); ++i) operands.push_back(spread(i));
  return operands;
}

std::string Operation::weight(size_t i, std::string_view part) {
  if (!is_fixed(i)) return operand(i);
  return written_.shaped(node().inputs[i], shape(i), fmt::format("{}.{}", node().layer, part));
}

std::string Operation::transposed(size_t i, std::string_view part) {
  if (is_fixed(i)) return written_.transposed(node().inputs[i], fmt::format("{}.{}", node().layer, part));
  return emit("Transpose", {operand(i)}, {{"perm", std::vector<int64_t>{1, 0}}});
}

std::string Operation::numbers(std::string_view what, DType type, const Shape& shape,
                               const std::vector<double>& values) {
  const std::string name = writer().free_name(fmt::format("{}.{}", label(), what));
  writer().initializer(name, type, shape, values);
  return name;
}

Reduction Operation::reduction(std::string_view as, std::string operand, const std::vector<int64_t>& axes,
                               bool keepdims) {
  Reduction made{{std::move(operand)}, {{"keepdims", int64_t{keepdims}}}};
  if (opset() >= 18 || as == "ReduceSum")
    made.inputs.push_back(integers_of("axes", axes));
  else
    made.attributes.push_back({"axes", axes});
  return made;
}

std::string Operation::emit(std::string_view op, std::vector<std::string> inputs,
                            const NodeAttributes& attributes) {
  const std::string name = fmt::format("{}.{}", label(), op);
  const std::string result = writer().free_name(name);
  writer().add_node(op, std::move(inputs), {result}, name, attributes);
  return result;
}

void Operation::result(std::string_view op, std::vector<std::string> inputs,
                       const NodeAttributes& attributes) {
  results(op, std::move(inputs), {v_}, attributes);
}

void Operation::results(std::string_view op, std::vector<std::string> inputs,
                        const std::vector<ValueId>& values, const NodeAttributes& attributes) {
  std::vector<std::string> names;
  for (const ValueId value : values) names.push_back(written_.result_name(value));
  writer().add_node(op, std::move(inputs), names, node().layer.empty() ? label() : node().layer, attributes);
  for (size_t i = 0; i < values.size(); ++i) written_.set_name(values[i], names[i]);
}

}  // namespace rnc::onnx
