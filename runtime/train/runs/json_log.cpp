#include "runtime/train/runs/json_log.h"

#include "runtime/train/runs/metrics_log.h"

namespace rnrun {

using nlohmann::ordered_json;

void JsonLog::write(const ordered_json& event) {
  out_.line(event.dump(-1, ' ', false, ordered_json::error_handler_t::replace));
}

void JsonLog::start(const ordered_json& config, int64_t epochs_done, int64_t steps_done) {
  write({{"event", "start"},
         {"config", config},
         {"resumed_at", {{"epoch", epochs_done}, {"step", steps_done}}}});
}

void JsonLog::epoch(const EpochRecord& record) {
  ordered_json event = {{"event", "epoch"}};
  event.update(epoch_json(record, task_));
  if (record.test_ema) add_figures(event, "test_ema", *record.test_ema, task_);
  write(event);
}

void JsonLog::ended(const TrainOutcome& outcome) {
  ordered_json event = {{"event", "end"},
                        {"state", state_text(outcome)},
                        {"signal", outcome.signal},
                        {"out_of_time", outcome.out_of_time},
                        {"seconds", outcome.seconds},
                        {"checkpoint", outcome.checkpoint}};
  if (outcome.test.samples > 0) add_figures(event, "test", outcome.test, task_);
  write(event);
}

void JsonLog::failed(const std::string& why) {
  write({{"event", "end"}, {"state", kFailed}, {"error", why}});
}

}  // namespace rnrun
