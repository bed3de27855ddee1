// Images in folders, one folder per class, as torchvision's ImageFolder has them.
#pragma once

#include <memory>
#include <string>

#include "runtime/data/dataset.h"
#include "runtime/data/open_data.h"

namespace rnrun {

// The files <directory>/<class>/*.{jpg,jpeg,png} (in either case), classes and files sorted by name; names
// that begin with a dot are passed over. If the names of the folders are among options.class_names, a
// folder's label is that of its name, and these are the names of the classes. If none is, there must be as
// many folders as classes, labels count them, and they name the classes; not so with options.names_fixed.
// Throws Error when that does not come out.
//
// Files are decoded when they are read, as read_image does; then, unless options.keep_size, made to fit the
// model (image.h). What fits into `cache_bytes` is kept in memory.
std::unique_ptr<const Dataset> open_image_folder(const std::string& directory, const DataOptions& options,
                                                 int64_t cache_bytes);
// With a quarter of the available memory for the cache.
std::unique_ptr<const Dataset> open_image_folder(const std::string& directory, const DataOptions& options);

}  // namespace rnrun
