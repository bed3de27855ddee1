// rnc from command line to written file.
#pragma once

namespace rnc {

// Returns the exit status: 0 for success, 1 where the user's model or files are at fault, 2 where the command line is.
// Messages go to standard error.
int run_driver(int argc, const char* const* argv);

}  // namespace rnc
