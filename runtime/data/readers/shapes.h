// Generated data: simple figures, so that a model can be trained on a machine without any data files.
#pragma once

#include <memory>
#include <string_view>

#include "runtime/data/dataset.h"

namespace rnrun {

// Images of one figure each (its class), of random size, place, tilt and colours, with noise. Ten figures, or
// as many as there are classes (0: any number). 10,000 images if `split` is "train", 2,000 otherwise. An image is a function
// of the split and its index alone. Throws Error if there is only one class.
std::unique_ptr<const Dataset> make_shapes(const ImageShape& shape, int64_t classes, std::string_view split);

}  // namespace rnrun
