// Pools. A last window that ends outside (ceil_mode) is written as padding after the map: what ONNX's own ceil_mode means
// has changed between versions and differs between runtimes.
#include <algorithm>

#include "ir/onnx/export/exporters.h"

namespace rnc::onnx {
namespace {

// The pads that give the result's size without ceil_mode.
std::vector<int64_t> pads_of(const Operation& op) {
  std::vector<int64_t> pads = op.integers("pad");
  for (size_t d = 0; d < 2; ++d) {
    const int64_t needed =
        (op.node().type.shape[d + 2] - 1) * op.integers("stride")[d] + op.integers("kernel")[d];
    const int64_t outside = needed - (op.shape(0)[d + 2] + pads[d] + pads[d + 2]);
    pads[d + 2] += std::max<int64_t>(0, outside);
  }
  return pads;
}

void add(NodeAttributes& attributes, const std::vector<int64_t>& pads) {
  if (std::ranges::any_of(pads, [](int64_t pad) { return pad != 0; })) attributes.push_back({"pads", pads});
}

NodeAttributes window_of(const Operation& op) {
  return {{"kernel_shape", op.integers("kernel")}, {"strides", op.integers("stride")}};
}

void max_pool(Operation& op) {
  NodeAttributes attributes = window_of(op);
  add(attributes, pads_of(op));
  op.result("MaxPool", {op.operand(0)}, attributes);
}

// Padding that the divisor counts is counted by ONNX, too, but not what is behind it.
void avg_pool(Operation& op) {
  NodeAttributes attributes = window_of(op);
  const std::vector<int64_t>&pad = op.integers("pad"), pads = pads_of(op);
  const bool counts = op.attribute<bool>("count_include_pad") && std::ranges::count(pad, 0) < 4;
  if (!counts || pads == pad) {
    add(attributes, pads);
    if (counts) attributes.push_back({"count_include_pad", int64_t{1}});
    return op.result("AveragePool", {op.operand(0)}, attributes);
  }
  const std::vector<int64_t> all = {0, 0, pad[0], pad[1], 0, 0, pad[2], pad[3]};
  const std::string padded = op.emit("Pad", {op.operand(0), op.integers_of("pads", all)});
  add(attributes, {0, 0, pads[2] - pad[2], pads[3] - pad[3]});
  op.result("AveragePool", {padded}, attributes);
}

void global_avg_pool(Operation& op) { op.result("GlobalAveragePool", {op.operand(0)}); }

}  // namespace

std::span<const Exporter> pool_exporters() {
  static constexpr Exporter kRows[] = {
      {Op::max_pool, max_pool},
      {Op::avg_pool, avg_pool},
      {Op::global_avg_pool, global_avg_pool},
  };
  return kRows;
}

}  // namespace rnc::onnx
