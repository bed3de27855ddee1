// Whole files: reading one into memory, and replacing one so that a reader or a crash never sees half of it.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/support/memory.h"

namespace rnrun {

// The bytes of a regular file. Throws Error "cannot read <path>: <reason>".
AlignedBytes read_file(const std::string& path);

// The same as text; empty if there is no such file.
std::string file_text(const std::string& path);

// Writes `parts` one after the other to "<path>.partial", syncs it, renames it to `path` and syncs the
// directory. On any failure the temporary file is removed, an Error says why, and what was at `path` before
// is untouched.
void replace_file(const std::string& path, std::span<const std::span<const std::byte>> parts);
void replace_file(const std::string& path, std::string_view text);

// Makes a directory and its parents. Throws Error.
void make_directory(const std::string& path);

}  // namespace rnrun
