// Trains a model on a data set, epoch by epoch.
#pragma once

#include <limits>
#include <optional>
#include <string>

#include "runtime/data/loader.h"
#include "runtime/model/session.h"
#include "runtime/task/task.h"
#include "runtime/train/checkpoint.h"
#include "runtime/train/model_ema.h"
#include "runtime/train/progress.h"
#include "runtime/train/runs/run_checkpoints.h"
#include "runtime/train/runs/run_log.h"
#include "runtime/train/train_step.h"

namespace rnrun {

// Of one run, without influence on the weights.
struct RunLimits {
  double seconds = std::numeric_limits<double>::infinity();
  int workers = 1;          // threads that read images
  Communicator ranks = {};  // that train together, each with its session and the same data and settings
};

// Owns nothing it is given. The weights after a run are a function of the model, the settings and the data:
// neither the number of threads nor of ranks nor interruptions change a bit. Ranks have the same weights after each step;
// the first of them writes.
class Trainer {
 public:
  // `task` is that of the model's entry train_step.
  Trainer(Session& session, const Task& task, const DataSplits& data, const TrainSettings& settings,
          const std::string& directory, RunLimits limits = {});
  // Goes on from `start` (whose settings it does not look at) to the last epoch, and tells `log`. After each
  // epoch, and after a step when interrupted() or out of time, it saves
  // <directory>/checkpoint-last.safetensors; after an epoch with a better evaluation than all before, also
  // checkpoint-best.safetensors. Throws Error when the loss is no longer finite.
  TrainOutcome run(const Checkpoint& start, RunLog& log);

  int64_t steps_per_epoch() const { return steps_per_epoch_; }

  // Of the last epoch or interruption, and of the epoch with the best evaluation.
  static std::string checkpoint_path(const std::string& directory) { return last_checkpoint(directory); }
  static std::string best_checkpoint_path(const std::string& directory) { return best_checkpoint(directory); }

 private:
  void check_batches() const;
  void check_ranks() const;
  void train_epoch();
  void train_step(TrainStep& step, Loader& loader, int64_t samples);
  void run_parts(TrainStep& step, Loader& loader, int64_t samples, StepRecord& record);
  void note_part(const Metrics& counted, StepRecord& record);
  void evaluate_epoch(EpochRecord& record);
  void note_best(EpochRecord& record);
  void show_progress();
  void save(const std::string& path);
  int own_stop() const;
  bool stopped();
  bool stopped_by_signal() const { return stop_ > 0; }
  void agree_to_stop();
  bool ended() const;

  Session& session_;
  const DataSplits& data_;
  const TrainSettings& settings_;
  std::string directory_;
  RunLimits limits_;
  const Task& task_;
  Sampler sampler_;
  int64_t samples_per_epoch_;
  int64_t steps_per_epoch_;

  // Of the current run.
  RunLog* log_ = nullptr;
  Progress progress_;
  TrainPosition position_;
  std::vector<std::string> classes_;  // the names that the checkpoints have for them
  std::optional<ModelEma> ema_;
  Clock::time_point start_;
  Clock::time_point epoch_start_;
  int64_t epoch_samples_ = 0;           // trained since then, by all ranks
  double waited_ = 0;                   // seconds that it waited for images since then,
  double slowest_ = 0;                  // for the slowest rank,
  double travelled_ = 0;                // and for gradients
  double lr_ = 0;                       // of the last step
  int stop_ = 0;                        // not 0: the ranks are to stop, by this signal or kOutOfTime
  std::unique_ptr<Findings> findings_;  // of the last evaluation
};

}  // namespace rnrun
