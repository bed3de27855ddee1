#include "passes/optimizers.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>

namespace rnc {
namespace {

// One parameter's step in the making.
struct Step {
  GraphBuilder& b;
  const Optimizer& optimizer;
  const std::map<std::string, ValueId>& inputs;
  ValueId parameter;
  ValueId gradient;
  std::map<std::string, ValueId> slots;  // by the slot's name; the rule replaces them by their new values

  bool has(std::string_view hyper) const { return optimizer.hyper.has(hyper); }
  ValueId input(const std::string& name) const { return inputs.at(name); }
  ValueId add(ValueId x, ValueId y) const { return b.emit(Op::add, {x, y}); }
  ValueId sub(ValueId x, ValueId y) const { return b.emit(Op::sub, {x, y}); }
  ValueId mul(ValueId x, ValueId y) const { return b.emit(Op::mul, {x, y}); }
  ValueId div(ValueId x, ValueId y) const { return b.emit(Op::div, {x, y}); }
  ValueId sqrt(ValueId x) const { return b.emit(Op::sqrt, {x}); }
  ValueId decayed_gradient() const {
    return has("weight_decay") ? add(gradient, mul(parameter, input("weight_decay"))) : gradient;
  }
};

bool nesterov(const Optimizer& optimizer) {
  return optimizer.hyper.has("nesterov") && optimizer.hyper.get<bool>("nesterov");
}

bool damped(const Optimizer& optimizer) {
  return optimizer.hyper.has("momentum") && optimizer.hyper.has("dampening");
}

// 1 - dampening, but 1 on the first step: PyTorch starts the momentum with the undamped gradient.
ValueId undamped_share(Step& s) {
  const ValueId one = s.b.constant(1);
  const ValueId before = s.b.emit(Op::relu, {s.sub(s.input("step"), one)});
  const ValueId after = s.b.emit(Op::relu, {s.sub(before, one)});
  const ValueId is_later = s.sub(before, after);  // 0, then 1, 1, ...
  return s.sub(one, s.mul(s.input("dampening"), is_later));
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

// Kingma & Ba 2015, algorithm 1, with eps added to the corrected root as PyTorch does.
ValueId adam_step(Step& s) {
  const ValueId gradient = s.decayed_gradient();
  const ValueId one = s.b.constant(1);
  const auto average = [&](ValueId old, ValueId value, ValueId beta) {
    return s.add(s.mul(old, beta), s.mul(value, s.sub(one, beta)));
  };
  const auto correction = [&](ValueId beta) {
    return s.b.emit(Op::bias_correction, {beta, s.input("step")});
  };
  const ValueId beta1 = s.input("beta1");
  const ValueId beta2 = s.input("beta2");
  ValueId& mean = s.slots.at("exp_avg");
  ValueId& square = s.slots.at("exp_avg_sq");
  mean = average(mean, gradient, beta1);
  square = average(square, s.mul(gradient, gradient), beta2);
  const ValueId root = s.add(s.div(s.sqrt(square), s.sqrt(correction(beta2))), s.input("eps"));
  const ValueId rate = s.div(s.input("lr"), correction(beta1));
  return s.sub(s.parameter, s.mul(s.div(mean, root), rate));
}

struct Rule {
  std::string_view name;
  std::vector<AttributeSpec> hyper;  // without a default: may be left out
  std::vector<std::string> (*slots)(const Optimizer&);
  bool (*needs_step)(const Optimizer&);
  ValueId (*step)(Step&);
};

const std::vector<Rule>& rules() {
  using enum AttributeKind;
  static const std::vector<Rule> table = {
      {"sgd",
       {{"momentum", real, {}},
        {"dampening", real, {}},
        {"weight_decay", real, {}},
        {"nesterov", boolean, {}}},
       [](const Optimizer& o) {
         return o.hyper.has("momentum") ? std::vector<std::string>{"momentum"} : std::vector<std::string>{};
       },
       damped,
       sgd_step},
      {"adam",
       {{"beta1", real, 0.9}, {"beta2", real, 0.999}, {"eps", real, 1e-8}, {"weight_decay", real, {}}},
       [](const Optimizer&) {
         return std::vector<std::string>{"exp_avg", "exp_avg_sq"};
       },
       [](const Optimizer&) { return true; },
       adam_step},
  };
  return table;
}

const Rule& rule_of(const Optimizer& optimizer) {
  const auto it = std::ranges::find(rules(), optimizer.name, &Rule::name);
  if (it != rules().end()) return *it;
  std::vector<std::string_view> known;
  for (const Rule& rule : rules()) known.push_back(rule.name);
  throw UserError(optimizer.location, fmt::format("there is no optimizer {}; there are {}", optimizer.name,
                                                  fmt::join(known, ", ")));
}

void check_values(const Optimizer& optimizer) {
  const auto fail = [&](std::string message) {
    throw UserError(optimizer.location, fmt::format("{}: {}", optimizer.name, message));
  };
  for (const auto& [key, value] : optimizer.hyper.all()) {
    const double* number = std::get_if<double>(&value);
    if (number && !(*number >= 0 && std::isfinite(*number))) {
      fail(fmt::format("{} must be a number of at least 0, not {}", key, str(value)));
    }
    if (number && key.starts_with("beta") && *number >= 1) {
      fail(fmt::format("{} must be less than 1, not {}", key, str(value)));
    }
  }
  if (nesterov(optimizer) && (!optimizer.hyper.has("momentum") || damped(optimizer))) {
    fail("nesterov needs momentum and no dampening");
  }
}

}  // namespace

Optimizer complete_optimizer(const Optimizer& optimizer) {
  const Rule& rule = rule_of(optimizer);
  OpInfo given{.name = rule.name};  // what is checked as the attributes of an operation are
  for (const AttributeSpec& spec : rule.hyper) {
    if (spec.default_value || optimizer.hyper.has(spec.name)) given.attributes.push_back(spec);
  }
  Optimizer complete = optimizer;
  complete.hyper = complete_attributes(given, optimizer.hyper, optimizer.location);
  check_values(complete);
  return complete;
}

std::vector<std::string> update_inputs(const Optimizer& optimizer) {
  const Rule& rule = rule_of(optimizer);
  std::vector<std::string> names = {"lr"};
  for (const AttributeSpec& spec : rule.hyper) {
    const bool number = spec.kind == AttributeKind::real;
    if (number && optimizer.hyper.has(spec.name)) names.emplace_back(spec.name);
  }
  if (rule.needs_step(optimizer)) names.emplace_back("step");
  return names;
}

std::vector<std::string> slot_tensors(const Optimizer& optimizer, const std::string& parameter) {
  std::vector<std::string> tensors;
  for (const std::string& slot : rule_of(optimizer).slots(optimizer))
    tensors.push_back(slot + "." + parameter);
  return tensors;
}

std::vector<Assign> emit_update(GraphBuilder& builder, const Optimizer& optimizer,
                                const std::map<std::string, ValueId>& inputs, const std::string& parameter,
                                ValueId gradient) {
  const Rule& rule = rule_of(optimizer);
  Step step{.b = builder,
            .optimizer = optimizer,
            .inputs = inputs,
            .parameter = builder.state(parameter),
            .gradient = gradient};
  for (const std::string& slot : rule.slots(optimizer)) {
    step.slots[slot] = builder.state(slot + "." + parameter);
  }
  std::vector<Assign> assigns = {{parameter, rule.step(step)}};
  for (const auto& [slot, value] : step.slots) assigns.push_back({slot + "." + parameter, value});
  return assigns;
}

}  // namespace rnc
