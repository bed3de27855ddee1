// The threads that run a model's tasks (OpenMP's), and how many there should be.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>

#include "runtime/abi.h"

namespace rnrun {

inline constexpr int kMaxThreads = 1024;

// OMP_NUM_THREADS if set, else the CPUs this process may use: its affinity, limited by the CPU quota of its
// cgroup (version 2 or 1), at least 1.
int default_threads();

// Covers ranges of tasks with a fixed number of threads. Each starts with an equal share, in order, so that
// call after call the same core meets the same data; one that is done takes half of what another has left.
// One thread may call `run` at a time.
class ThreadPool {
 public:
  explicit ThreadPool(int threads);
  int threads() const { return threads_; }
  // Calls task(frame, begin, end, worker) on disjoint ranges that cover 0..count-1; returns when all are
  // done.
  void run(int64_t count, rn_task task, const void* frame);

  // f(index) for every index below `count`.
  template <class F>
  void for_each(int64_t count, const F& f) {
    const rn_task task = [](const void* frame, int64_t begin, int64_t end, int64_t) {
      for (int64_t i = begin; i < end; ++i) (*static_cast<const F*>(frame))(i);
    };
    run(count, task, &f);
  }

 private:
  // begin in the low half, end in the high half.
  struct alignas(64) Share {
    std::atomic<uint64_t> range;
  };
  bool take(Share& share, bool own, uint32_t& begin, uint32_t& end);
  void work(int worker, rn_task task, const void* frame);

  int threads_;
  std::unique_ptr<Share[]> shares_;
};

}  // namespace rnrun
