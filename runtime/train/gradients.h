// What happens to gradients between the entries backward and update, besides being added up (step_sum.h): measuring,
// scaling.
// Results do not depend on the number of threads.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "runtime/model/session.h"

namespace rnrun {

// The gradients of a session, which must outlive it.
class Gradients {
 public:
  explicit Gradients(Session& session);

  // The gradient tensors, in the model's order, and the names of the parameters they belong to.
  const std::vector<const rn_tensor*>& tensors() const { return tensors_; }
  const std::vector<std::string>& parameters() const { return parameters_; }
  // The 2-norm of each of tensors(), computed in double precision: sums of fixed blocks, added in order.
  std::vector<double> norms() const;
  void scale(float factor);

 private:
  struct Block {
    size_t tensor;  // index into tensors_
    int64_t begin;  // in floats from the region's beginning
    int64_t end;
  };
  std::span<float> values() const;

  Session* session_;
  std::vector<const rn_tensor*> tensors_;
  std::vector<std::string> parameters_;
  std::vector<Block> blocks_;
};

// The 2-norm of all gradients together.
double total_norm(std::span<const double> norms);
// By what torch.nn.utils.clip_grad_norm_ scales gradients of this total norm.
double clip_factor(double total_norm, double max_norm);

}  // namespace rnrun
