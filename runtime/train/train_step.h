// One step of the optimizer, from batches of images to new weights: the entry train_step where a step is one part and
// its gradients are not looked at; otherwise backward for each part (step_parts.h), then what is done to the gradients,
// then update.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/data/loader.h"
#include "runtime/model/bound_entry.h"
#include "runtime/model/profile.h"
#include "runtime/model/session.h"
#include "runtime/ranks/communicator.h"
#include "runtime/support/error.h"
#include "runtime/task/task.h"
#include "runtime/train/gradients.h"
#include "runtime/train/lr_factors.h"
#include "runtime/train/step_sum.h"
#include "runtime/train/train_settings.h"

namespace rnrun {

// The loss or its gradients are not finite.
class Diverged : public Error {
 public:
  using Error::Error;
};

// `session`, `task` and `settings` must outlive it.
class TrainStep {
 public:
  // The learning rates of single parameters are those of epoch `epoch`, from 0.
  TrainStep(Session& session, const Task& task, const TrainSettings& settings, int64_t max_batch,
            int64_t epoch, Communicator ranks = {});

  // A step of `samples` samples in all ranks; `number` is that of the step, from 1. With `measure`, finish()
  // returns the norms of its gradients.
  void begin(int64_t number, int64_t samples, double lr, bool measure);
  // Trains on, or gets the gradients of, the next of this rank's parts. Afterwards ran() has its outputs. Throws Diverged, naming the first layer
  // at fault, when the loss is not finite; no parameter has changed then.
  void run(const Batch& batch);
  const BoundEntry& ran() const { return active_->entry; }
  // Ends a step when all its parts have run, on all ranks. Returns the norms of gradients().tensors(), if asked for.
  // Throws Diverged when they were computed and are not finite; no parameter has changed then.
  std::optional<std::vector<double>> finish();
  const Gradients& gradients() const { return gradients_; }
  // Of the entry that took most of the parts, so far: those as large as they get.
  const EntryProfile& profile() const;

 private:
  struct MeasuredEntry {  // an entry with its arguments
    MeasuredEntry(Session& session, const TrainSettings& settings, rn_entry_role role, int64_t max_batch);
    BoundEntry entry;
    const float* loss;
    EntryProfile profile;
    void run(int64_t batch);
  };

  [[noreturn]] void fail(const std::string& what, const std::string& where) const;

  Session& session_;
  const Task& task_;
  const TrainSettings& settings_;
  MeasuredEntry whole_;
  MeasuredEntry backward_;
  BoundEntry update_;
  Gradients gradients_;
  StepSum sum_;
  Communicator ranks_;
  LrFactors factors_;
  MeasuredEntry* active_;
  int64_t number_ = 0;   // of the step
  int64_t samples_ = 0;  // of the step
  int64_t part_ = 0;     // of the step: the next one
  bool measure_ = false;
};

}  // namespace rnrun
