// A network compiled and compared with the reference interpreter, in every entry; what
// random_networks_test.cpp does with each of its networks.
//
// How far a result may be from the interpreter's in double precision is derived from how far the interpreter's own
// float32 run is off: kSlack times that, in the L2 norm. One run may be close by luck, where a result is one number: runs
// with up to 4 fewer digits count too, divided by what the digits are worth.
//
// A decision of a ReLU or max pool that differs between these runs makes a network sensitive: what comes
// after it cannot be compared. The run with 4 digits less makes 16 times a float's rounding errors, so that
// compiled code decides as the reference does wherever these runs agree. Entries that are too sensitive are
// skipped, and say so.
#pragma once

#include <cstdint>
#include <map>
#include <nlohmann/json_fwd.hpp>
#include <set>
#include <string>
#include <vector>

namespace rnc::test {

struct NetworkCase {
  std::string text;  // a spec
  std::string cpu = "native";
  std::string conv;            // as rnc --conv takes it; empty: automatic
  std::string precision = {};  // as rnc --precision takes it: then what is compared are entries that train
  uint64_t seed = 1;           // of inputs and tensors
  int64_t batch = 3;
  int steps = 3;
  std::set<std::string> entries = {};  // those that are compiled and compared; none: all
  bool hosted = false;                 // then also run, all entries, in the guarded host (guarded_host.h)
};
// "cpu native, --conv=direct, seed 7, batch 3, 3 steps"
std::string describe(const NetworkCase& network);

struct NetworkVerdict {
  std::string failure;               // what is wrong; empty: nothing
  bool invalid = false;              // `failure` is a user's mistake in the spec
  std::vector<std::string> skipped;  // entries that are too sensitive
  // Results in bf16 that are off by more than the float32 run, but by no more than kTipped allows.
  std::vector<std::string> tipped;
  // By kind of result ("train_step slot"): the largest error as a share of the float32 run's.
  std::map<std::string, double> ratio;
};
void from_json(const nlohmann::json& json, NetworkVerdict& verdict);

inline constexpr double kSlack = 8;
// A number between two of bf16 is rounded the other way by an error of any size, and so are all that are equal to it, as
// the gradients of an average are. What that may make, after batch norm's differences: a share of the largest norm of results
// of its kind, as the gradient of a bias before batch norm is nothing but rounding.
inline constexpr double kTipped = 0x1p-6;

NetworkVerdict check_network(const NetworkCase& network);
// The same in a process of its own: a crash or failed check is the verdict's failure.
NetworkVerdict check_network_isolated(const NetworkCase& network);

}  // namespace rnc::test
