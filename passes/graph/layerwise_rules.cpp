// Optimizers that measure a layer's step against the layer's parameters. As in their authors' code, tensors of one
// dimension, which are biases and the parameters of norms, take steps as they come.
#include "passes/graph/optimizer_rules.h"

namespace rnc {
namespace {

bool adapts(const Step& s) { return s.b[s.parameter].type.rank() > 1; }

// The 2-norm of all elements.
ValueId norm(Step& s, ValueId x) {
  Attributes all;
  all.set("axes", std::vector<int64_t>());
  all.set("keepdims", false);
  return s.sqrt(s.b.emit(Op::sum, {s.mul(x, x)}, std::move(all)));
}

// `ratio` where both norms are above 0, else 1.
ValueId where_both(Step& s, ValueId a, ValueId b, ValueId ratio) {
  const ValueId zero = s.b.constant(0), one = s.b.constant(1);
  const ValueId second = s.b.emit(Op::where_less, {zero, b, ratio, one});
  return s.b.emit(Op::where_less, {zero, a, second, one});
}

// You et al. 2020, "Large batch optimization for deep learning", algorithm 2, with the norms themselves for phi:
// r = m / (sqrt(v) + eps) + decay p, both corrected; p' = p - lr (|p| / |r|) r.
ValueId lamb_step(Step& s) {
  const auto [mean, root] = adam_moments(s, s.gradient);
  ValueId direction = s.div(s.div(mean, root), bias_correction(s, "beta1"));
  if (!s.decay.empty()) direction = s.add(direction, s.mul(s.parameter, s.input(s.decay)));
  if (adapts(s)) {
    const ValueId parameter_norm = norm(s, s.parameter), direction_norm = norm(s, direction);
    const ValueId ratio = s.div(parameter_norm, direction_norm);
    direction = s.mul(direction, where_both(s, parameter_norm, direction_norm, ratio));
  }
  return s.sub(s.parameter, s.mul(direction, s.input("lr")));
}

// You et al. 2017, "Large batch training of convolutional networks": the gradient, decay included, times
// trust |p| / (|g| + decay |p| + eps), then SGD with momentum as PyTorch has it, where the learning rate multiplies the
// momentum: v' = momentum v + d; p' = p - lr v'.
ValueId lars_step(Step& s) {
  ValueId direction = s.decayed_gradient();
  if (adapts(s)) {
    const ValueId parameter_norm = norm(s, s.parameter), gradient_norm = norm(s, s.gradient);
    ValueId whole = s.add(gradient_norm, s.input("eps"));
    if (!s.decay.empty()) whole = s.add(whole, s.mul(parameter_norm, s.input(s.decay)));
    const ValueId ratio = s.div(s.mul(parameter_norm, s.input("trust_coefficient")), whole);
    direction = s.mul(direction, where_both(s, parameter_norm, gradient_norm, ratio));
  }
  if (s.has("momentum")) {
    ValueId& velocity = s.slots.at("momentum");
    velocity = s.add(s.mul(velocity, s.input("momentum")), direction);
    direction = velocity;
  }
  return s.sub(s.parameter, s.mul(direction, s.input("lr")));
}

}  // namespace

std::vector<OptimizerRule> layerwise_optimizers() {
  using enum AttributeKind;
  return {
      {"lamb", with_decay({{"beta1", real, 0.9}, {"beta2", real, 0.999}, {"eps", real, 1e-6}}), adam_slots,
       always, lamb_step},
      {"lars", with_decay({{"momentum", real, {}}, {"trust_coefficient", real, 0.001}, {"eps", real, 1e-8}}),
       momentum_slots, never, lars_step},
  };
}

}  // namespace rnc
