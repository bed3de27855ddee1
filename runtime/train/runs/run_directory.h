// The directory of a training, for looking at it while it runs and afterwards:
//   config.json               settings, versions, the model and its hash
//   metrics.jsonl, .csv       a line per epoch (metrics_log.h)
//   steps.jsonl               loss, the task's first metric and learning rate within epochs
//   gradients.jsonl           norms of gradients
//   events.out.tfevents.*     all of these for TensorBoard (event_file.h)
//   outcome.json              {"state": "finished" or "interrupted", "seconds"} of the training in it
//   report.json, report.html  the report (report/run_data.h)
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "runtime/model/model.h"
#include "runtime/model/profile.h"
#include "runtime/train/runs/event_file.h"
#include "runtime/train/runs/metrics_log.h"
#include "runtime/train/runs/run_log.h"

namespace rnrun {

class RunDirectory : public RunLog {
 public:
  // An existing directory. `classes` are the names of the classes, if the task has some. A training that goes on from a checkpoint
  // keeps the lines up to the epochs and steps it had then. `model` and `task` must outlive it. Throws Error
  // when a file cannot be written; so do all below.
  RunDirectory(std::string directory, const Model& model, const Task& task,
               const std::vector<std::string>& classes, nlohmann::ordered_json config,
               int64_t steps_per_epoch, int64_t epochs_done, int64_t steps_done);
  // Writes the report if there is news, as after an error; when it cannot, it leaves it.
  ~RunDirectory() override;

  void step(const StepRecord& record) override;
  void gradients(const GradientRecord& record) override;
  void profile(const EntryProfile& profile) override;
  void epoch(const EpochRecord& record) override;
  // Writes the report, unless it has just been written.
  void saved() override;
  void write_report();
  void ended(const TrainOutcome& outcome) override;
  void failed(const std::string& why) override;

  // Removes what an earlier training has left there, checkpoints included. Other files stay.
  static void clear(const std::string& directory);

 private:
  std::string path(std::string_view name) const { return directory_ + "/" + std::string(name); }
  void write_steps(const StepRecord& last);

  std::string directory_;
  const Task& task_;
  MetricsLog metrics_;
  EventFile events_;
  int64_t steps_per_epoch_;
  int64_t steps_per_line_;
  StepRecord since_line_;          // sums of the steps since the last line
  nlohmann::ordered_json report_;  // report.json
  bool news_ = false;              // something has happened since the last report
  std::optional<Clock::time_point> written_;
};

}  // namespace rnrun
