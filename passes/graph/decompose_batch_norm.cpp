// Rewrites batch_norm into channel reductions and elementwise operations, so that fusion needs no special case.
//
//   train:  y = (x - mean(x)) * (weight * rsqrt(variance(x) + eps)) + bias
//   eval:   y = x * scale + (bias - running_mean * scale),  scale = weight * rsqrt(running_var + eps)
//
// Both are the definition with the factors collected per channel. Subtracting the mean before multiplying
// keeps the training form accurate where |mean| is large against the deviation. The statistics are the same
// nodes that the gradient and the running statistics use, so cse leaves one of each. It costs nothing: two
// operations per element where the definition has four. Mode "model" is left to derive_entries.
#include "ir/ops/ops.h"
#include "passes/graph/rewrite.h"
#include "passes/passes.h"

namespace rnc {
namespace {

struct BatchNorm {
  ValueId x, weight, bias, running_mean, running_variance;  // in the new graph
  double eps;
};

ValueId scale_of(GraphBuilder& b, const BatchNorm& bn, ValueId variance) {
  const ValueId eps = b.constant(bn.eps);
  const ValueId rstd = b.emit(Op::rsqrt, {b.emit(Op::add, {variance, eps})});
  return b.emit(Op::mul, {bn.weight, rstd});
}

ValueId emit_train(GraphBuilder& b, const BatchNorm& bn, const std::string& name) {
  const ValueId mean = b.emit(Op::channel_mean, {bn.x});
  const ValueId scale = scale_of(b, bn, ops::emit_batch_variance(b, bn.x));
  const ValueId centred = b.emit(Op::sub, {bn.x, mean});
  return b.emit(Op::add, {b.emit(Op::mul, {centred, scale}), bn.bias}, {}, name);
}

ValueId emit_eval(GraphBuilder& b, const BatchNorm& bn, const std::string& name) {
  const ValueId scale = scale_of(b, bn, bn.running_variance);
  const ValueId shift = b.emit(Op::sub, {bn.bias, b.emit(Op::mul, {bn.running_mean, scale})});
  return b.emit(Op::add, {b.emit(Op::mul, {bn.x, scale}), shift}, {}, name);
}

bool decompose_batch_norm_in(const Module& module, Graph& graph) {
  return rewrite(module, graph, [](Rewriter& r, ValueId v) {
    const Node& node = r.old(v);
    if (node.op != Op::batch_norm) return kNoValue;
    const auto& mode = node.attributes.get<std::string>("mode");
    if (mode == "model") return kNoValue;
    const auto in = [&](size_t i) { return r.now(node.inputs[i]); };
    const BatchNorm bn{in(0), in(1), in(2), in(3), in(4), node.attributes.get<double>("eps")};
    return mode == "train" ? emit_train(r.builder(), bn, node.name) : emit_eval(r.builder(), bn, node.name);
  });
}

}  // namespace

bool decompose_batch_norm(Module& module) { return for_each_entry(module, decompose_batch_norm_in); }

}  // namespace rnc
