#include "runtime/support/thread_pool.h"

#include <omp.h>
#include <sched.h>

#include <algorithm>
#include <cstdlib>
#include <limits>
#include <utility>

#include "runtime/support/cgroup.h"

namespace rnrun {

namespace {

uint64_t pack(uint64_t begin, uint64_t end) { return begin | end << 32; }

int affinity_cpus() {
  cpu_set_t set;
  if (sched_getaffinity(0, sizeof set, &set) != 0) return 1;
  return CPU_COUNT(&set);
}

void pause() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  __asm__ volatile("yield");
#endif
}

// Takes half of a range (all of a single task): from the front of one's own, from the back of another's.
bool take(std::atomic<uint64_t>& range, bool own, uint32_t& begin, uint32_t& end) {
  uint64_t old = range.load(std::memory_order_relaxed);
  for (;;) {
    const auto first = static_cast<uint32_t>(old);
    const auto last = static_cast<uint32_t>(old >> 32);
    if (first >= last) return false;
    const uint32_t part = (last - first + 1) / 2;
    begin = own ? first : last - part;
    end = begin + part;
    const uint64_t rest = own ? pack(end, last) : pack(first, begin);
    if (range.compare_exchange_weak(old, rest, std::memory_order_relaxed)) return true;
  }
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
    : threads_(threads),
      // Some tens of microseconds; where threads share CPUs, spinning keeps others from their work.
      spins_(threads <= affinity_cpus() ? 2000 : 0),
      shares_(std::make_unique<Share[]>(static_cast<size_t>(threads))) {
  if (threads == 1) return;
  team_ = std::thread([this] {
#pragma omp parallel num_threads(threads_ - 1)
    {
      serve(omp_get_thread_num() + 1);
      ++left_;
    }
    left_.load();
  });
}

ThreadPool::ThreadPool(int threads, Host host) : threads_(threads), host_(std::move(host)), spins_(0) {}

ThreadPool::~ThreadPool() {
  if (!team_.joinable()) return;
  stop_ = true;
  ++gate_;
  gate_.notify_all();
  team_.join();
}

// Returns the value once it is not `old`.
uint32_t ThreadPool::await_other(const std::atomic<uint32_t>& value, uint32_t old) const {
  for (int i = 0; i < spins_; ++i) {
    const uint32_t now = value.load();
    if (now != old) return now;
    pause();
  }
  value.wait(old);
  return value.load();
}

// What a member of the team does all its life. It says that it is inside before it looks whether the gate is
// still open, and `run` closes the gate before it looks whether anyone is inside: so neither misses the
// other.
void ThreadPool::serve(int worker) {
  uint32_t gate = 0;
  while (!stop_) {
    gate = await_other(gate_, gate);
    if (gate % 2 == 0) continue;
    ++inside_;
    if (gate_ == gate && !stop_) work(worker);
    if (--inside_ == 0) inside_.notify_one();
  }
}

void ThreadPool::work(int worker) {
  uint32_t begin = 0;
  uint32_t end = 0;
  for (int i = 0; i < threads_; ++i) {
    Share& share = shares_[static_cast<size_t>((worker + i) % threads_)];
    while (take(share.range, i == 0, begin, end)) task_(frame_, begin, end, worker);
  }
}

void ThreadPool::run(int64_t count, rn_task task, const void* frame) {
  if (count <= 0) return;
  if (host_) {
    host_(count, task, frame);
    return;
  }
  // Shares are pairs of 32 bits; no model has that many tasks in one call, but it would still be right.
  if (threads_ == 1 || count == 1 || count > std::numeric_limits<uint32_t>::max()) {
    task(frame, 0, count, 0);
    return;
  }
  task_ = task;
  frame_ = frame;
  for (int64_t t = 0; t < threads_; ++t) {
    const auto begin = static_cast<uint64_t>(count * t / threads_);
    const auto end = static_cast<uint64_t>(count * (t + 1) / threads_);
    shares_[static_cast<size_t>(t)].range.store(pack(begin, end), std::memory_order_relaxed);
  }
  ++gate_;
  gate_.notify_all();
  work(0);
  ++gate_;
  for (uint32_t inside = inside_; inside != 0;) inside = await_other(inside_, inside);
}

}  // namespace rnrun
