#include "runtime/cgroup.h"

#include <algorithm>
#include <filesystem>
#include <fstream>

namespace rnrun {

namespace {

using std::filesystem::path;

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

// The smallest quota of `group` and its parents below the mount point. Inside a container the mount may show
// only the own group, at its root: the walk ends there in any case.
std::optional<double> smallest(const path& mount, path group, std::optional<double> (*read)(const path&)) {
  std::optional<double> result;
  for (group = group.relative_path();; group = group.parent_path()) {
    if (const auto quota = read(mount / group)) result = std::min(result.value_or(*quota), *quota);
    if (group.empty()) return result;
  }
}

// Is "cpu" one of the comma-separated controllers?
bool has_cpu(const std::string& controllers) {
  return ("," + controllers + ",").find(",cpu,") != std::string::npos;
}

}  // namespace

std::optional<double> cgroup_cpu_quota(const std::string& root) {
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
    std::optional<double> quota;
    if (controllers.empty())
      quota = smallest(mount, group, quota_v2);
    else if (has_cpu(controllers))
      quota = smallest(std::filesystem::exists(mount / controllers) ? mount / controllers : mount / "cpu",
                       group, quota_v1);
    if (quota) result = std::min(result.value_or(*quota), *quota);
  }
  return result;
}

}  // namespace rnrun
