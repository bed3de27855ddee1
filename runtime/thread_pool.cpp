#include "runtime/thread_pool.h"

#include <omp.h>
#include <sched.h>

#include <algorithm>
#include <cstdlib>
#include <limits>

#include "runtime/cgroup.h"

namespace rnrun {

namespace {

uint64_t pack(uint64_t begin, uint64_t end) { return begin | end << 32; }

int affinity_cpus() {
  cpu_set_t set;
  if (sched_getaffinity(0, sizeof set, &set) != 0) return 1;
  return CPU_COUNT(&set);
}

}  // namespace

int default_threads() {
  if (const char* text = std::getenv("OMP_NUM_THREADS")) {
    const int threads = std::atoi(text);
    if (threads >= 1) return std::min(threads, kMaxThreads);
  }
  int threads = affinity_cpus();
  // A fraction of a CPU more is not worth a thread that is stopped most of the time.
  if (const auto quota = cgroup_cpu_quota())
    threads = std::min(threads, static_cast<int>(std::min(*quota + 0.25, 1e6)));
  return std::clamp(threads, 1, kMaxThreads);
}

ThreadPool::ThreadPool(int threads)
    : threads_(threads), shares_(std::make_unique<Share[]>(static_cast<size_t>(threads))) {}

// Takes half of a share (all of a single task): its own from the front, another's from the back.
bool ThreadPool::take(Share& share, bool own, uint32_t& begin, uint32_t& end) {
  uint64_t old = share.range.load(std::memory_order_relaxed);
  for (;;) {
    const auto first = static_cast<uint32_t>(old);
    const auto last = static_cast<uint32_t>(old >> 32);
    if (first >= last) return false;
    const uint32_t part = (last - first + 1) / 2;
    begin = own ? first : last - part;
    end = begin + part;
    const uint64_t rest = own ? pack(end, last) : pack(first, begin);
    if (share.range.compare_exchange_weak(old, rest, std::memory_order_relaxed)) return true;
  }
}

void ThreadPool::work(int worker, rn_task task, const void* frame) {
  uint32_t begin = 0;
  uint32_t end = 0;
  for (int i = 0; i < threads_; ++i) {
    Share& share = shares_[static_cast<size_t>((worker + i) % threads_)];
    while (take(share, i == 0, begin, end)) task(frame, begin, end, worker);
  }
}

void ThreadPool::run(int64_t count, rn_task task, const void* frame) {
  if (count <= 0) return;
  // Shares are pairs of 32 bits; no model has that many tasks in one call, but it would still be right.
  if (threads_ == 1 || count == 1 || count > std::numeric_limits<uint32_t>::max()) {
    task(frame, 0, count, 0);
    return;
  }
  for (int64_t t = 0; t < threads_; ++t) {
    const auto begin = static_cast<uint64_t>(count * t / threads_);
    const auto end = static_cast<uint64_t>(count * (t + 1) / threads_);
    shares_[static_cast<size_t>(t)].range.store(pack(begin, end), std::memory_order_relaxed);
  }
#pragma omp parallel num_threads(threads_)
  work(omp_get_thread_num(), task, frame);
}

}  // namespace rnrun
