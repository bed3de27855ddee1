#include "runtime/data/data_options.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>

#include "runtime/support/error.h"

namespace rnrun {

bool DataOptions::has(std::string_view name) const {
  return std::ranges::find(fields, name, &Field::name) != fields.end();
}

const Field& DataOptions::field(std::string_view name) const {
  const auto found = std::ranges::find(fields, name, &Field::name);
  if (found == fields.end())
    throw Error(fmt::format("the model takes no '{}', which is what the data have", name));
  return *found;
}

void place_labels(const Field& field, std::span<int32_t> labels, const DataOptions& options,
                  const std::string& path) {
  if (field.classes > 0 && options.label_offset != 0)
    for (int32_t& label : labels) {
      const int64_t moved = label + options.label_offset;
      label = static_cast<int32_t>(std::clamp<int64_t>(moved, std::numeric_limits<int32_t>::min(),
                                                       std::numeric_limits<int32_t>::max()));
    }
  check_range(field, labels, path);
}

}  // namespace rnrun
