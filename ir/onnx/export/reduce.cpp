// Sums, means and largest elements along dimensions, and softmax.
#include "ir/ops/reduce.h"

#include "ir/onnx/export/exporters.h"
#include "ir/ops/axis.h"

namespace rnc::onnx {
namespace {

// The axes are an input of ReduceSum from opset 13 on, of the others from 18.
struct Reduction {
  std::vector<std::string> inputs;
  NodeAttributes attributes;
};

Reduction reduction(Operation& op, std::string_view as, std::string operand, const std::vector<int64_t>& axes,
                    bool keepdims) {
  Reduction made{{std::move(operand)}, {{"keepdims", int64_t{keepdims}}}};
  if (op.opset() >= 18 || as == "ReduceSum")
    made.inputs.push_back(op.integers_of("axes", axes));
  else
    made.attributes.push_back({"axes", axes});
  return made;
}

void reduce(Operation& op) {
  const std::vector<int64_t> axes = reduced_axes(op.node(), op.type(0).rank());
  const bool is_of_maps = op.type(0).rank() == 4 && axes == std::vector<int64_t>{2, 3};
  if (op.node().op == Op::amax && is_of_maps && op.attribute<bool>("keepdims"))
    return op.result("GlobalMaxPool", {op.operand(0)});
  const Reduction made = reduction(op, op.as(), op.operand(0), axes, op.attribute<bool>("keepdims"));
  op.result(op.as(), made.inputs, made.attributes);
}

std::vector<int64_t> all_but_channels(const Operation& op) {
  std::vector<int64_t> axes;
  for (int64_t d = 0; d < op.type(0).rank(); ++d)
    if (d != 1) axes.push_back(d);
  return axes;
}

void channel_reduction(Operation& op) {
  const Reduction made = reduction(op, op.as(), op.operand(0), all_but_channels(op), false);
  op.result(op.as(), made.inputs, made.attributes);
}

void channel_variance(Operation& op) {
  const Reduction mean = reduction(op, "ReduceMean", op.operand(0), all_but_channels(op), true);
  const std::string centred =
      op.emit("Sub", {op.operand(0), op.emit("ReduceMean", mean.inputs, mean.attributes)});
  const Reduction made =
      reduction(op, "ReduceMean", op.emit("Mul", {centred, centred}), all_but_channels(op), false);
  op.result("ReduceMean", made.inputs, made.attributes);
}

// Of each channel.
void element_count(Operation& op) {
  const std::string all = op.as_float(op.emit("Size", {op.operand(0)}));
  op.result("Div", {all, op.scalar(static_cast<double>(op.shape(0)[1]))});
}

void softmax(Operation& op) {
  op.result(op.as(), {op.operand(0)}, {{"axis", axis_of(op.node(), op.node().type.rank())}});
}

}  // namespace

std::span<const Exporter> reduce_exporters() {
  static constexpr Exporter kRows[] = {
      {Op::sum, reduce, "ReduceSum"},
      {Op::mean, reduce, "ReduceMean"},
      {Op::amax, reduce, "ReduceMax"},
      {Op::channel_sum, channel_reduction, "ReduceSum"},
      {Op::channel_mean, channel_reduction, "ReduceMean"},
      {Op::channel_variance, channel_variance},
      {Op::element_count, element_count},
      {Op::softmax, softmax, "Softmax"},
      {Op::log_softmax, softmax, "LogSoftmax"},
  };
  return kRows;
}

}  // namespace rnc::onnx
