// Work done in a process of its own, for what may crash.
#pragma once

#include <chrono>
#include <functional>
#include <string>

namespace rnc::test {

struct Isolated {
  std::string result;  // what the work returned; empty: it did not
  std::string end;     // how the process ended: "exit 0", "signal 11 (Segmentation fault)"
  std::string errors;  // what it wrote to stderr
};

// The calling process must have one thread only. The work is ended once it has taken so much of a
// processor's time.
Isolated run_isolated(const std::function<std::string()>& work, std::chrono::seconds limit);

}  // namespace rnc::test
