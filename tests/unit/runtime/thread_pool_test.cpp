#include "runtime/support/thread_pool.h"

#include <doctest/doctest.h>

#include <atomic>
#include <vector>

#include "runtime/support/cgroup.h"
#include "tests/unit/runtime/support.h"

namespace rnrun {

TEST_CASE("every task runs once, and no two running tasks share a worker") {
  for (const int threads : {1, 2, 3, 7}) {
    ThreadPool pool(threads);
    for (const int64_t count : {0, 1, 2, 3, 7, 100, 1001}) {
      struct Frame {
        std::vector<std::atomic<int>> ran;
        std::vector<std::atomic<bool>> busy;
        std::atomic<bool> shared = false;
      } frame{std::vector<std::atomic<int>>(static_cast<size_t>(count)),
              std::vector<std::atomic<bool>>(static_cast<size_t>(threads))};
      const rn_task task = [](const void* data, int64_t begin, int64_t end, int64_t worker) {
        auto& f = *static_cast<Frame*>(const_cast<void*>(data));
        if (f.busy.at(static_cast<size_t>(worker)).exchange(true)) f.shared = true;
        for (int64_t i = begin; i < end; ++i) ++f.ran.at(static_cast<size_t>(i));
        f.busy[static_cast<size_t>(worker)] = false;
      };
      for (int repeat = 0; repeat < 20; ++repeat) pool.run(count, task, &frame);
      for (const auto& n : frame.ran) REQUIRE(n == 20);
      CHECK(!frame.shared);
    }
  }
}

TEST_CASE("for_each") {
  ThreadPool pool(3);
  std::vector<int64_t> squares(100);
  pool.for_each(100, [&](int64_t i) { squares[static_cast<size_t>(i)] = i * i; });
  for (int64_t i = 0; i < 100; ++i) REQUIRE(squares[static_cast<size_t>(i)] == i * i);
}

TEST_CASE("OMP_NUM_THREADS sets the default") {
  const char* old = getenv("OMP_NUM_THREADS");
  const std::string saved = old == nullptr ? "" : old;
  setenv("OMP_NUM_THREADS", "5", 1);
  CHECK(default_threads() == 5);
  setenv("OMP_NUM_THREADS", "3,2", 1);
  CHECK(default_threads() == 3);
  unsetenv("OMP_NUM_THREADS");
  CHECK(default_threads() >= 1);
  if (old != nullptr) setenv("OMP_NUM_THREADS", saved.c_str(), 1);
}

TEST_CASE("the CPU quota of cgroups, versions 1 and 2") {
  const TemporaryDirectory root;
  const auto write = [&](const std::string& path, const std::string& text) {
    std::filesystem::create_directories(std::filesystem::path(root / path).parent_path());
    write_text(root / path, text);
  };
  const auto quota = [&] { return cgroup_cpu_quota(root.path()).value_or(-1); };

  CHECK(quota() == -1);
  write("proc/self/cgroup", "0::/a/b\n");
  CHECK(quota() == -1);
  write("sys/fs/cgroup/a/b/cpu.max", "max 100000\n");
  CHECK(quota() == -1);
  write("sys/fs/cgroup/a/cpu.max", "150000 100000\n");  // the parent's limit binds too
  CHECK(quota() == 1.5);
  write("sys/fs/cgroup/a/b/cpu.max", "50000 100000\n");
  CHECK(quota() == 0.5);

  write("proc/self/cgroup", "4:memory:/a\n3:cpu,cpuacct:/c\n");
  CHECK(quota() == -1);
  write("sys/fs/cgroup/cpu,cpuacct/c/cpu.cfs_quota_us", "-1\n");
  write("sys/fs/cgroup/cpu,cpuacct/c/cpu.cfs_period_us", "100000\n");
  CHECK(quota() == -1);
  write("sys/fs/cgroup/cpu,cpuacct/c/cpu.cfs_quota_us", "300000\n");
  CHECK(quota() == 3);
}

}  // namespace rnrun
