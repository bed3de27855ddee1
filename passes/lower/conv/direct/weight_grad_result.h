// What the kernel that finishes a weight gradient does with it: computes what the fused group makes of it,
// the optimizer's update, and stores what is needed outside. So a gradient that only the update reads never
// goes to memory.
#pragma once

#include "passes/lower/conv/direct/weight_grad.h"
#include "passes/lower/fused.h"

namespace rnc {

class WeightGradResult {
 public:
  // Of `conv`, in `group`, as [panels][blocks of channels][taps][V][panel].
  WeightGradResult(Lowering& lowering, KernelBuilder& kernel, const Group& group, const WeightGrad& conv);

  // To be called before store() for this input channel, in `body` or one around it.
  void channel(Body& body, loops::Expr channel);
  // The vector of the gradient at `index`, along the last dimension.
  void store(Body& body, std::vector<loops::Expr> index, loops::Expr gradient) const;

  // Bytes that store() moves per element.
  int64_t bytes_per_element() const { return code_.bytes_per_element(); }
  std::vector<std::pair<ValueId, ValueId>> in_place() const { return code_.in_place(); }

 private:
  loops::Expr existing_lanes(Body& body, const std::vector<loops::Expr>& index) const;

  const ConvShape& shape_;
  int64_t panel_;  // output channels
  ValueId gradient_;
  int lanes_;
  FusedCode code_;
  loops::Expr input_channel_;
  FusedCode::Values channel_;
};

}  // namespace rnc
