// Labelled images to train on and to test with.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "runtime/data/image.h"

namespace rnrun {

// Constant after construction; `read` may be called by several threads.
class Dataset {
 public:
  virtual ~Dataset() = default;
  // At least 1, and less than 2^32.
  virtual int64_t size() const = 0;
  // What the images are, for messages: "images of 1x28x28", "JPEG and PNG images in 10 folders".
  virtual std::string description() const = 0;
  // Sets `image` and returns its label. Throws BadImage when the image cannot be decoded.
  virtual int32_t read(int64_t index, Image& image) const = 0;
  // The names of the classes in the order of their labels, where the data say them; else none.
  virtual std::vector<std::string> class_names() const { return {}; }
  // What is wrong with the images that were left out (DataOptions::skip_corrupt).
  virtual std::vector<std::string> left_out() const { return {}; }
};

// Either may be missing.
struct DataSplits {
  std::unique_ptr<const Dataset> train;
  std::unique_ptr<const Dataset> test;
};

}  // namespace rnrun
