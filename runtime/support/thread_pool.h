// The threads that run a model's tasks, and how many there should be.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <thread>

#include "runtime/contract/abi.h"

namespace rnrun {

inline constexpr int kMaxThreads = 1024;

// OMP_NUM_THREADS if set, else the CPUs this process may use: its affinity, limited by the CPU quota of its
// cgroup (version 2 or 1), at least 1.
int default_threads();

// Covers ranges of tasks with a fixed number of threads: the caller and a team of OpenMP threads, or someone else's.
//
// Each starts with an equal share, in order, so that call after call the same core meets the same data; one
// that is done takes half of what another has left. A call ends when all tasks are done, whether or not all
// threads took part. That is why the team stays in one parallel region for good: a region per call waits for
// every thread to arrive, also for one that the system has given no CPU. (On two CPUs shared with other
// programs, ResNet-20's 453 calls per step took 12 times as long that way.) A waiting thread spins for some
// microseconds, then sleeps.
class ThreadPool {
 public:
  explicit ThreadPool(int threads);
  // Threads of someone else's: `run` hands its arguments on to this, which does what `run` is to do, with workers below
  // `threads`.
  using Host = std::function<void(int64_t count, rn_task task, const void* frame)>;
  ThreadPool(int threads, Host host);
  ~ThreadPool();
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;

  int threads() const { return threads_; }
  // Calls task(frame, begin, end, worker) on disjoint ranges that cover 0..count-1; returns when all are
  // done. One thread may call `run` at a time.
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
  // What a thread has still to do: begin in the low half, end in the high half.
  struct alignas(64) Share {
    std::atomic<uint64_t> range;
  };

  void work(int worker);
  void serve(int worker);
  uint32_t await_other(const std::atomic<uint32_t>& value, uint32_t old) const;

  int threads_;
  Host host_;
  int spins_;  // before a waiting thread sleeps
  std::unique_ptr<Share[]> shares_;
  rn_task task_ = nullptr;
  const void* frame_ = nullptr;
  // Goes up when a call begins and when it ends: odd while the team may take part.
  alignas(64) std::atomic<uint32_t> gate_ = 0;
  // Members of the team that take part.
  alignas(64) std::atomic<uint32_t> inside_ = 0;
  std::atomic<bool> stop_ = false;
  std::atomic<int> left_ = 0;  // the region ends with a barrier; ThreadSanitizer sees it by this
  std::thread team_;           // enters the parallel region
};

}  // namespace rnrun
