#include "runtime/support/cgroup.h"

#include <algorithm>
#include <filesystem>
#include <fstream>

namespace rnrun {

namespace {

using std::filesystem::path;

// What one group's directory says.
using ReadLimit = std::optional<double> (*)(const path& directory);

struct Controller {
  std::string name;  // in version 1
  ReadLimit v1;
  ReadLimit v2;
};

std::optional<double> ratio(double quota, double period) {
  if (quota > 0 && period > 0) return quota / period;
  return std::nullopt;
}

// "max 100000" or "150000 100000".
std::optional<double> quota_v2(const path& directory) {
  std::ifstream in(directory / "cpu.max");
  double quota = 0;
  double period = 0;
  if (!(in >> quota >> period)) return std::nullopt;
  return ratio(quota, period);
}

std::optional<double> quota_v1(const path& directory) {
  double quota = 0;
  double period = 0;
  std::ifstream(directory / "cpu.cfs_quota_us") >> quota;  // -1: none
  std::ifstream(directory / "cpu.cfs_period_us") >> period;
  return ratio(quota, period);
}

// Limit less use; the use includes cached files, which the system gives up when memory is short.
std::optional<double> memory_left(const path& limit_file, const path& usage_file, const path& statistics,
                                  std::string_view prefix) {
  double limit = 0;
  double usage = 0;
  if (!(std::ifstream(limit_file) >> limit) || !(std::ifstream(usage_file) >> usage)) return std::nullopt;
  std::ifstream in(statistics);
  std::string name;
  for (double value = 0; in >> name >> value;)
    if (name.starts_with(prefix) &&
        (name.substr(prefix.size()) == "inactive_file" || name.substr(prefix.size()) == "active_file"))
      usage -= value;
  return std::max(limit - usage, 0.0);
}

std::optional<double> memory_v2(const path& directory) {
  return memory_left(directory / "memory.max", directory / "memory.current", directory / "memory.stat", "");
}

std::optional<double> memory_v1(const path& directory) {
  return memory_left(directory / "memory.limit_in_bytes", directory / "memory.usage_in_bytes",
                     directory / "memory.stat", "total_");
}

// The smallest value of `group` and its parents below the mount point. Inside a container the mount may show
// only the own group, at its root: the walk ends there in any case.
std::optional<double> smallest(const path& mount, path group, ReadLimit read) {
  std::optional<double> result;
  for (group = group.relative_path();; group = group.parent_path()) {
    if (const auto value = read(mount / group)) result = std::min(result.value_or(*value), *value);
    if (group.empty()) return result;
  }
}

// Is the controller one of these, separated by commas?
bool has(const std::string& controllers, const std::string& name) {
  return ("," + controllers + ",").find("," + name + ",") != std::string::npos;
}

std::optional<double> smallest_limit(const std::string& root, const Controller& controller) {
  const path mount = root + "/sys/fs/cgroup";
  std::ifstream groups(root + "/proc/self/cgroup");
  std::optional<double> result;
  // Each line is "hierarchy:controllers:group"; version 2 has hierarchy 0 and no controllers.
  for (std::string line; std::getline(groups, line);) {
    const size_t first = line.find(':');
    const size_t second = line.find(':', first + 1);
    if (first == std::string::npos || second == std::string::npos) continue;
    const std::string controllers = line.substr(first + 1, second - first - 1);
    const path group = line.substr(second + 1);
    std::optional<double> limit;
    if (controllers.empty())
      limit = smallest(mount, group, controller.v2);
    else if (has(controllers, controller.name))
      limit = smallest(
          std::filesystem::exists(mount / controllers) ? mount / controllers : mount / controller.name, group,
          controller.v1);
    if (limit) result = std::min(result.value_or(*limit), *limit);
  }
  return result;
}

}  // namespace

std::optional<double> cgroup_cpu_quota(const std::string& root) {
  return smallest_limit(root, {"cpu", quota_v1, quota_v2});
}

std::optional<int64_t> cgroup_memory_available(const std::string& root) {
  // Version 1 has a limit near 2^63 where there is none: more than any machine's memory either way.
  const auto bytes = smallest_limit(root, {"memory", memory_v1, memory_v2});
  if (!bytes || *bytes >= 0x1p62) return std::nullopt;
  return static_cast<int64_t>(*bytes);
}

}  // namespace rnrun
