// Images in folders, one folder per class, as torchvision's ImageFolder has them.
#pragma once

#include <memory>
#include <string>

#include "runtime/data/data_options.h"
#include "runtime/data/dataset.h"

namespace rnrun {

// The images <directory>/<class>/** (is_image_name), classes and files sorted by name; names that begin with a dot are
// passed over, other files are counted in notes(). If the names of the folders are among options.class_names, a folder's
// label is that of its name, and these are the names of the classes. If none is, there must be as many folders as classes,
// labels count them, and they name the classes; not so with options.names_fixed (class_labels.h). Throws Error when that
// does not come out. Files are read as image_files.h says.
std::unique_ptr<const Dataset> open_image_folder(const std::string& directory, const DataOptions& options);

// Whether the directory is one of class folders: one of these has an image in it.
bool has_images(const std::string& directory);
bool has_class_folders(const std::string& directory);

}  // namespace rnrun
