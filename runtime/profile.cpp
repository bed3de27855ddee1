#include "runtime/profile.h"

#include <nlohmann/json.hpp>

#include "runtime/file.h"

namespace rnrun {

void Trace::record(int64_t worker, int64_t call, Clock::time_point begin, Clock::time_point end) {
  events_[static_cast<size_t>(worker)].events.push_back(
      {call, 1e6 * seconds_between(start_, begin), 1e6 * seconds_between(start_, end)});
}

void Trace::write(const std::string& path, const rn_entry& entry) const {
  using nlohmann::ordered_json;
  ordered_json rows = ordered_json::array();
  for (size_t worker = 0; worker < events_.size(); ++worker)
    for (const Event& e : events_[worker].events) {
      const bool known = e.call >= 0 && e.call < entry.call_count;
      const rn_call_info info = known ? entry.calls[e.call] : rn_call_info{"", "", "", "", {}, {}, {}};
      rows.push_back({{"name", std::string(info.layer) + " " + info.direction},
                      {"cat", info.direction},
                      {"ph", "X"},
                      {"ts", e.begin_us},
                      {"dur", e.end_us - e.begin_us},
                      {"pid", 1},
                      {"tid", worker},
                      {"args", {{"kernel", info.kernel}, {"algorithm", info.algorithm}, {"call", e.call}}}});
    }
  replace_file(path, ordered_json{{"traceEvents", rows}, {"displayTimeUnit", "ms"}}.dump());
}

}  // namespace rnrun
