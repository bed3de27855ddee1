// How one parameter moves in a step, for each optimizer. The rules read the inputs and slots that the table in
// optimizers.cpp gives them.
#pragma once

#include <map>
#include <string>
#include <string_view>

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

// Of SGD; false or none where they are not given.
bool nesterov(const Optimizer& optimizer);
bool damped(const Optimizer& optimizer);
// Of RMSprop.
bool centered(const Optimizer& optimizer);

// Each returns the parameter's new value.
ValueId sgd_step(Step& s);
ValueId adam_step(Step& s);
ValueId adamw_step(Step& s);
ValueId rmsprop_step(Step& s);
ValueId lion_step(Step& s);
ValueId lamb_step(Step& s);
ValueId lars_step(Step& s);

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
