// A list of image files: comma-separated values (csv.h) with a path and what else a sample has in each row.
#pragma once

#include <memory>
#include <string>

#include "runtime/data/data_options.h"
#include "runtime/data/dataset.h"

namespace rnrun {

// Relative paths begin where the list is. The first row is a header if it names no image file. Columns are taken as
// list_columns.h says: for a field i32 a class by its name or number; for f32[k] labels as in "cat;dog", or k columns of
// numbers. Files are read as image_files.h says. Throws Error "<path>:<line>: <what is wrong>".
std::unique_ptr<const Dataset> open_image_list(const std::string& path, const DataOptions& options);

}  // namespace rnrun
