#include "passes/graph/optimizers.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <iterator>

#include "ir/text/suggest.h"
#include "passes/graph/optimizer_rules.h"

namespace rnc {
namespace {

const std::vector<OptimizerRule>& rules() {
  static const std::vector<OptimizerRule> table = [] {
    std::vector<OptimizerRule> rows = elementwise_optimizers();
    std::ranges::move(layerwise_optimizers(), std::back_inserter(rows));
    return rows;
  }();
  return table;
}

// Which hyper-parameter is a parameter's weight decay, as torchvision's set_weight_decay chooses; empty:
// none.
std::string decay_of(const Optimizer& optimizer, const std::string& parameter, bool norm) {
  const auto has = [&](const char* name) { return optimizer.hyper.has(name); };
  const bool bias = parameter == "bias" || parameter.ends_with(".bias");
  if (bias && has("bias_weight_decay")) return "bias_weight_decay";
  if (norm && has("norm_weight_decay")) return "norm_weight_decay";
  return has("weight_decay") ? "weight_decay" : "";
}

const OptimizerRule& rule_of(const Optimizer& optimizer) {
  const auto it = std::ranges::find(rules(), optimizer.name, &OptimizerRule::name);
  if (it != rules().end()) return *it;
  std::vector<std::string_view> known;
  for (const OptimizerRule& rule : rules()) known.push_back(rule.name);
  const std::string hint =
      text::suggestion(text::Wanted::optimizer, optimizer.name, {known.begin(), known.end()});
  throw UserError(optimizer.location, fmt::format("there is no optimizer {}; there are {}{}", optimizer.name,
                                                  fmt::join(known, ", "), hint));
}

void check_names(const Optimizer& optimizer, const OptimizerRule& rule) {
  std::vector<std::string> known;
  for (const AttributeSpec& spec : rule.hyper) known.emplace_back(spec.name);
  for (const auto& [key, value] : optimizer.hyper.all()) {
    if (std::ranges::find(known, key) != known.end()) continue;
    throw UserError(optimizer.location, fmt::format("{}: there is no attribute {}{}", optimizer.name, key,
                                                    text::suggestion(text::Wanted::hyper, key, known)));
  }
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
    const bool fraction = key.starts_with("beta") || key == "alpha";
    if (number && fraction && *number >= 1) {
      fail(fmt::format("{} must be less than 1, not {}", key, str(value)));
    }
  }
  const bool is_damped = damped(optimizer) && optimizer.hyper.get<double>("dampening") != 0;
  if (nesterov(optimizer) && (!optimizer.hyper.has("momentum") || is_damped)) {
    fail("nesterov needs momentum and no dampening");
  }
}

}  // namespace

Optimizer complete_optimizer(const Optimizer& optimizer) {
  const OptimizerRule& rule = rule_of(optimizer);
  OpInfo given{.name = rule.name};  // what is checked as the attributes of an operation are
  for (const AttributeSpec& spec : rule.hyper) {
    if (spec.default_value || optimizer.hyper.has(spec.name)) given.attributes.push_back(spec);
  }
  check_names(optimizer, rule);
  Optimizer complete = optimizer;
  complete.hyper = complete_attributes(given, optimizer.hyper, optimizer.location);
  check_values(complete);
  if (nesterov(complete)) complete.hyper.erase("dampening");  // which is 0, and is to stay so
  return complete;
}

std::vector<UpdateInput> update_inputs(const Optimizer& optimizer) {
  const OptimizerRule& rule = rule_of(optimizer);
  std::vector<UpdateInput> inputs = {{"lr", InputRole::learning_rate}};
  for (const AttributeSpec& spec : rule.hyper) {
    const bool number = spec.kind == AttributeKind::real;
    if (number && optimizer.hyper.has(spec.name))
      inputs.push_back({std::string(spec.name), InputRole::hyper});
  }
  if (rule.needs_step(optimizer)) inputs.push_back({"step", InputRole::step});
  return inputs;
}

std::vector<std::string> slot_tensors(const Optimizer& optimizer, const std::string& parameter) {
  std::vector<std::string> tensors;
  for (const std::string& slot : rule_of(optimizer).slots(optimizer))
    tensors.push_back(slot + "." + parameter);
  return tensors;
}

std::vector<Assign> emit_update(GraphBuilder& builder, const Optimizer& optimizer,
                                const std::map<std::string, ValueId>& inputs, const std::string& parameter,
                                bool norm, ValueId gradient) {
  const OptimizerRule& rule = rule_of(optimizer);
  Step step{.b = builder,
            .optimizer = optimizer,
            .inputs = inputs,
            .parameter = builder.state(parameter),
            .gradient = gradient,
            .decay = decay_of(optimizer, parameter, norm)};
  for (const std::string& slot : rule.slots(optimizer)) {
    step.slots[slot] = builder.state(slot + "." + parameter);
  }
  std::vector<Assign> assigns = {{parameter, rule.step(step)}};
  for (const auto& [slot, value] : step.slots) assigns.push_back({slot + "." + parameter, value});
  return assigns;
}

}  // namespace rnc
