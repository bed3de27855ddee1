// Batch norm, and statistics of channels over the batch and all places.
#include "ir/onnx/export/exporters.h"

namespace rnc::onnx {
namespace {

std::vector<int64_t> all_but_channels(const Operation& op) {
  std::vector<int64_t> axes;
  for (int64_t d = 0; d < op.type(0).rank(); ++d)
    if (d != 1) axes.push_back(d);
  return axes;
}

std::string mean(Operation& op, std::string tensor) {
  const Reduction made = op.reduction("ReduceMean", std::move(tensor), all_but_channels(op), true);
  return op.emit("ReduceMean", made.inputs, made.attributes);
}

std::string centred(Operation& op) { return op.emit("Sub", {op.operand(0), mean(op, op.operand(0))}); }

// By the statistics of the batch, part by part: BatchNormalization has them in training alone.
void batch_norm_of_batch(Operation& op) {
  const std::string x = centred(op);
  const std::string variance = mean(op, op.emit("Mul", {x, x}));
  const std::string deviation =
      op.emit("Sqrt", {op.emit("Add", {variance, op.scalar(op.attribute<double>("eps"))})});
  const std::string scaled = op.emit("Mul", {op.emit("Div", {x, deviation}), op.spread(1)});
  op.result("Add", {scaled, op.spread(2)});
}

// What ONNX calls momentum stays of the running statistics in a step of training.
void batch_norm(Operation& op) {
  if (op.attribute<std::string>("mode") == "train") return batch_norm_of_batch(op);
  op.result(
      "BatchNormalization",
      {op.operand(0), op.weight(1, "weight"), op.weight(2, "bias"), op.weight(3, "running_mean"),
       op.weight(4, "running_var")},
      {{"epsilon", op.real("eps")}, {"momentum", static_cast<float>(1 - op.attribute<double>("momentum"))}});
}

void reduce(Operation& op) {
  const Reduction made = op.reduction(op.as(), op.operand(0), all_but_channels(op), false);
  op.result(op.as(), made.inputs, made.attributes);
}

void variance(Operation& op) {
  const std::string x = centred(op);
  const Reduction made = op.reduction("ReduceMean", op.emit("Mul", {x, x}), all_but_channels(op), false);
  op.result("ReduceMean", made.inputs, made.attributes);
}

// Of each channel.
void element_count(Operation& op) {
  const std::string all = op.as_float(op.emit("Size", {op.operand(0)}));
  op.result("Div", {all, op.scalar(static_cast<double>(op.shape(0)[1]))});
}

}  // namespace

std::span<const Exporter> channel_exporters() {
  static constexpr Exporter kRows[] = {
      {Op::batch_norm, batch_norm},
      {Op::channel_sum, reduce, "ReduceSum"},
      {Op::channel_mean, reduce, "ReduceMean"},
      {Op::channel_variance, variance},
      {Op::element_count, element_count},
  };
  return kRows;
}

}  // namespace rnc::onnx
