#include "runtime/trainer.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <span>
#include <vector>

#include "runtime/bound_entry.h"
#include "runtime/error.h"
#include "runtime/evaluate.h"
#include "runtime/interrupt.h"
#include "runtime/lr_schedule.h"
#include "runtime/random.h"

namespace rnrun {

Trainer::Trainer(Session& session, const DataSplits& data, const TrainSettings& settings,
                 const std::string& directory, int64_t eval_every)
    : session_(session),
      data_(data),
      settings_(settings),
      directory_(directory),
      eval_every_(eval_every),
      classifier_(classifier_of(session.model(), "train_step")),
      samples_per_epoch_(data.train->size()) {
  if (settings.limit_batches > 0)
    samples_per_epoch_ = std::min(samples_per_epoch_, settings.limit_batches * settings.batch_size);
}

void Trainer::save(const TrainPosition& position) const {
  save_checkpoint(checkpoint_path(directory_), session_, {settings_, position});
}

// From position.position to the end of the epoch, or to an interruption.
void Trainer::train_epoch(TrainPosition& position, Progress& progress) {
  const int64_t batch_size = std::min(settings_.batch_size, samples_per_epoch_);
  BoundEntry step(session_, "train_step", batch_size);
  auto* pixels = step.input<uint8_t>(classifier_.image);
  auto* labels = step.input<int32_t>(classifier_.label);
  const auto* scores = step.output<float>(classifier_.predict);
  const auto* loss = step.output<float>("loss");
  for (const auto& [name, value] : settings_.hyper) step.set_scalar(name, value);

  const auto order = permutation(static_cast<uint32_t>(data_.train->size()), settings_.seed, position.epoch);
  const int64_t steps = settings_.epochs * ((samples_per_epoch_ + batch_size - 1) / batch_size);
  epoch_samples_ = 0;
  const auto start = Clock::now();
  while (position.position < samples_per_epoch_ && interrupted() == 0) {
    const int64_t batch = std::min(batch_size, samples_per_epoch_ - position.position);
    const auto indices =
        std::span(order).subspan(static_cast<size_t>(position.position), static_cast<size_t>(batch));
    read_batch(*data_.train, indices, session_.pool(), pixels, labels);
    step.set_scalar("lr", learning_rate(settings_.lr_schedule, settings_.lr, position.step, steps));
    step.set_scalar("step", static_cast<double>(position.step + 1));
    step.run(batch);
    if (!std::isfinite(*loss))
      throw Error(
          fmt::format("the loss is {} in epoch {}, step {}: the training has diverged; try a lower --lr",
                      *loss, position.epoch + 1, position.step + 1));
    position.metrics.add(batch, static_cast<double>(*loss), scores, classifier_.classes, labels);
    position.position += batch;
    ++position.step;
    epoch_samples_ += batch;
    epoch_seconds_ = seconds_between(start, Clock::now());

    const double speed = static_cast<double>(epoch_samples_) / epoch_seconds_;
    const int64_t left = (settings_.epochs - position.epoch) * samples_per_epoch_ - position.position;
    progress.update({position.epoch + 1, settings_.epochs, (position.position + batch_size - 1) / batch_size,
                     (samples_per_epoch_ + batch_size - 1) / batch_size, position.metrics, speed,
                     static_cast<double>(left) / speed});
  }
}

TrainOutcome Trainer::run(TrainPosition position) {
  const auto start = Clock::now();
  const MetricsLog log(directory_, position.epoch);
  Progress progress;
  TrainOutcome outcome;
  outcome.checkpoint = checkpoint_path(directory_);
  while (position.epoch < settings_.epochs) {
    train_epoch(position, progress);
    EpochMetrics metrics{position.epoch + 1,
                         position.step,
                         settings_.lr,
                         position.metrics,
                         {},
                         epoch_seconds_,
                         epoch_seconds_ > 0 ? static_cast<double>(epoch_samples_) / epoch_seconds_ : 0};
    const bool last = metrics.epoch == settings_.epochs;
    if (interrupted() == 0 && eval_every_ > 0 && (last || metrics.epoch % eval_every_ == 0)) {
      const auto evaluation = Clock::now();
      outcome.test = evaluate(session_, *data_.test, settings_.batch_size, settings_.limit_batches);
      metrics.test = outcome.test;
      if (interrupted() == 0)
        progress.line(fmt::format("epoch {}/{}  test: loss {:.4f}  top-1 {:.2f} %  top-5 {:.2f} %  {:.1f} s",
                                  metrics.epoch, settings_.epochs, outcome.test.loss(),
                                  100 * outcome.test.top1_rate(), 100 * outcome.test.top5_rate(),
                                  seconds_between(evaluation, Clock::now())));
    }
    if (interrupted() != 0) {
      outcome.signal = interrupted();
      save(position);
      progress.line(fmt::format("stopped in epoch {} after step {}; --resume goes on from there",
                                metrics.epoch, position.step));
      break;
    }
    log.add(metrics);
    position = {position.epoch + 1, 0, position.step, {}};
    save(position);
  }
  outcome.seconds = seconds_between(start, Clock::now());
  return outcome;
}

}  // namespace rnrun
