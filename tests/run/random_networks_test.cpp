// Random networks against the reference interpreter (network_check.h), on every kind of CPU in turn, with and
// without Winograd's convolutions.
//
//   RNC_TEST_SEED   the first network, 1 by default
//   RNC_TEST_COUNT  how many, 20 by default; ctest asks for 300, and random_networks.sh for thousands
//   RNC_TEST_SAVE   a directory to which reduced failing networks are written, beside being printed
#include <doctest/doctest.h>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <cstdlib>
#include <fstream>
#include <functional>
#include <set>

#include "tests/run/compiled_model.h"
#include "tests/run/guarded_host.h"
#include "tests/run/network_check.h"
#include "tests/support/random.h"
#include "tests/support/random_network.h"
#include "tests/support/reduce.h"

using namespace rnc;
using namespace rnc::test;

namespace {

constexpr uint64_t kReduced = 5;  // failing networks that are reduced in one run, which takes a while

uint64_t count_asked() {
  const char* count = std::getenv("RNC_TEST_COUNT");
  return count == nullptr ? 20 : std::strtoull(count, nullptr, 10);
}

// Statistics of fewer than three values are decided by rounding.
NetworkCase make_case(uint64_t seed) {
  NetworkCase network{.text = random_network(seed, {.batchless = seed % 4 < 2}), .seed = seed};
  const auto cpus = std::vector<std::string>{"native", "x86-64-v3", "x86-64"};
  network.cpu = cpus[seed % cpus.size()];
  if (network.cpu == "x86-64-v3" && !__builtin_cpu_supports("x86-64-v3")) network.cpu = "native";
  if (seed / cpus.size() % 2 == 1) network.conv = "direct";
  // Half of the entries, which are twins of the others, take half the time.
  network.entries = seed % 2 == 0 ? std::set<std::string>{"infer", "train_step"}
                                  : std::set<std::string>{"loss", "backward", "update"};
  network.hosted = kGuardedHostRuns && seed % 10 == 0;
  const bool norm = network.text.find("batch_norm") != std::string::npos;
  Random random(seed);
  network.batch = norm ? random.one_of<int64_t>({3, 5, 7}) : random.one_of<int64_t>({1, 2, 3, 5});
  return network;
}

// What stays the same while a network is reduced: the entry, or how and where the compiler stopped.
std::string signature(const NetworkVerdict& verdict) {
  return verdict.invalid ? "" : verdict.failure.substr(0, verdict.failure.find(": "));
}

// Smaller, and fails as `network` does.
NetworkCase reduce(NetworkCase network, const std::string& failing_as) {
  const auto fails = [&](const NetworkCase& smaller) {
    return signature(check_network_isolated(smaller)) == failing_as;
  };
  for (const int steps : {1, 2}) {
    NetworkCase smaller = network;
    smaller.steps = steps;
    if (steps < network.steps && fails(smaller)) network = smaller;
  }
  network.text = reduced(network.text, [&](const std::string& text) {
    NetworkCase smaller = network;
    smaller.text = text;
    return fails(smaller);
  });
  return network;
}

// What random_networks.sh adds up: a line for each figure, its name last.
struct Summary {
  uint64_t networks = 0, failed = 0, sensitive = 0, tipped = 0;
  std::map<std::string, uint64_t> skipped;  // by entry
  std::map<std::string, double> ratio;

  void add(const NetworkVerdict& verdict) {
    ++networks;
    sensitive += !verdict.skipped.empty();
    tipped += !verdict.tipped.empty();
    failed += !verdict.failure.empty();
    for (const std::string& entry : verdict.skipped) ++skipped[entry];
    for (const auto& [kind, value] : verdict.ratio) ratio[kind] = std::max(ratio[kind], value);
  }
  void print() const {
    fmt::print("{:8} networks\n{:8} failed\n{:8} too sensitive in an entry\n", networks, failed, sensitive);
    if (tipped > 0) fmt::print("{:8} rounded otherwise somewhere\n", tipped);
    for (const auto& [entry, count] : skipped) fmt::print("{:8} too sensitive in {}\n", count, entry);
    for (const auto& [kind, value] : ratio)
      fmt::print("{:8.2f} times a float32 run\'s error: {}\n", value, kind);
    std::fflush(stdout);
  }
};

void report(uint64_t seed, const NetworkCase& network) {
  const NetworkVerdict verdict = check_network_isolated(network);
  std::string text = fmt::format("# random network {}, {}\n# ", seed, describe(network));
  for (const char c : verdict.failure) text += c == '\n' ? std::string("\n# ") : std::string(1, c);
  text += "\n" + network.text;
  fmt::print("{}\n", text);
  if (const char* directory = std::getenv("RNC_TEST_SAVE")) {
    std::ofstream(fmt::format("{}/random{}.graph", directory, seed)) << text;
  }
}

// Checks `count` networks from `first` on.
Summary check_networks(uint64_t first, uint64_t count, const std::function<NetworkCase(uint64_t)>& make) {
  Summary summary;
  for (uint64_t seed = first; seed < first + count; ++seed) {
    const NetworkCase network = make(seed);
    const NetworkVerdict verdict = check_network_isolated(network);
    summary.add(verdict);
    if (summary.networks % 50 == 0)
      fmt::print(stderr, "{} of {}, {} failed\n", summary.networks, count, summary.failed);
    if (!verdict.failure.empty()) {
      const std::string where =
          fmt::format("random network {}, {}: {}", seed, describe(network), verdict.failure);
      FAIL_CHECK(where);
      if (!verdict.invalid && summary.failed <= kReduced) report(seed, reduce(network, signature(verdict)));
    }
  }
  summary.print();
  return summary;
}

}  // namespace

TEST_CASE("random networks: compiled code is as near to the meaning of the graph as a float32 run") {
  const Summary summary = check_networks(first_seed(), count_asked(), make_case);
  CHECK(summary.sensitive * 10 <= summary.networks);
}

// The reference rounds what is stored as bf16. Where it decides otherwise in float32 than in double precision, by a
// rounding to bf16 that tips over, a network is too sensitive, which is more often than without.
TEST_CASE("random networks in bf16: compiled code rounds what is stored, and nothing else") {
  const Summary summary = check_networks(first_seed(), (count_asked() + 9) / 10, [](uint64_t seed) {
    NetworkCase network = make_case(seed);
    network.precision = "bf16";
    network.entries = {seed % 2 == 0 ? "train_step" : "backward"};
    network.hosted = false;
    return network;
  });
  CHECK(summary.sensitive * 2 <= summary.networks);
  CHECK(summary.tipped * 20 <= summary.networks);
}
