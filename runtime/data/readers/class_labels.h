// Labels from the names that data have for classes: those of folders, or the words in a list.
#pragma once

#include <string>
#include <vector>

#include "runtime/data/data_options.h"

namespace rnrun {

// The names of the classes in the order of their labels, where the data use `found`, sorted, each once: the known names
// (DataOptions::class_names) if all are among these; otherwise, if none is and names are not fixed, `found` itself, of
// which there must be as many as the model has classes. Where it has any number of them, 0, names that are not known come
// behind those that are. Throws Error otherwise; `where` and `what`, "folder", are for its
// message.
std::vector<std::string> class_names_of(const std::vector<std::string>& found, const DataOptions& options,
                                        int64_t classes, const std::string& where, const std::string& what);
// The place of each of `found` in `names`.
std::vector<int32_t> labels_of(const std::vector<std::string>& found, const std::vector<std::string>& names);

}  // namespace rnrun
