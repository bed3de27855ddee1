#include "runtime/support/memory.h"

#include <doctest/doctest.h>

#include "runtime/support/cgroup.h"
#include "tests/unit/runtime/support.h"

namespace rnrun {

TEST_CASE("the available memory is the machine's or the control group's, versions 1 and 2") {
  const TemporaryDirectory root;
  const auto write = [&](const std::string& path, const std::string& text) {
    std::filesystem::create_directories(std::filesystem::path(root / path).parent_path());
    write_text(root / path, text);
  };
  const auto available = [&] { return available_memory(root.path()).value_or(-1); };

  CHECK(available() == -1);
  write("proc/meminfo", "MemTotal:  9000 kB\nMemAvailable:   7000 kB\nSwapFree: 5 kB\n");
  CHECK(available() == 7000 * 1024);

  write("proc/self/cgroup", "0::/a/b\n");
  write("sys/fs/cgroup/a/b/memory.max", "max\n");
  write("sys/fs/cgroup/a/b/memory.current", "1000\n");
  CHECK(available() == 7000 * 1024);
  write("sys/fs/cgroup/a/memory.max", "6000000\n");
  write("sys/fs/cgroup/a/memory.current", "5000000\n");
  CHECK(available() == 1000000);
  write("sys/fs/cgroup/a/memory.stat",
        "anon 4000000\ninactive_file 200000\nactive_file 100000\nfile 700000\n");
  CHECK(available() == 1300000);
  write("sys/fs/cgroup/a/b/memory.max", "900\n");  // below its use: nothing is left
  CHECK(available() == 0);

  write("proc/self/cgroup", "4:memory:/c\n3:cpu,cpuacct:/a\n");
  CHECK(available() == 7000 * 1024);
  write("sys/fs/cgroup/memory/c/memory.limit_in_bytes", "9223372036854771712\n");
  write("sys/fs/cgroup/memory/c/memory.usage_in_bytes", "1000\n");
  CHECK(available() == 7000 * 1024);
  write("sys/fs/cgroup/memory/memory.limit_in_bytes", "50000\n");
  write("sys/fs/cgroup/memory/memory.usage_in_bytes", "30000\n");
  write("sys/fs/cgroup/memory/memory.stat",
        "inactive_file 1\ntotal_inactive_file 1000\ntotal_active_file 500\n");
  CHECK(available() == 21500);
}

TEST_CASE("a batch that needs more than there is is refused with both numbers") {
  const auto message = [](const rn_extent& needed, int64_t batch, std::optional<int64_t> available) {
    return error_of([&] { check_available(needed, batch, "entry 'loss'", available); });
  };
  CHECK(message({1000, 10}, 100, 2000).empty());
  CHECK(message({1000, 10}, 1'000'000'000, std::nullopt).empty());
  CHECK(message({1000, 10}, 101, 2000) ==
        "entry 'loss' at batch 101 needs 2.0 KiB, 10 B of it per image; 2.0 KiB are available, enough for a "
        "batch of 100");
  CHECK(message({3000, 10}, 101, 2000) ==
        "entry 'loss' at batch 101 needs 3.9 KiB, 10 B of it per image; 2.0 KiB are available, enough for a "
        "batch of 0");
  CHECK(
      message({3000, int64_t{1} << 40}, int64_t{1} << 40, 2000) ==
      "entry 'loss' at batch 1099511627776 needs more than 2^63 bytes, 1024.00 GiB of it per image; 2.0 KiB "
      "are available, enough for a batch of 0");
}

}  // namespace rnrun
