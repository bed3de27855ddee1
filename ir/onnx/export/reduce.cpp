// Sums, means and largest elements along dimensions, and softmax.
#include "ir/ops/reduce.h"

#include "ir/onnx/export/exporters.h"
#include "ir/ops/axis.h"

namespace rnc::onnx {
namespace {

void reduce(Operation& op) {
  const std::vector<int64_t> axes = reduced_axes(op.node(), op.type(0).rank());
  const bool keepdims = op.attribute<bool>("keepdims");
  const bool is_of_maps = op.type(0).rank() == 4 && axes == std::vector<int64_t>{2, 3};
  if (op.node().op == Op::amax && is_of_maps && keepdims) return op.result("GlobalMaxPool", {op.operand(0)});
  const Reduction made = op.reduction(op.as(), op.operand(0), axes, keepdims);
  op.result(op.as(), made.inputs, made.attributes);
}

void softmax(Operation& op) {
  op.result(op.as(), {op.operand(0)}, {{"axis", axis_of(op.node(), op.node().type.rank())}});
}

void argmax(Operation& op) {
  NodeAttributes attributes{{"axis", axis_of(op.node(), op.type(0).rank())},
                            {"keepdims", int64_t{op.attribute<bool>("keepdims")}}};
  if (op.attribute<bool>("last")) attributes.push_back({"select_last_index", int64_t{1}});
  op.result("Cast", {op.emit("ArgMax", {op.operand(0)}, attributes)},
            {{"to", int64_t{proto::TensorProto::INT32}}});
}

}  // namespace

std::span<const Exporter> reduce_exporters() {
  static constexpr Exporter kRows[] = {
      {Op::sum, reduce, "ReduceSum"},           {Op::mean, reduce, "ReduceMean"},
      {Op::amax, reduce, "ReduceMax"},          {Op::softmax, softmax, "Softmax"},
      {Op::log_softmax, softmax, "LogSoftmax"}, {Op::argmax, argmax},
  };
  return kRows;
}

}  // namespace rnc::onnx
