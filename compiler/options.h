// The command line of rnc.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "compiler/compile.h"

namespace rnc {

struct Options {
  std::string input;   // a .graph or .loops file
  std::string output;  // "-": standard output
  Request request;     // but for its source
  bool time_passes = false;
  bool stats = false;
  bool remarks = false;
  bool list_passes = false;        // and nothing else
  bool format = false;             // writes the source in its canonical form, and nothing else,
  bool check = false;              // or only says whether it is in it
  std::optional<std::string> ops;  // the page of this operation, or "": of all; and nothing else
};

// Throws UsageError. nullopt: --help or --version was asked for and has been printed.
std::optional<Options> parse_options(int argc, const char* const* argv);

// What options alone ask for, as another program gives them: those that say what to make and how. Throws UsageError, also
// for an input and for options about files to write or about printing.
Request parse_request(std::vector<std::string> options);

}  // namespace rnc
