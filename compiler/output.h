// Reading and writing whole files, and the standard streams. Failures throw UserError (without a place)
// naming the file.
#pragma once

#include <string>
#include <string_view>

namespace rnc {

// A regular file.
std::string read_file(const std::string& path);

// To standard error. When that fails, there is nobody to tell.
void print_message(std::string_view text);
// At the end: throws when not all has arrived that was printed to standard output.
void finish_output();

// Writes a temporary file beside `path` and renames it, so that `path` appears only when complete, or keeps
// what it held. "-" is standard output; what is not a regular file (/dev/stdout) is written directly.
void write_file(const std::string& path, std::string_view bytes, bool executable = false);

}  // namespace rnc
