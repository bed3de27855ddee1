#include "runtime/train/lr_find.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <memory>

#include "runtime/support/interrupt.h"
#include "runtime/train/epoch_plan.h"
#include "runtime/train/step_parts.h"
#include "runtime/train/train_step.h"

namespace rnrun {

namespace {

constexpr double kDecay = 0.98;
constexpr double kDiverged = 4;       // times the least smoothed loss
constexpr double kNoticeable = 0.02;  // part of the loss by which it must fall; less may be chance

// The batches of one epoch after the other; of each epoch as many as make whole steps, or all where there are fewer.
class Batches {
 public:
  Batches(const Dataset& data, const Task& task, const TrainSettings& settings, const rn_entry& entry,
          int workers)
      : data_(data),
        task_(task),
        settings_(settings),
        entry_(entry),
        workers_(workers),
        sampler_(data, task.fields(), sampler_of(settings)) {
    step_samples_ = std::min(rnrun::step_samples(settings), sampler_.size());
  }
  int64_t step_samples() const { return step_samples_; }
  Batch next() {
    if (loader_ != nullptr)
      if (const Batch batch = loader_->next(); batch.size > 0) return batch;
    const int64_t end = sampler_.size() / step_samples_ * step_samples_;
    loader_.reset();
    loader_ = std::make_unique<Loader>(
        data_, epoch_plan(sampler_, task_, settings_, entry_, epoch_++, 0, end), workers_);
    return loader_->next();
  }

 private:
  const Dataset& data_;
  const Task& task_;
  const TrainSettings& settings_;
  const rn_entry& entry_;
  int workers_;
  Sampler sampler_;
  int64_t step_samples_ = 0;
  int64_t epoch_ = 0;
  std::unique_ptr<Loader> loader_;
};

// Puts the session's tensors back when it goes.
class KeptTensors {
 public:
  explicit KeptTensors(Session& session) : session_(session), tensors_(session.tensors(kKinds)) {}
  ~KeptTensors() { session_.set_tensors(kKinds, tensors_, "the tensors before the test"); }
  KeptTensors(const KeptTensors&) = delete;
  KeptTensors& operator=(const KeptTensors&) = delete;

 private:
  static constexpr std::initializer_list<rn_tensor_kind> kKinds = {RN_PARAMETER, RN_BUFFER, RN_SLOT};
  Session& session_;
  Arrays tensors_;
};

// A step; its loss, or nothing if the training has diverged.
std::optional<double> loss_of_step(TrainStep& step, Batches& batches, const Task& task, int64_t number,
                                   double lr) {
  Metrics metrics;
  step.begin(number, batches.step_samples(), lr, false);
  while (metrics.samples < batches.step_samples()) {
    const Batch batch = batches.next();
    try {
      step.run(batch);
    } catch (const Diverged&) {
      return std::nullopt;
    }
    task.count(metrics, step.ran(), batch);
  }
  try {
    step.finish();
  } catch (const Diverged&) {
    return std::nullopt;
  }
  return metrics.loss();
}

}  // namespace

double lr_of(const LrRange& range, int64_t step) {
  const double progress =
      range.steps > 1 ? static_cast<double>(step) / static_cast<double>(range.steps - 1) : 0;
  return range.first * std::pow(range.last / range.first, progress);
}

std::optional<double> steepest(const std::vector<LrPoint>& points, int64_t steps) {
  constexpr int64_t kLast = 5;
  const int64_t first = steps / 10, end = static_cast<int64_t>(points.size()) - kLast;
  if (end <= first) return std::nullopt;
  const auto lowest =
      std::ranges::min_element(points.begin() + first, points.begin() + end, {}, &LrPoint::smoothed);
  const auto highest = std::ranges::max_element(points.begin() + first, lowest + 1, {}, &LrPoint::smoothed);
  if (lowest->smoothed > (1 - kNoticeable) * highest->smoothed) return std::nullopt;
  std::optional<double> lr;
  double least = 0;
  for (auto a = highest; a != lowest; ++a) {
    const auto b = std::next(a);
    const double slope = (b->smoothed - a->smoothed) / (std::log(b->lr) - std::log(a->lr));
    if (slope >= least) continue;
    least = slope;
    lr = a->lr;
  }
  return lr;
}

LrFind find_lr(Session& session, const Task& task, const Dataset& data, const TrainSettings& settings,
               const LrRange& range, int workers, const std::function<void(const LrPoint&)>& told) {
  const KeptTensors kept(session);
  Batches batches(data, task, settings, session.model().entry(RN_TRAIN_STEP), workers);
  TrainStep step(session, task, settings, std::min(settings.batch_size, batches.step_samples()), 0);
  session.prepare_for(session.model().entry(RN_TRAIN_STEP));
  LrFind find;
  double average = 0, best = 0;
  for (int64_t i = 0; i < range.steps && interrupted() == 0; ++i) {
    const double lr = lr_of(range, i);
    const std::optional<double> loss = loss_of_step(step, batches, task, i + 1, lr);
    find.diverged = !loss;
    if (find.diverged) break;
    average = kDecay * average + (1 - kDecay) * *loss;
    const double smoothed = average / (1 - std::pow(kDecay, static_cast<double>(i + 1)));
    find.points.push_back({lr, *loss, smoothed});
    told(find.points.back());
    best = i == 0 ? smoothed : std::min(best, smoothed);
    find.diverged = smoothed > kDiverged * best;
    if (find.diverged) break;
  }
  if (interrupted() == 0) find.suggestion = steepest(find.points, range.steps);
  return find;
}

std::string csv_text(const std::vector<LrPoint>& points) {
  std::string text = "lr,loss,smoothed\n";
  for (const LrPoint& p : points) text += fmt::format("{},{},{}\n", p.lr, p.loss, p.smoothed);
  return text;
}

}  // namespace rnrun
