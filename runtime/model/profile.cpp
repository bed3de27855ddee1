#include "runtime/model/profile.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "runtime/model/model.h"
#include "runtime/support/file.h"

namespace rnrun {

void Trace::record(int64_t worker, int64_t call, Clock::time_point begin, Clock::time_point end) {
  events_[static_cast<size_t>(worker)].events.push_back(
      {call, 1e6 * seconds_between(start_, begin), 1e6 * seconds_between(start_, end)});
}

void Trace::write(const std::string& path, const rn_entry& entry, int64_t batch) const {
  using nlohmann::ordered_json;
  ordered_json rows = ordered_json::array();
  for (size_t worker = 0; worker < events_.size(); ++worker) {
    rows.push_back({{"name", "thread_name"},
                    {"ph", "M"},
                    {"pid", 1},
                    {"tid", worker},
                    {"args", {{"name", fmt::format("thread {}", worker)}}}});
    for (const Event& e : events_[worker].events) {
      if (e.call < 0 || e.call >= entry.call_count) continue;
      const rn_call_info& call = entry.calls[e.call];
      rows.push_back(
          {{"name", fmt::format("{} {}", call.layer, call.direction)},
           {"cat", call.direction},
           {"ph", "X"},
           {"ts", e.begin_us},
           {"dur", e.end_us - e.begin_us},
           {"pid", 1},
           {"tid", worker},
           {"args",
            {{"kernel", call.kernel}, {"algorithm", work_of(call, batch).algorithm}, {"call", e.call}}}});
    }
  }
  replace_file(path, ordered_json{{"traceEvents", rows}, {"displayTimeUnit", "ms"}}.dump());
}

}  // namespace rnrun
