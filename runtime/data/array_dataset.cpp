#include "runtime/data/array_dataset.h"

#include <fmt/format.h>

#include <algorithm>

#include "runtime/support/error.h"

namespace rnrun {

void check_labels(std::span<const int32_t> labels, int64_t classes, const std::string& path) {
  const auto wrong =
      std::ranges::find_if(labels, [&](int32_t label) { return label < 0 || label >= classes; });
  if (wrong != labels.end())
    throw Error(fmt::format("{}: label {} of image {} is not below the model's {} classes", path, *wrong,
                            wrong - labels.begin(), classes));
}

}  // namespace rnrun
