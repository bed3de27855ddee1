// metrics.jsonl and metrics.csv in a directory: one line per epoch.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "runtime/train/runs/run_log.h"

namespace rnrun {

// Adds the loss and the task's figures: "test_loss", "test_top1", ... for split "test".
void add_figures(nlohmann::ordered_json& json, std::string_view split, const Metrics& counted,
                 const Task& task);
// An epoch's line in metrics.jsonl.
nlohmann::ordered_json epoch_json(const EpochRecord& record, const Task& task);

class MetricsLog : public RunLog {
 public:
  // Keeps the lines of the first `epochs` epochs that are there, so that a resumed run repeats none. Throws
  // Error when the files cannot be written; so does epoch(). `task` must outlive it.
  MetricsLog(std::string directory, const Task& task, int64_t epochs);
  void epoch(const EpochRecord& record) override;

 private:
  std::string jsonl_;
  std::string csv_;
  const Task& task_;
};

}  // namespace rnrun
