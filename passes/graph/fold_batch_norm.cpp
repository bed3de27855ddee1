// Folds batch norm in eval mode into the convolution or linear layer that feeds it:
//
//   batch_norm(conv2d(x, w, b)) = (conv2d(x, w) + b - mean) * scale + beta,  scale = gamma / sqrt(var + eps)
//                               = conv2d(x, w * scale[o], (b - mean) * scale + beta)
//
// which is exact algebra (rounding differs). The new weight and bias are nodes that depend on fixed tensors
// only, so hoist_parameters takes them out of the entry. The convolution must have no other use, else it
// would be computed twice. Cost: the folded weights and biases, once more in memory.
#include "passes/graph/rewrite.h"
#include "passes/passes.h"

namespace rnc {
namespace {

// w[o, ...] * scale[o]: broadcasting is along dimension 1, so that is where the outputs go for the product.
ValueId scale_outputs(GraphBuilder& b, ValueId weight, ValueId scale, std::string name) {
  const Shape shape = b[weight].type.shape;
  const Shape outputs_second = {1, shape[0], elements_per_sample(shape) / shape[0]};
  Attributes there, back;
  there.set("shape", outputs_second);
  back.set("shape", shape);
  const ValueId scaled = b.emit(Op::mul, {b.emit(Op::reshape, {weight}, there), scale});
  return b.emit(Op::reshape, {scaled}, back, std::move(name));
}

// `norm` and `contraction` are the old nodes, with their inputs in the new graph.
ValueId fold(GraphBuilder& b, const Node& norm, const Node& contraction) {
  const ValueId gamma = norm.inputs[1], beta = norm.inputs[2], mean = norm.inputs[3], var = norm.inputs[4];
  const ValueId eps = b.constant(norm.attributes.get<double>("eps"));
  b.set_origin_of(contraction);
  const ValueId scale = b.emit(Op::mul, {gamma, b.emit(Op::rsqrt, {b.emit(Op::add, {var, eps})})});
  const bool generated = contraction.name.starts_with('%');
  const std::string folded = "%folded." + contraction.name.substr(generated ? 1 : 0);
  const ValueId weight = scale_outputs(b, contraction.inputs[1], scale, folded + ".weight");
  ValueId bias = kNoValue;
  if (const ValueId given = operand(contraction, "bias"); given != kNoValue) {
    const ValueId centred = b.emit(Op::sub, {given, mean});
    bias = b.emit(Op::add, {b.emit(Op::mul, {centred, scale}), beta}, {}, folded + ".bias");
  } else {
    bias = b.emit(Op::sub, {beta, b.emit(Op::mul, {mean, scale})}, {}, folded + ".bias");
  }
  return b.emit(contraction.op, {contraction.inputs[0], weight, bias}, contraction.attributes, norm.name);
}

bool fold_in_graph(const Module& module, Graph& graph) {
  const std::vector<int> uses = use_counts(graph);
  const std::vector<bool> fixed = fixed_values(module, graph);
  const auto all_but_first_fixed = [&](const Node& node) {
    for (size_t i = 1; i < node.inputs.size(); ++i) {
      if (!fixed[static_cast<size_t>(node.inputs[i])]) return false;
    }
    return true;
  };
  return rewrite(module, graph, [&](Rewriter& r, ValueId v) {
    const Node& norm = r.old(v);
    if (norm.op != Op::batch_norm || norm.attributes.get<std::string>("mode") != "eval") return kNoValue;
    const ValueId x = norm.inputs[0];
    const Node& contraction = r.old(x);
    // The outputs of a linear with more dimensions are not batch norm's channels.
    const bool foldable =
        contraction.op == Op::conv2d || (contraction.op == Op::linear && contraction.type.rank() == 2);
    if (!foldable || uses[static_cast<size_t>(x)] > 1) return kNoValue;
    if (!all_but_first_fixed(norm) || !all_but_first_fixed(contraction)) return kNoValue;
    return fold(r.builder(), r.with_inputs_now(v), r.with_inputs_now(x));
  });
}

}  // namespace

bool fold_batch_norm(Module& module) {
  return for_each_entry(module, [](const Module& m, Graph& graph) {
    bool changed = false;
    while (fold_in_graph(m, graph)) changed = true;  // again: batch norms may follow each other
    return changed;
  });
}

}  // namespace rnc
