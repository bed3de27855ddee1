#include "runtime/train/trainer.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "runtime/measure/evaluate.h"
#include "runtime/measure/rank_news.h"
#include "runtime/support/error.h"
#include "runtime/support/interrupt.h"
#include "runtime/train/divergence.h"
#include "runtime/train/epoch_plan.h"
#include "runtime/train/look.h"
#include "runtime/train/lr_factors.h"
#include "runtime/train/lr_schedule.h"
#include "runtime/train/step_parts.h"

namespace rnrun {

namespace {

constexpr size_t kExamples = 24;  // kept of an evaluation
constexpr int kOutOfTime = -1;

int64_t divide_up(int64_t a, int64_t b) { return (a + b - 1) / b; }

// Refuses what the settings ask for in vain.
void check_use(const TrainSettings& settings, const Task& task, const DataSplits& data) {
  if (settings.early_stop > 0 && (settings.eval_every == 0 || data.test == nullptr))
    throw UsageError(fmt::format("--early-stop {}: nothing is evaluated, as {}", settings.early_stop,
                                 data.test == nullptr ? "the data have nothing for validation: --val-split "
                                                        "keeps a part for it"
                                                      : "--eval-every is 0"));
  const bool pictures = std::ranges::any_of(task.fields(), [](const Field& f) { return f.is_picture(); });
  if (!pictures && changes_images(settings))
    throw UsageError(
        "images are to be changed at random (--hflip, --random-crop and others), but the model takes none");
}

// How the ranks have got on; nothing to say of one.
std::string rank_text(const Communicator& ranks, const EpochRecord& record) {
  if (ranks.size() == 1) return {};
  return fmt::format(", for the slowest rank: {:.2f} %, for gradients: {:.2f} %; img/s of each rank: {:.1f}",
                     100 * record.for_slowest, 100 * record.for_gradients,
                     record.images_per_s / ranks.size());
}

}  // namespace

Trainer::Trainer(Session& session, const Task& task, const DataSplits& data, const TrainSettings& settings,
                 const std::string& directory, RunLimits limits)
    : session_(session),
      data_(data),
      settings_(settings),
      directory_(directory),
      limits_(limits),
      task_(task),
      sampler_(*data.train, task.fields(), sampler_of(settings)),
      samples_per_epoch_(sampler_.size()),
      progress_(settings.print_freq, task) {
  if ((settings.mixup_alpha > 0 || settings.cutmix_alpha > 0) && !task.takes_mixtures())
    throw UsageError(
        fmt::format("{}: the loss of the model {} does not take mixtures: it has no inputs label2: i32[N] "
                    "and lambda: f32[]",
                    settings.mixup_alpha > 0 ? "--mixup-alpha" : "--cutmix-alpha", session.model().name()));
  check_use(settings, task, data);
  if (settings.drop_last) samples_per_epoch_ -= samples_per_epoch_ % settings.batch_size;
  if (settings.limit_batches > 0)
    samples_per_epoch_ = std::min(samples_per_epoch_, settings.limit_batches * settings.batch_size);
  steps_per_epoch_ = divide_up(samples_per_epoch_, step_samples(settings));
  check_batches();
  check_ranks();
  lr_factors(session.model(), settings, 0);  // refuses what it cannot read
}

// Every batch must be one that the model can be trained on; the last of an epoch may be the smallest.
void Trainer::check_batches() const {
  const int64_t images = sampler_.size();
  if (samples_per_epoch_ == 0)
    throw UsageError(fmt::format("--drop-last leaves no batch: there are {} images, batches have {}", images,
                                 settings_.batch_size));
  const rn_entry& entry = session_.model().entry(RN_TRAIN_STEP);
  const int64_t rest = samples_per_epoch_ % settings_.batch_size;
  const std::string whole = batch_refusal(entry, std::min(settings_.batch_size, samples_per_epoch_));
  if (!whole.empty()) throw UsageError(fmt::format("{}: pass a larger --batch-size", whole));
  const std::string last = rest == 0 ? "" : batch_refusal(entry, rest);
  if (!last.empty())
    throw UsageError(
        fmt::format("{}, which is what is left of {} images: pass --drop-last or another "
                    "--batch-size",
                    last, images));
}

// Micro-batches are many enough for the ranks, and large enough for the model.
void Trainer::check_ranks() const {
  const int64_t parts = settings_.micro_batches;
  if (limits_.ranks.size() > std::max<int64_t>(parts, 1))
    throw UsageError(fmt::format("--micro-batches {}: there are {} ranks, of which each needs one", parts,
                                 limits_.ranks.size()));
  if (parts <= 1) return;
  if (settings_.accumulate > 1)
    throw UsageError(fmt::format(
        "--accumulate {} with --micro-batches {}: -b {} --accumulate 1 --micro-batches {} adds up the "
        "same gradients",
        settings_.accumulate, parts, step_samples(settings_), settings_.accumulate * parts));
  const int64_t batch = std::min(settings_.batch_size, samples_per_epoch_);
  const rn_entry& entry = session_.model().entry(RN_TRAIN_STEP);
  if (batch < parts)
    throw UsageError(fmt::format("--micro-batches {}: a batch has {} samples", parts, batch));
  if (const std::string refusal = batch_refusal(entry, batch / parts); !refusal.empty())
    throw UsageError(fmt::format("--micro-batches {} of batches of {}: {}", parts, batch, refusal));
}

void Trainer::save(const std::string& path) {
  if (!limits_.ranks.is_first()) return;
  for (const rn_tensor_kind kind : {RN_PARAMETER, RN_BUFFER, RN_SLOT})
    if (const rn_tensor* bad = first_bad_tensor(session_, kind))
      throw Error(
          fmt::format("{} is no longer finite after step {}; the training has diverged: try a lower --lr",
                      bad->name, position_.step));
  Checkpoint checkpoint{settings_, position_, {}, classes_};
  if (ema_) {
    checkpoint.position.ema_updates = ema_->updates();
    checkpoint.ema = ema_->averages();
  }
  save_checkpoint(path, session_, checkpoint);
}

// What asks this rank to stop.
int Trainer::own_stop() const {
  if (const int signal = interrupted(); signal != 0) return signal;
  return seconds_between(start_, Clock::now()) >= limits_.seconds ? kOutOfTime : 0;
}

// Several ranks stop where they have agreed to.
bool Trainer::stopped() {
  if (limits_.ranks.size() == 1) stop_ = own_stop();
  return stop_ != 0;
}

void Trainer::agree_to_stop() { stop_ = exchange(limits_.ranks, {.stop = own_stop()}).stop; }

bool Trainer::ended() const {
  return position_.epoch >= settings_.epochs ||
         (settings_.early_stop > 0 && position_.not_better >= settings_.early_stop);
}

void Trainer::show_progress() {
  const double seconds = seconds_between(epoch_start_, Clock::now());
  const double speed = static_cast<double>(epoch_samples_) / seconds;
  const int64_t left = (settings_.epochs - position_.epoch) * samples_per_epoch_ - position_.position;
  progress_.update({position_.epoch + 1, settings_.epochs,
                    divide_up(position_.position, settings_.batch_size),
                    divide_up(samples_per_epoch_, settings_.batch_size), lr_, position_.metrics, speed,
                    static_cast<double>(left) / speed});
}

// Counts the samples of a part that has run.
void Trainer::note_part(const Metrics& counted, StepRecord& record) {
  for (Metrics* metrics : {&record.metrics, &position_.metrics}) metrics->add(counted);
  position_.position += counted.samples;
  epoch_samples_ += counted.samples;
}

// This rank's parts of a step of so many samples in all, and what the other ranks have counted in theirs.
void Trainer::run_parts(TrainStep& step, Loader& loader, int64_t samples, StepRecord& record) {
  const Communicator& ranks = limits_.ranks;
  const PartRange mine = parts_of_rank(part_count(settings_, session_.model().entry(RN_TRAIN_STEP), samples),
                                       ranks.rank(), ranks.size());
  RankNews own;
  for (int64_t part = mine.begin; part < mine.end; ++part) {
    const Batch batch = loader.next();
    step.run(batch);
    task_.count(own.counted.emplace_back(), step.ran(), batch);
    if (ranks.size() > 1) continue;
    note_part(own.counted.back(), record);
    own.counted.clear();
    if (part + 1 < mine.end) show_progress();
  }
  own.stop = own_stop();
  const double before = ranks.waited();
  const RankNews all = exchange(ranks, own);
  slowest_ += ranks.waited() - before;
  stop_ = all.stop;
  for (const Metrics& counted : all.counted) note_part(counted, record);
}

// Trains on the loader's next samples: one step.
void Trainer::train_step(TrainStep& step, Loader& loader, int64_t samples) {
  lr_ = learning_rate(settings_, position_.step, steps_per_epoch_);
  const bool measure = settings_.grad_norm_every > 0 && position_.step % settings_.grad_norm_every == 0;
  step.begin(position_.step + 1, samples, lr_, measure);
  StepRecord record{position_.epoch + 1, position_.step + 1, lr_, {}};
  run_parts(step, loader, samples, record);
  const double before = limits_.ranks.waited();
  const auto norms = step.finish();
  travelled_ += limits_.ranks.waited() - before;
  if (ema_) ema_->after_step(position_.epoch, position_.step % steps_per_epoch_);
  ++position_.step;
  log_->step(record);
  if (norms)
    log_->gradients({record.epoch, record.step, step.gradients().parameters(), *norms, total_norm(*norms)});
  show_progress();
}

// From position_.position to the end of the epoch, or until stopped.
void Trainer::train_epoch() {
  const rn_entry& entry = session_.model().entry(RN_TRAIN_STEP);
  agree_to_stop();
  TrainStep step(session_, task_, settings_, largest_part(settings_, entry, samples_per_epoch_),
                 position_.epoch, limits_.ranks);
  session_.prepare_for(entry);
  epoch_samples_ = 0;
  slowest_ = travelled_ = 0;
  epoch_start_ = Clock::now();
  Loader loader(
      *data_.train,
      epoch_plan(sampler_, task_, settings_, entry, position_.epoch,
                 std::min(position_.position, samples_per_epoch_), samples_per_epoch_, limits_.ranks),
      limits_.workers);
  while (position_.position < samples_per_epoch_ && !stopped()) {
    const int64_t samples = std::min(step_samples(settings_), samples_per_epoch_ - position_.position);
    train_step(step, loader, samples);
  }
  waited_ = loader.waited();
  log_->profile(step.profile());
}

// Evaluates the weights, and their averages if there are some.
void Trainer::evaluate_epoch(EpochRecord& record) {
  const auto test = [&](std::string_view what) {
    const auto start = Clock::now();
    findings_ = task_.findings(kExamples);
    const Metrics metrics =
        evaluate(session_, task_, *data_.test, settings_.batch_size, settings_.limit_batches, limits_.workers,
                 findings_.get(), TestViews::one, limits_.ranks);
    agree_to_stop();
    if (const auto look = limits_.ranks.is_first() ? look_of(session_, task_) : std::nullopt)
      findings_->explain(*look);
    record.findings = findings_.get();
    if (!stopped_by_signal())
      progress_.line(fmt::format("Test: {}{}  time: {:.1f}", what, test_text(metrics, task_),
                                 seconds_between(start, Clock::now())));
    return metrics;
  };
  record.test = test("");
  if (!ema_ || stopped_by_signal()) return;
  ema_->exchange();
  record.test_ema = test("EMA ");
  ema_->exchange();
}

void Trainer::note_best(EpochRecord& record) {
  const double value = task_.criterion_value(record.test_ema.value_or(*record.test));
  const bool first = position_.best_epoch == 0 && !std::isnan(value);
  record.best = first || task_.criterion().better(value, position_.best);
  if (!record.best) {
    ++position_.not_better;
    return;
  }
  position_.best = value;
  position_.best_epoch = record.epoch;
  position_.not_better = 0;
}

TrainOutcome Trainer::run(const Checkpoint& start, RunLog& log) {
  start_ = Clock::now();
  log_ = &log;
  position_ = start.position;
  classes_ = data_.train->class_names();
  if (classes_.empty()) classes_ = start.classes;
  lr_ = learning_rate(settings_, std::max<int64_t>(position_.step - 1, 0), steps_per_epoch_);
  if (settings_.model_ema) {
    ema_.emplace(session_, settings_, position_.ema_updates);
    if (!start.ema.empty()) ema_->set(start.ema, checkpoint_path(directory_));
  }
  // What was saved last may be the best so far, and the other copy may have failed.
  if (position_.epoch > 0 && position_.position == 0 && position_.best_epoch == position_.epoch)
    save(best_checkpoint_path(directory_));
  TrainOutcome outcome;
  outcome.checkpoint = checkpoint_path(directory_);
  while (!ended()) {
    train_epoch();
    const double seconds = seconds_between(epoch_start_, Clock::now());
    EpochRecord record{.epoch = position_.epoch + 1,
                       .step = position_.step,
                       .lr = lr_,
                       .train = position_.metrics,
                       .seconds = seconds,
                       .images_per_s = static_cast<double>(epoch_samples_) / seconds,
                       .waiting = waited_ / seconds,
                       .for_slowest = slowest_ / seconds,
                       .for_gradients = travelled_ / seconds};
    if (!stopped())
      progress_.line(fmt::format("Epoch: [{}/{}]  time: {}  waiting for images: {:.2f} %{}", record.epoch,
                                 settings_.epochs, duration_text(seconds), 100 * record.waiting,
                                 rank_text(limits_.ranks, record)));
    const bool evaluated = data_.test != nullptr && settings_.eval_every > 0 &&
                           (record.epoch == settings_.epochs || record.epoch % settings_.eval_every == 0);
    bool stop = stopped();
    if (evaluated && !stop) {
      try {
        evaluate_epoch(record);
      } catch (const Error&) {  // what was trained is not lost to an image that cannot be read
        save(outcome.checkpoint);
        throw;
      }
      stop = stopped_by_signal();
    }
    if (stop) {
      outcome.signal = std::max(stop_, 0);
      outcome.out_of_time = outcome.signal == 0;
      save(outcome.checkpoint);
      progress_.line(fmt::format("{} in epoch {} after step {}; --resume goes on from there",
                                 outcome.out_of_time ? "out of time" : "stopped", record.epoch,
                                 position_.step));
      break;
    }
    if (record.test) {
      outcome.test = record.test_ema.value_or(*record.test);
      note_best(record);
    }
    log.epoch(record);
    ++position_.epoch;
    position_.position = 0;
    position_.metrics = {};
    save(outcome.checkpoint);
    if (record.best) save(best_checkpoint_path(directory_));
    log.saved();
  }
  if (outcome.finished() && position_.epoch < settings_.epochs)
    progress_.line(
        fmt::format("stopped early: no evaluation since epoch {} was better", position_.best_epoch));
  outcome.seconds = seconds_between(start_, Clock::now());
  log.ended(outcome);
  return outcome;
}

}  // namespace rnrun
