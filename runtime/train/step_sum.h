// Adds up what the parts of a step give, on this rank and over all: gradients, each times its part's share of the samples;
// and for micro-batches what each has changed in the running statistics, in the same way. Every micro-batch begins with
// the statistics from before the step, so that a step moves them once, by the mean of what its micro-batches would:
//
//   gradient   = sum of share_k gradient_k
//   statistics = before + sum of share_k (statistics_k - before)
//
// The parts of --accumulate move statistics one after the other instead, as PyTorch's do.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "runtime/model/session.h"
#include "runtime/ranks/communicator.h"
#include "runtime/support/memory.h"
#include "runtime/train/rank_sum.h"
#include "runtime/train/sum_tree.h"

namespace rnrun {

class StepSum {
 public:
  // `session` must outlive it.
  StepSum(Session& session, bool statistics, Communicator ranks);
  // A step of so many parts, of which this rank's follow, in order.
  void begin(int64_t parts);
  // After a part: takes what it has left in the session.
  void add(float share);
  // Makes the sum over all ranks the session's.
  void finish();

 private:
  std::span<float> gradients() const { return floats_of(RN_GRADIENT); }
  std::span<float> statistics() const;  // none if they are not to be added up
  std::span<float> floats_of(rn_tensor_kind kind) const;
  std::span<float> place(size_t depth);

  Session* session_;
  bool with_statistics_;
  Communicator ranks_;
  RankSum rank_sum_;
  int64_t parts_ = 0;
  int64_t next_ = 0;              // the part that is added next
  std::vector<PartialSum> sums_;  // of the parts so far
  std::vector<Memory> memory_;    // of each of them: first the gradients, then the statistics
  std::vector<float> before_;     // the step: statistics
};

}  // namespace rnrun
