// metrics.jsonl and metrics.csv in a directory: one line per epoch.
#pragma once

#include <cstdint>
#include <string>

#include "runtime/train/run_log.h"

namespace rnrun {

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
