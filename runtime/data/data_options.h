// What is asked of a data set.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "runtime/data/sample.h"

namespace rnrun {

// What the model that will see the images needs.
struct DataOptions {
  std::vector<Field> fields;
  // The names of classes in the order of their labels, as far as they are known; may be empty.
  std::vector<std::string> class_names;
  std::string named_by = "the model";  // for messages: whose names these are
  // Folders that are called otherwise are an error. If not, and all are called otherwise, their names are the
  // names of the classes.
  bool names_fixed = false;
  // Training images of another size than the model's may stay so, for a transformation that wants all of them.
  bool keep_size = false;
  // Decode every image file once at the beginning, and leave out those that are damaged.
  bool skip_corrupt = false;

  // The field of this name; Error if the model takes none, as data of this kind cannot be what it wants then.
  const Field& field(std::string_view name) const;
};

}  // namespace rnrun
