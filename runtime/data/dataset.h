// Labelled images to train on and to test with.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "runtime/thread_pool.h"

namespace rnrun {

struct ImageShape {
  int64_t channels = 1;
  int64_t height = 1;
  int64_t width = 1;
  int64_t bytes() const { return channels * height * width; }
  bool operator==(const ImageShape&) const = default;
};
std::string str(const ImageShape&);  // "1x28x28"

// Constant after construction; `read` may be called by several threads.
class Dataset {
 public:
  virtual ~Dataset() = default;
  virtual int64_t size() const = 0;
  virtual ImageShape shape() const = 0;
  // Writes the pixels of image `index`, one plane per channel, and returns its label.
  virtual int32_t read(int64_t index, uint8_t* pixels) const = 0;
};

struct DataSplits {
  std::unique_ptr<const Dataset> train;
  std::unique_ptr<const Dataset> test;
};

// Where Debian's package dataset-fashion-mnist puts its files.
inline constexpr const char* kFashionMnist = "/usr/share/datasets/fashion-mnist";

// `where` is a directory of idx files in the manner of MNIST, or "shapes" for generated images; they are of
// `shape`, with labels below `classes`. Throws Error otherwise.
DataSplits open_data(const std::string& where, const ImageShape& shape, int64_t classes);

// Reads the images at `indices` into consecutive places of `pixels` and `labels`.
void read_batch(const Dataset& data, std::span<const uint32_t> indices, ThreadPool& pool, uint8_t* pixels,
                int32_t* labels);

}  // namespace rnrun
