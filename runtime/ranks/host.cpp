#include "runtime/ranks/host.h"

#include <sched.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <string>
#include <vector>

#include "runtime/support/thread_pool.h"

namespace rnrun {

namespace {

std::vector<int> allowed_cpus() {
  cpu_set_t set;
  std::vector<int> cpus;
  if (sched_getaffinity(0, sizeof set, &set) != 0) return cpus;
  for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu)
    if (CPU_ISSET(cpu, &set)) cpus.push_back(cpu);
  return cpus;
}

// The machine's name and the CPUs.
std::string place_text() {
  std::array<char, 256> name{};
  gethostname(name.data(), name.size() - 1);
  std::string text = name.data();
  for (const int cpu : allowed_cpus()) text += " " + std::to_string(cpu);
  return text;
}

}  // namespace

HostShare host_share(const Communicator& ranks) {
  const std::vector<std::string> places = ranks.exchange(place_text());
  const auto own = places.begin() + ranks.rank();
  return {static_cast<int>(std::count(places.begin(), own, *own)),
          static_cast<int>(std::ranges::count(places, *own))};
}

int take_cpus(const HostShare& share) {
  if (share.ranks == 1) return default_threads();
  // What OMP_NUM_THREADS or the control group allows is for all ranks or for one; either way it is no more than this.
  const std::vector<int> cpus = allowed_cpus();
  const auto begin = cpus.size() * static_cast<size_t>(share.place) / static_cast<size_t>(share.ranks);
  const auto end = cpus.size() * static_cast<size_t>(share.place + 1) / static_cast<size_t>(share.ranks);
  if (begin == end) return 1;
  cpu_set_t set;
  CPU_ZERO(&set);
  for (size_t i = begin; i < end; ++i) CPU_SET(cpus[i], &set);
  sched_setaffinity(0, sizeof set, &set);  // where that is not allowed, threads are placed by the system
  return std::min(default_threads(), static_cast<int>(end - begin));
}

}  // namespace rnrun
