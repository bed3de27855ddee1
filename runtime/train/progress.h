// Shows how far a training has come: a bar that is redrawn on a terminal, a plain line now and then elsewhere.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "runtime/model/profile.h"
#include "runtime/task/task.h"

namespace rnrun {

struct ProgressState {
  int64_t epoch = 0;  // from 1
  int64_t epochs = 0;
  int64_t batch = 0;  // done in this epoch
  int64_t batches = 0;
  double lr = 0;
  Metrics metrics;  // of this epoch so far
  double images_per_s = 0;
  double seconds_left = 0;  // of the training, evaluation not counted
};

// As torchvision's train.py, with averages over the epoch so far:
// "Epoch: [1/10]  [ 12/235]  eta: 0:42  lr: 0.05  img/s: 1234  loss: 0.5432  acc1: 78.12  acc5: 99.01"
std::string progress_text(const ProgressState& state, const Task& task);
// "Acc@1 89.860 Acc@5 99.800  loss: 0.2822"
std::string test_text(const Metrics& metrics, const Task& task);
// "0:42", "12:05", "3:00:07"
std::string duration_text(double seconds);

class Progress {
 public:
  // Writes to standard output: a line after every `print_freq` batches, counted from the epoch's beginning;
  // 0: now and then. `task` must outlive it.
  Progress(int64_t print_freq, const Task& task);
  // Shows the state if it is time to, or at the end of an epoch.
  void update(const ProgressState& state);
  // Prints a line of its own.
  void line(std::string_view text);

 private:
  void clear_bar();
  int64_t print_freq_;
  const Task& task_;
  bool terminal_;
  bool bar_shown_ = false;
  Clock::time_point shown_;
};

}  // namespace rnrun
