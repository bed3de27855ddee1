#include "runtime/data/data_options.h"

#include <fmt/format.h>

#include <algorithm>

#include "runtime/support/error.h"

namespace rnrun {

const Field& DataOptions::field(std::string_view name) const {
  const auto found = std::ranges::find(fields, name, &Field::name);
  if (found == fields.end())
    throw Error(fmt::format("the model takes no '{}', which is what the data have", name));
  return *found;
}

}  // namespace rnrun
