// Samples of labelled images, for tests.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "runtime/data/data_options.h"
#include "runtime/data/dataset.h"

namespace rnrun {

inline std::vector<Field> labelled_images(const ImageShape& shape, int64_t classes = 10) {
  return {{"image", DType::u8, {shape.channels, shape.height, shape.width}},
          {"label", DType::i32, {}, classes}};
}

// The image and its label.
inline std::pair<Image, int32_t> read_labelled(const Dataset& data, int64_t index) {
  Sample sample;
  data.read(index, sample);
  const int32_t label = sample.at(1).numbers()[0];
  return {sample.at(0).take_picture(""), label};
}

}  // namespace rnrun
