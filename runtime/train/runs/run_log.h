// What a training reports while it runs, and who listens.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>

#include "runtime/contract/abi.h"
#include "runtime/model/profile.h"
#include "runtime/task/task.h"

namespace rnrun {

// Epochs count from 1, steps from 1 since the beginning of the training, interruptions or not.
struct StepRecord {
  int64_t epoch = 0;
  int64_t step = 0;
  double lr = 0;
  Metrics metrics;  // of the step's samples
};

// Norms of the gradients of a step as they came, before clipping.
struct GradientRecord {
  int64_t epoch = 0;
  int64_t step = 0;
  std::span<const std::string> parameters;  // in the model's order
  std::span<const double> norms;            // of the gradient of each
  double total = 0;                         // of all together
};

struct EpochRecord {
  int64_t epoch = 0;
  int64_t step = 0;  // of its end
  double lr = 0;     // of its last step
  Metrics train;
  std::optional<Metrics> test;      // if it was evaluated
  std::optional<Metrics> test_ema;  // the same with the moving averages, if there are some
  double seconds = 0;               // of training in this epoch in this process, without evaluation
  double images_per_s = 0;
  double waiting = 0;  // the part of `seconds` in which the next images were not there yet
  // Of several ranks, the first one's part in which it waited for the slowest, and for gradients to travel.
  double for_slowest = 0;
  double for_gradients = 0;
  const Findings* findings = nullptr;  // of the evaluation that counts, if there was one
  bool best =
      false;  // better by the task's first metric than all evaluations before (the averages', if there are some)
};

struct TrainOutcome {
  int signal = 0;            // that stopped it
  bool out_of_time = false;  // the time limit did
  Metrics test;              // of the last evaluation, by the averages if there are some; samples == 0: none
  double seconds = 0;        // in this process
  std::string checkpoint;

  // Came to its last epoch, or stopped early.
  bool finished() const { return signal == 0 && !out_of_time; }
};

// "finished" or "interrupted".
inline const char* state_text(const TrainOutcome& outcome) {
  return outcome.finished() ? "finished" : "interrupted";
}

inline constexpr const char* kFailed = "failed";  // in place of it after an error

// Hears of everything in order, on the training's thread. When a training is resumed, its steps go on after
// the checkpoint's; what was told of later ones before is told again.
class RunLog {
 public:
  virtual ~RunLog() = default;
  virtual void step(const StepRecord&) {}
  virtual void gradients(const GradientRecord&) {}
  // At the end of an epoch: the entry that took its batches.
  virtual void profile(const EntryProfile&) {}
  // After the evaluation, before the checkpoint is saved.
  virtual void epoch(const EpochRecord&) {}
  // After the checkpoint of an epoch was saved.
  virtual void saved() {}
  // At the end: this, or that an error was it.
  virtual void ended(const TrainOutcome&) {}
  virtual void failed(const std::string& /*why*/) {}
};

}  // namespace rnrun
