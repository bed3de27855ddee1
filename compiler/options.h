// The command line of rnc.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "compiler/target.h"

namespace rnc {

// What to write. In the order of the stages of compilation.
enum class Emit { graph, dot, summary, loops, memory, llvm, assembly, object, shared, trainer };

struct Options {
  std::string input;   // a .graph or .loops file
  std::string output;  // "-": standard output
  Emit emit = Emit::shared;
  std::map<std::string, std::string> set;  // constants of the spec, by name
  std::string optimizer;
  std::vector<std::string> freeze;
  std::string weights;
  int64_t memory_budget = 0;  // bytes; 0: none
  TargetRequest target;
  std::string conv = "auto";          // see passes/graph/conv_rules.h
  bool debug = false;                 // line tables
  std::optional<std::string> passes;  // instead of the default pipeline
  std::vector<std::string> print_after;
  std::string dump_dir;
  bool time_passes = false;
  bool stats = false;
  bool remarks = false;
  bool list_passes = false;        // and nothing else
  std::optional<std::string> ops;  // the page of this operation, or "": of all; and nothing else
};

// A command line that makes no sense: exit status 2.
struct UsageError {
  std::string message;
};

// Throws UsageError. nullopt: --help or --version was asked for and has been printed.
std::optional<Options> parse_options(int argc, const char* const* argv);

}  // namespace rnc
