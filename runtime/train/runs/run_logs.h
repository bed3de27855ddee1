// Several listeners as one.
#pragma once

#include <utility>
#include <vector>

#include "runtime/train/runs/run_log.h"

namespace rnrun {

// Tells each in turn; they must outlive it.
class RunLogs : public RunLog {
 public:
  explicit RunLogs(std::vector<RunLog*> logs) : logs_(std::move(logs)) {}
  void step(const StepRecord& record) override { tell(&RunLog::step, record); }
  void gradients(const GradientRecord& record) override { tell(&RunLog::gradients, record); }
  void profile(const EntryProfile& profile) override { tell(&RunLog::profile, profile); }
  void epoch(const EpochRecord& record) override { tell(&RunLog::epoch, record); }
  void saved() override { tell(&RunLog::saved); }
  void ended(const TrainOutcome& outcome) override { tell(&RunLog::ended, outcome); }
  void failed(const std::string& why) override { tell(&RunLog::failed, why); }

 private:
  template <class... Parameters>
  void tell(void (RunLog::*event)(Parameters...), const auto&... record) const {
    for (RunLog* log : logs_) (log->*event)(record...);
  }
  std::vector<RunLog*> logs_;
};

}  // namespace rnrun
