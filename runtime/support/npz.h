// NumPy's archives of arrays, as numpy.savez writes and numpy.load reads them: a zip archive with an entry
// "<name>.npy" for each (numpy/lib/format.py).
#pragma once

#include <string>

#include "runtime/support/array.h"

namespace rnrun {

// Replaces `path` as replace_file does. Throws Error also for elements that NumPy has no type for, bf16.
void write_npz(const std::string& path, const Arrays& arrays);

}  // namespace rnrun
