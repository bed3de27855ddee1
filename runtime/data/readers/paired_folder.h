// Pictures with a picture or a mask for each: two folders with files of the same names.
#pragma once

#include <memory>
#include <string>

#include "runtime/data/data_options.h"
#include "runtime/data/dataset.h"

namespace rnrun {

// `directory` has images/ and masks/, of PNG images whose pixels are numbers of classes, for a model that takes a class
// for each pixel; or input/ and target/, for one that makes pictures of pictures. Files belong together whose names are
// the same but for the extension; each must have its other. Throws Error, naming those that have none.
std::unique_ptr<const Dataset> open_paired_folder(const std::string& directory, const DataOptions& options);

// Whether the directory has such folders.
bool is_paired_folder(const std::string& directory);

}  // namespace rnrun
