// Image files as a data set of pictures alone, for what is asked about images that a command line names.
#pragma once

#include <mutex>
#include <string>
#include <vector>

#include "runtime/data/dataset.h"

namespace rnrun {

// With the channels that a model takes. One that cannot be read is black, and `fault` says why.
class PictureFiles : public Dataset {
 public:
  // `paths` must outlive it.
  PictureFiles(const std::vector<std::string>& paths, const Field& picture, bool exif_transpose)
      : paths_(paths), picture_(picture), exif_transpose_(exif_transpose), faults_(paths.size()) {}
  int64_t size() const override { return static_cast<int64_t>(paths_.size()); }
  std::string description() const override { return "image files"; }
  std::vector<std::string> fields() const override { return {picture_.name}; }
  void read(int64_t index, Sample& sample) const override;
  // What is wrong with an image that has been read; empty: nothing.
  std::string fault(size_t index) const;

 private:
  const std::vector<std::string>& paths_;
  Field picture_;
  bool exif_transpose_;
  mutable std::mutex mutex_;  // for:
  mutable std::vector<std::string> faults_;
};

}  // namespace rnrun
