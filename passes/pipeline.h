// The pipeline: which passes there are, in which order they run and why, and the runner that runs them.
//
// The runner verifies what is compiled before the first pass and after every pass. When a check fails, the
// report names the pass and prints the graph, or the program, as it was before it.
#pragma once

#include <cstdio>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "ir/graph/graph.h"
#include "ir/loops/program.h"
#include "passes/report/remarks.h"
#include "passes/target.h"

namespace rnc {

// What of the forward pass the backward pass may compute again: see recompute.cpp.
struct RecomputeLimits {
  int kernels = 1;
  int64_t cost = 100;
  int64_t bytes = 1 << 20;
};
using Recompute = std::optional<RecomputeLimits>;  // none: nothing is computed again

// A model on its way through the compiler.
struct Compilation {
  Module module;
  TargetInfo target;
  std::optional<loops::Program> program;  // once lower_to_loops has run
  Recompute recompute = RecomputeLimits{};
  Remarks remarks;
};

enum class Stage : uint8_t {
  graph,  // for --emit=graph too
  program,  // only on the way to a program: recompute, which goes by the memory that one takes, and what follows
};

struct Pass {
  std::string_view name;
  bool (*run)(Compilation&);  // whether it changed something
  std::string_view why;       // why it stands at this place in the pipeline
  Stage stage = Stage::graph;
  bool knows_target = true;  // whether what it does may depend on Compilation::target
};

// All passes in the order they run by default. Some stand there more than once.
std::span<const Pass> pipeline();

// The passes of a comma-separated list of names, in its order: --passes=simplify,dce. An empty list is an
// empty pipeline. Throws UserError on an unknown name.
std::vector<Pass> passes_by_name(std::string_view names);

// The text of --list-passes: one line per pass.
std::string list_passes();

struct PipelineOptions {
  std::vector<std::string> print_after;  // names of passes, or "all"
  std::string dump_dir;        // not empty: a file per pass is written there, "03-simplify.graph" or ".loops"
  std::FILE* output = stdout;  // where print_after prints
};

// What one pass did.
struct PassReport {
  std::string pass;
  bool changed = false;
  double milliseconds = 0;
  std::string what;  // changes in the number of nodes by entry and operation, and in tensors; empty: none
};

// Runs `passes` in order. Throws UserError where a pass refuses the model or a dump cannot be written.
std::vector<PassReport> run_passes(Compilation& compilation, std::span<const Pass> passes,
                                   const PipelineOptions& options = {});

// The tables of --time-passes and --stats.
std::string time_table(std::span<const PassReport> reports);
std::string stats_table(std::span<const PassReport> reports);

}  // namespace rnc
