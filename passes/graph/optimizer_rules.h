// The table of optimizers: each is a row beside the rule by which it moves a parameter, in the file of its family.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "ir/graph/graph.h"

namespace rnc {

// One parameter's step in the making.
struct Step {
  GraphBuilder& b;
  const Optimizer& optimizer;
  const std::map<std::string, ValueId>& inputs;
  ValueId parameter;
  ValueId gradient;
  std::string decay;                     // the hyper-parameter that is its weight decay; empty: none
  std::map<std::string, ValueId> slots;  // by the slot's name; the rule replaces them by their new values

  bool has(std::string_view hyper) const { return optimizer.hyper.has(hyper); }
  ValueId input(const std::string& name) const { return inputs.at(name); }
  ValueId add(ValueId x, ValueId y) const { return b.emit(Op::add, {x, y}); }
  ValueId sub(ValueId x, ValueId y) const { return b.emit(Op::sub, {x, y}); }
  ValueId mul(ValueId x, ValueId y) const { return b.emit(Op::mul, {x, y}); }
  ValueId div(ValueId x, ValueId y) const { return b.emit(Op::div, {x, y}); }
  ValueId complement(ValueId x) const { return b.emit(Op::complement, {x}); }  // 1 - x
  ValueId sqrt(ValueId x) const { return b.emit(Op::sqrt, {x}); }
  ValueId decayed_gradient() const {
    return decay.empty() ? gradient : add(gradient, mul(parameter, input(decay)));
  }
  // p (1 - lr decay)
  ValueId decayed_parameter() const {
    return decay.empty() ? parameter : mul(parameter, complement(mul(input("lr"), input(decay))));
  }
};

// decay old + (1 - decay) value
inline ValueId average(Step& s, ValueId old, ValueId value, ValueId decay) {
  return s.add(s.mul(old, decay), s.mul(value, s.complement(decay)));
}

struct OptimizerRule {
  std::string_view name;
  std::vector<AttributeSpec> hyper;  // without a default: may be left out
  std::vector<std::string> (*slots)(const Optimizer&);
  bool (*needs_step)(const Optimizer&);  // whether `step` is an input
  ValueId (*step)(Step&);                // returns the parameter's new value
};

// The numbers every optimizer may have besides `own`: weight decay, and its exceptions.
std::vector<AttributeSpec> with_decay(std::vector<AttributeSpec> own,
                                      std::optional<Attribute> weight_decay = {});
// What rows are made of: no optimizer, or every, needs the step; slots for Adam's moments, or for a momentum if there is one.
inline bool never(const Optimizer&) { return false; }
inline bool always(const Optimizer&) { return true; }
std::vector<std::string> adam_slots(const Optimizer&);
std::vector<std::string> momentum_slots(const Optimizer& optimizer);

// The families: those that go by each element's gradients, and those that measure a layer's step.
std::vector<OptimizerRule> elementwise_optimizers();
std::vector<OptimizerRule> layerwise_optimizers();

// Of SGD; false or none where they are not given.
bool nesterov(const Optimizer& optimizer);
bool damped(const Optimizer& optimizer);

// Adam's slots moved: the mean of the gradients, and the root of the mean of their squares, corrected for its beginning,
// with eps added to the corrected root as PyTorch does.
struct AdamMoments {
  ValueId mean;
  ValueId root;
};
AdamMoments adam_moments(Step& s, ValueId gradient);
// 1 - beta^step
ValueId bias_correction(Step& s, const char* beta);

}  // namespace rnc
