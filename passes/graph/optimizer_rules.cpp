// Optimizers that go by each element's gradients, and what rows are made of.
#include "passes/graph/optimizer_rules.h"

namespace rnc {

std::vector<AttributeSpec> with_decay(std::vector<AttributeSpec> own, std::optional<Attribute> weight_decay) {
  using enum AttributeKind;
  own.push_back({"weight_decay", real, std::move(weight_decay)});
  own.push_back({"norm_weight_decay", real, {}});
  own.push_back({"bias_weight_decay", real, {}});
  return own;
}

std::vector<std::string> adam_slots(const Optimizer&) { return {"exp_avg", "exp_avg_sq"}; }

std::vector<std::string> momentum_slots(const Optimizer& optimizer) {
  if (optimizer.hyper.has("momentum")) return {"momentum"};
  return {};
}

bool nesterov(const Optimizer& optimizer) {
  return optimizer.hyper.has("nesterov") && optimizer.hyper.get<bool>("nesterov");
}

bool damped(const Optimizer& optimizer) {
  return optimizer.hyper.has("momentum") && optimizer.hyper.has("dampening");
}

ValueId bias_correction(Step& s, const char* beta) {
  return s.b.emit(Op::bias_correction, {s.input(beta), s.input("step")});
}

AdamMoments adam_moments(Step& s, ValueId gradient) {
  ValueId& mean = s.slots.at("exp_avg");
  ValueId& square = s.slots.at("exp_avg_sq");
  mean = average(s, mean, gradient, s.input("beta1"));
  square = average(s, square, s.mul(gradient, gradient), s.input("beta2"));
  return {mean, s.add(s.div(s.sqrt(square), s.sqrt(bias_correction(s, "beta2"))), s.input("eps"))};
}

namespace {

// 1 - dampening, but 1 on the first step, where PyTorch starts the momentum with the undamped gradient, and
// without momentum, where it takes the gradient as it is.
ValueId undamped_share(Step& s) {
  const auto where_positive = [&](ValueId x, ValueId y) { return s.b.emit(Op::relu_grad, {x, y}); };
  const ValueId before = s.complement(s.input("step"));  // 0, then -1, -2, ...
  const ValueId with_momentum = where_positive(s.input("dampening"), s.input("momentum"));
  return s.complement(where_positive(with_momentum, s.mul(before, before)));
}

// Sutskever et al. 2013 in PyTorch's form: v' = momentum v + (1 - dampening) g; p' = p - lr v'.
ValueId sgd_step(Step& s) {
  ValueId direction = s.decayed_gradient();
  if (s.has("momentum")) {
    const ValueId share = damped(s.optimizer) ? s.mul(direction, undamped_share(s)) : direction;
    ValueId& velocity = s.slots.at("momentum");
    velocity = s.add(s.mul(velocity, s.input("momentum")), share);
    direction = nesterov(s.optimizer) ? s.add(direction, s.mul(velocity, s.input("momentum"))) : velocity;
  }
  return s.sub(s.parameter, s.mul(direction, s.input("lr")));
}

// Kingma & Ba 2015, algorithm 1. Returns `parameter` moved.
ValueId adam_step_from(Step& s, ValueId parameter, ValueId gradient) {
  const auto [mean, root] = adam_moments(s, gradient);
  const ValueId rate = s.div(s.input("lr"), bias_correction(s, "beta1"));
  return s.sub(parameter, s.mul(s.div(mean, root), rate));
}

ValueId adam_step(Step& s) { return adam_step_from(s, s.parameter, s.decayed_gradient()); }

// Loshchilov & Hutter 2019: the decay goes to the parameter, not to the gradient.
ValueId adamw_step(Step& s) { return adam_step_from(s, s.decayed_parameter(), s.gradient); }

bool centered(const Optimizer& optimizer) { return optimizer.hyper.get<bool>("centered"); }

// Hinton's lecture 6e; centered as Graves 2013; eps is added to the root, as PyTorch does:
// v' = momentum v + g / (sqrt(square_avg [- grad_avg^2]) + eps); p' = p - lr v'.
ValueId rmsprop_step(Step& s) {
  const ValueId gradient = s.decayed_gradient();
  ValueId& square = s.slots.at("square_avg");
  square = average(s, square, s.mul(gradient, gradient), s.input("alpha"));
  ValueId variance = square;
  if (centered(s.optimizer)) {
    ValueId& mean = s.slots.at("grad_avg");
    mean = average(s, mean, gradient, s.input("alpha"));
    variance = s.sub(square, s.mul(mean, mean));
  }
  ValueId direction = s.div(gradient, s.add(s.sqrt(variance), s.input("eps")));
  if (s.has("momentum")) {
    ValueId& velocity = s.slots.at("momentum");
    velocity = s.add(s.mul(velocity, s.input("momentum")), direction);
    direction = velocity;
  }
  return s.sub(s.parameter, s.mul(direction, s.input("lr")));
}

// Chen et al. 2023, "Symbolic discovery of optimization algorithms", algorithm 2: the sign of a mean that leans to the
// newest gradient, and the decay as AdamW's: p' = p (1 - lr decay) - lr sign(beta1 m + (1 - beta1) g);
// m' = beta2 m + (1 - beta2) g.
ValueId lion_step(Step& s) {
  ValueId& mean = s.slots.at("exp_avg");
  const ValueId direction = s.b.emit(Op::sign, {average(s, mean, s.gradient, s.input("beta1"))});
  mean = average(s, mean, s.gradient, s.input("beta2"));
  return s.sub(s.decayed_parameter(), s.mul(direction, s.input("lr")));
}

}  // namespace

std::vector<OptimizerRule> elementwise_optimizers() {
  using enum AttributeKind;
  using Slots = std::vector<std::string>;
  const std::vector<AttributeSpec> adam = {{"beta1", real, 0.9}, {"beta2", real, 0.999}, {"eps", real, 1e-8}};
  return {
      {"sgd", with_decay({{"momentum", real, {}}, {"dampening", real, {}}, {"nesterov", boolean, {}}}),
       momentum_slots, damped, sgd_step},
      {"adam", with_decay(adam), adam_slots, always, adam_step},
      {"adamw", with_decay(adam, 0.01), adam_slots, always, adamw_step},
      {"rmsprop",
       with_decay({{"alpha", real, 0.99},
                   {"eps", real, 1e-8},
                   {"momentum", real, {}},
                   {"centered", boolean, false}}),
       [](const Optimizer& o) {
         Slots slots = {"square_avg"};
         if (centered(o)) slots.emplace_back("grad_avg");
         if (o.hyper.has("momentum")) slots.emplace_back("momentum");
         return slots;
       },
       never, rmsprop_step},
      {"lion", with_decay({{"beta1", real, 0.9}, {"beta2", real, 0.99}}),
       [](const Optimizer&) { return Slots{"exp_avg"}; }, never, lion_step},
  };
}

}  // namespace rnc
