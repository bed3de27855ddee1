// How much of the machine the process's control group may use.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace rnrun {

// CPUs (1.5 means 1.5 seconds of CPU time per second): the smallest quota among the process's cgroup and its
// parents, in version 2 (cpu.max) or 1 (cpu.cfs_quota_us). Nothing when unlimited or unknown. `root` stands
// before /proc and /sys, for tests.
std::optional<double> cgroup_cpu_quota(const std::string& root = "");

// Bytes that the group and its parents leave until the nearest limit, in version 2 (memory.max) or 1
// (memory.limit_in_bytes); cached files count as free. Nothing when unlimited or unknown.
std::optional<int64_t> cgroup_memory_available(const std::string& root = "");

}  // namespace rnrun
