// Reads one entry of a dump: its operations in execution order, kernels, outputs and assigns.
#pragma once

#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "ir/graph/graph.h"
#include "ir/text/declarations.h"
#include "ir/text/syntax.h"

namespace rnc::text {

// The tensors that a dump has declared so far.
struct TensorNames {
  std::set<std::string> known;
  std::set<std::string> failed;  // their statements have
};

// The place in the spec, where the dump says it; else the place in the dump.
SourceLocation origin_of(const Statement& statement);
[[noreturn]] void misplaced(const Statement& statement, std::string_view where);

// Nodes keep their places in the dump, for the verifier's messages; `origins` gets those in the spec. Mistakes
// go to the environment.
Graph read_entry(const Module& module, const TensorNames& tensors, ConstantEnvironment& environment,
                 const Statement& entry, std::vector<SourceLocation>& origins);

}  // namespace rnc::text
