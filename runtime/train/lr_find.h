// The learning-rate range test (Smith, "Cyclical learning rates for training neural networks", WACV 2017) as fastai's
// Learner.lr_find does it: a step with each of a series of growing rates, and the loss of each.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "runtime/data/dataset.h"
#include "runtime/model/session.h"
#include "runtime/task/task.h"
#include "runtime/train/train_settings.h"

namespace rnrun {

struct LrRange {
  double first = 1e-7;
  double last = 10;
  int64_t steps = 100;
};

struct LrPoint {
  double lr = 0;
  double loss = 0;      // of the step's samples, before the step
  double smoothed = 0;  // moving average of the losses so far, decay 0.98, corrected for its beginning
};

struct LrFind {
  std::vector<LrPoint> points;  // of finite losses
  bool diverged = false;        // ended early: smoothed loss above four times the least, or no finite loss
  // The rate at which the smoothed loss falls fastest over the logarithm of the rate; without the first tenth of the
  // steps and the last five, as fastai's `steep`, and between its highest value and the lowest after it, so that noise
  // before the loss begins to fall decides nothing. Nothing when it falls by less than 2 % of itself.
  std::optional<double> suggestion;
};

// Rate number `step` of the range: they grow exponentially.
double lr_of(const LrRange& range, int64_t step);
// Of points that a test of so many steps has given.
std::optional<double> steepest(const std::vector<LrPoint>& points, int64_t steps);

// Trains on `data` as the settings say but for the rate, epoch after epoch as long as it takes; then all tensors of the
// session are as they were. `told` hears of each point. Stops early, without a suggestion, when interrupted.
LrFind find_lr(Session& session, const Task& task, const Dataset& data, const TrainSettings& settings,
               const LrRange& range, int workers, const std::function<void(const LrPoint&)>& told);

// lr_find.csv: a line "lr,loss,smoothed" and one for each point.
std::string csv_text(const std::vector<LrPoint>& points);

}  // namespace rnrun
