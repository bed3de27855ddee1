// A training for programs that watch it (--log-json): one JSON object per line, each with its "event":
//   {"event":"start","config":{...},"resumed_at":{"epoch":E,"step":S}}   what config.json has; 0 for a new training
//   {"event":"epoch","epoch":1,...}      what metrics.jsonl has, and test_ema_... with moving averages
//   {"event":"end","state":"finished" or "interrupted","signal":0,"out_of_time":false,"seconds":S,"checkpoint":PATH,
//    "test_loss":...}                    the last evaluation's figures, if there was one
//   {"event":"end","state":"failed","error":"..."}   when an error was the end
#pragma once

#include <nlohmann/json.hpp>

#include "runtime/support/output.h"
#include "runtime/train/runs/run_log.h"

namespace rnrun {

class JsonLog : public RunLog {
 public:
  // Both must outlive it.
  JsonLog(LineOutput& out, const Task& task) : out_(out), task_(task) {}
  void start(const nlohmann::ordered_json& config, int64_t epochs_done, int64_t steps_done);
  void epoch(const EpochRecord& record) override;
  void ended(const TrainOutcome& outcome) override;
  void failed(const std::string& why) override;

 private:
  void write(const nlohmann::ordered_json& event);
  LineOutput& out_;
  const Task& task_;
};

}  // namespace rnrun
