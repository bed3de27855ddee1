// MNIST's idx files (http://yann.lecun.com/exdb/mnist), plain or compressed with gzip.
#pragma once

#include <memory>
#include <string>

#include "runtime/data/data_options.h"
#include "runtime/data/dataset.h"

namespace rnrun {

// Reads a file of images and the file of their labels into memory. Magic numbers, counts, sizes and labels
// are checked, before anything is allocated that the files cannot fill. Throws Error "<path>: <what is
// wrong>".
std::unique_ptr<const Dataset> read_idx(const std::string& images, const std::string& labels,
                                        const DataOptions& options);

}  // namespace rnrun
