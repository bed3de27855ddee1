// A data set that is in memory.
#pragma once

#include <cstring>
#include <span>
#include <string>
#include <vector>

#include "runtime/data/dataset.h"
#include "runtime/support/memory.h"

namespace rnrun {

class ArrayDataset : public Dataset {
 public:
  // labels.size() images of `shape`, one after the other.
  ArrayDataset(ImageShape shape, AlignedBytes pixels, std::vector<int32_t> labels)
      : shape_(shape), pixels_(std::move(pixels)), labels_(std::move(labels)) {}

  int64_t size() const override { return static_cast<int64_t>(labels_.size()); }
  std::string description() const override { return "images of " + str(shape_); }
  int32_t read(int64_t index, Image& image) const override {
    image.shape = shape_;
    image.pixels.resize(static_cast<size_t>(shape_.bytes()));
    std::memcpy(image.pixels.data(), pixels_.data() + index * shape_.bytes(), image.pixels.size());
    return labels_[static_cast<size_t>(index)];
  }

 private:
  ImageShape shape_;
  AlignedBytes pixels_;
  std::vector<int32_t> labels_;
};

// Throws Error "<path>: label 12 of image 3 is not below the model's 10 classes".
void check_labels(std::span<const int32_t> labels, int64_t classes, const std::string& path);

}  // namespace rnrun
