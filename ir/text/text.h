// The text form of the graph IR: specs, which people write, and dumps, their flat form. Both are one language
// (ir/README.md) and both are read by parse().
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "ir/graph/graph.h"

namespace rnc {

// Reads a source file of at most kMaxSourceBytes. Throws UserError where it cannot be read, is larger, is
// empty or is not UTF-8 text; a byte-order mark does not count. `from` is the place that asked for it (an
// include), if any.
inline constexpr size_t kMaxSourceBytes = size_t{16} << 20;
std::shared_ptr<const SourceFile> read_source(const std::string& path, const SourceLocation& from = {});

// What the command line changes in a spec.
struct ElaborateOptions {
  std::map<std::string, std::string> set;  // --set NAME=VALUE: replaces the value of `const NAME`
  std::string optimizer;                   // --optimizer 'adam(beta1 = 0.9)' or 'sgd': replaces `train`
  std::vector<std::string> freeze;         // --freeze PATTERN: more patterns as those of `freeze`
  std::vector<std::string> include_paths;  // -I DIRECTORY: where includes are found that stand beside no file
};

// Reads a spec or a dump. Includes are found relative to the file that includes them. The result of a spec
// has one entry, "model"; that of a dump has the dump's entries. A dump's types are checked against those
// inferred from its operations. Throws all the user's mistakes that do not follow from each other as one
// UserError.
Module parse(const std::shared_ptr<const SourceFile>& source, const ElaborateOptions& options = {});

// Reads a module in flat form that has no entries, as one stands at the head of a file of loop IR.
Module parse_without_entries(const std::shared_ptr<const SourceFile>& source);

// The flat form of a module: parse(print(m)) equals m but for locations, and exactly so with `locations`.
struct PrintOptions {
  bool locations = true;  // end each statement with the place in the spec it comes from
};
std::string print(const Module& module, const PrintOptions& options = {});
// One node as a statement of the flat form, without its location.
std::string print(const Graph& graph, const Node& node);

// Whether two modules are the same in everything but source locations and the numbering of kernels.
bool equal(const Module& a, const Module& b);

}  // namespace rnc
