// A data set of image files, each with further tensors of its sample.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/data/array_dataset.h"
#include "runtime/data/data_options.h"
#include "runtime/data/dataset.h"

namespace rnrun {

// Paths one after the other in one string: a data set may have millions.
class PathList {
 public:
  void add(std::string_view path) {
    text_ += path;
    ends_.push_back(text_.size());
  }
  int64_t size() const { return static_cast<int64_t>(ends_.size()); }
  std::string_view operator[](int64_t index) const {
    const auto i = static_cast<size_t>(index);
    const size_t begin = i == 0 ? 0 : ends_[i - 1];
    return std::string_view(text_).substr(begin, ends_[i] - begin);
  }
  const std::string& text() const { return text_; }

 private:
  std::string text_;
  std::vector<uint64_t> ends_;
};

// What a reader has found out of a data set of image files.
struct ImageFiles {
  std::string directory;        // that relative paths begin in
  std::string description;      // see Dataset
  std::vector<Field> pictures;  // that each sample has
  PathList paths;               // of the first sample's pictures, then of the second's, ...
  ArrayDataset::Columns columns;
  std::vector<std::string> class_names;
  std::vector<std::string> notes;
};

// Files are decoded when they are read, as read_image does; then, unless options.keep_size, made to fit the model (image.h).
// Decoded images are kept as the options say; what is read is the same in any case. Throws Error when there are
// too many.
std::unique_ptr<const Dataset> open_image_files(ImageFiles files, const DataOptions& options);

}  // namespace rnrun
