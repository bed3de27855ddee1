// The time a run took: wall time per kernel call and, if asked for, when each thread ran which part of it.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "runtime/contract/abi.h"

namespace rnrun {

using Clock = std::chrono::steady_clock;
inline double seconds_between(Clock::time_point a, Clock::time_point b) {
  return std::chrono::duration<double>(b - a).count();
}

// Sums over the runs of one entry that it was given to.
struct Profile {
  std::vector<double> seconds;  // by call number
};

// How an entry ran, again and again with the same batch.
struct EntryProfile {
  const rn_entry* entry = nullptr;
  int64_t batch = 0;
  int64_t runs = 0;    // that are summed up
  double seconds = 0;  // of all of them
  Profile profile;
};

// Events of one or more runs, kept per worker so that recording needs no lock.
class Trace {
 public:
  explicit Trace(int threads) : start_(Clock::now()), events_(static_cast<size_t>(threads)) {}
  void record(int64_t worker, int64_t call, Clock::time_point begin, Clock::time_point end);
  // Chrome's trace format (chrome://tracing, ui.perfetto.dev): one row per thread; the calls are those of
  // `entry` at `batch`.
  void write(const std::string& path, const rn_entry& entry, int64_t batch) const;

 private:
  struct Event {
    int64_t call;
    double begin_us;
    double end_us;
  };
  struct alignas(64) Row {
    std::vector<Event> events;
  };
  Clock::time_point start_;
  std::vector<Row> events_;
};

}  // namespace rnrun
