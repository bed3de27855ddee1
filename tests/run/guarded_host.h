// Compiled models in a host that gives them nothing but what runtime/contract/abi.h promises. Every array ends, or
// begins, at a page that cannot be touched; what a model may not read is NaN. The results must be finite and have the
// same bits as in an ordinary host (rnrun::Session), and after each entry the padding of all tensors must be zero.
#pragma once

#include <string>

#include "ir/graph/graph.h"
#include "ir/graph/interpreter.h"
#include "passes/graph/conv_rules.h"
#include "runtime/contract/abi.h"
#include "tests/run/guarded_run.h"

namespace rnc::test {

struct HostedData {
  Tensors inputs;   // of all entries, by name; scalars with a default may be left out
  Tensors tensors;  // to start from; those not given are zero
  int64_t batch = 1;
  bool finite = true;  // the results must be; else those that are not need only have the same bits
};
// ThreadSanitizer stops at threads that are started in a fork of a program that has some.
#ifdef __SANITIZE_THREAD__
inline constexpr bool kGuardedHostRuns = false;
#else
inline constexpr bool kGuardedHostRuns = true;
#endif

// Values for all of a module's entries and tensors (random_graph.h).
HostedData random_hosted_data(const Module& elaborated, int64_t batch, uint64_t seed);

// Compiles a module as elaborated for a CPU and runs its entries, three steps of training among them: as the
// compiler plans its memory, and with every array guarded at its end and at its beginning. What is wrong
// first; empty if nothing is.
std::string hosted_fault(const Module& elaborated, const std::string& cpu, const HostedData& data,
                         const ConvRules& conv = {});
// Checks with doctest's CHECK that nothing is.
void check_hosted(const Module& elaborated, const std::string& cpu, const HostedData& data,
                  const ConvRules& conv = {});

// What is wrong first with a model that is hosted so, by its entry; empty if nothing is.
std::string hosted_fault(const rn_model_descriptor& model, const HostedData& data, const Hosting& hosting);

}  // namespace rnc::test
