#include "runtime/train/train_step.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "runtime/support/error.h"
#include "runtime/support/random.h"
#include "runtime/train/divergence.h"
#include "runtime/train/step_parts.h"

namespace rnrun {
namespace {

// The target of which a batch has nothing but the value that counts nothing, so that its mean loss is 0 / 0; none if
// all have more.
std::optional<Field> without_values(const Task& task, const Batch& batch) {
  const std::vector<Field> fields = task.fields();
  for (size_t f = 0; f < fields.size(); ++f) {
    if (!fields[f].ignored || batch.values[f] == nullptr) continue;
    const auto values = batch.as<int32_t>(f, fields[f].elements());
    const auto counts = [&](int32_t value) { return value != *fields[f].ignored; };
    if (std::ranges::none_of(values, counts)) return fields[f];
  }
  return std::nullopt;
}

}  // namespace

TrainStep::MeasuredEntry::MeasuredEntry(Session& session, const TrainSettings& settings, rn_entry_role role,
                                        int64_t max_batch)
    : entry(session, session.model().entry(role), max_batch),
      loss(entry.output<float>(find(outputs(entry.entry()), RN_LOSS)->name)),
      profile{.entry = &entry.entry(), .batch = max_batch} {
  for (const auto& [hyper, value] : settings.hyper) entry.set_scalar(hyper, value);
}

void TrainStep::MeasuredEntry::run(int64_t batch) {
  if (batch < profile.batch) {
    entry.run(batch);
    return;
  }
  const auto start = Clock::now();
  entry.run(batch, {&profile.profile, nullptr});
  profile.seconds += seconds_between(start, Clock::now());
  ++profile.runs;
}

TrainStep::TrainStep(Session& session, const Task& task, const TrainSettings& settings, int64_t max_batch,
                     int64_t epoch, Communicator ranks)
    : session_(session),
      task_(task),
      settings_(settings),
      whole_(session, settings, RN_TRAIN_STEP, max_batch),
      backward_(session, settings, RN_BACKWARD, max_batch),
      update_(session, session.model().entry(RN_UPDATE), 1),
      gradients_(session),
      sum_(session, settings.micro_batches > 1, ranks),
      ranks_(std::move(ranks)),
      factors_(session, lr_factors(session.model(), settings, epoch)),
      active_(&whole_) {
  for (const auto& [hyper, value] : settings.hyper) update_.set_scalar(hyper, value);
}

void TrainStep::begin(int64_t number, int64_t samples, double lr, bool measure) {
  number_ = number;
  samples_ = samples;
  const int64_t parts = part_count(settings_, backward_.entry.entry(), samples);
  part_ = parts_of_rank(parts, ranks_.rank(), ranks_.size()).begin;
  measure_ = measure;
  active_ = measure || has_parts(settings_) || settings_.clip_grad_norm > 0 ? &backward_ : &whole_;
  if (has_parts(settings_)) sum_.begin(parts);
  for (BoundEntry* entry : {&whole_.entry, &update_}) {
    entry->set_scalar(RN_LEARNING_RATE, lr);
    entry->set_scalar(RN_STEP, static_cast<double>(number));
  }
}

void TrainStep::run(const Batch& batch) {
  task_.bind(active_->entry, batch);
  active_->entry.set_scalar(RN_SEED, seed_of_run(settings_.seed, number_, part_++));
  if (active_ == &whole_) factors_.before_step();
  active_->run(batch.size);
  if (const auto loss = static_cast<double>(*active_->loss); !std::isfinite(loss)) {
    if (const auto field = without_values(task_, batch))
      throw Error(
          fmt::format("step {}: '{}' of all {} samples is {} everywhere, which counts nothing: leave such "
                      "samples out, or take a larger --batch-size",
                      number_, field->name, batch.size, *field->ignored));
    fail(fmt::format("the loss is {}", loss), first_bad_layer(session_, active_->entry, batch.size));
  }
  if (active_ == &whole_) factors_.after_step();
  if (has_parts(settings_))
    sum_.add(static_cast<float>(static_cast<double>(batch.size) / static_cast<double>(samples_)));
}

const EntryProfile& TrainStep::profile() const {
  return whole_.profile.runs >= backward_.profile.runs ? whole_.profile : backward_.profile;
}

void TrainStep::fail(const std::string& what, const std::string& where) const {
  throw Diverged(fmt::format("{} in step {}{}{}; the training has diverged: try a lower --lr", what, number_,
                             where.empty() ? "" : ": ", where));
}

std::optional<std::vector<double>> TrainStep::finish() {
  if (active_ == &whole_) return std::nullopt;
  if (has_parts(settings_)) sum_.finish();
  std::optional<std::vector<double>> norms;
  if (measure_ || settings_.clip_grad_norm > 0) norms = gradients_.norms();
  if (norms && !std::isfinite(total_norm(*norms))) {
    const rn_tensor* bad = first_bad_tensor(session_, RN_GRADIENT);
    fail("the gradients are not finite", bad == nullptr ? "" : fmt::format("{} is not", bad->name));
  }
  if (settings_.clip_grad_norm > 0) {
    const double factor = clip_factor(total_norm(*norms), settings_.clip_grad_norm);
    if (factor < 1) gradients_.scale(static_cast<float>(factor));
  }
  factors_.before_step();
  update_.run(1);
  factors_.after_step();
  return measure_ ? norms : std::nullopt;
}

}  // namespace rnrun
