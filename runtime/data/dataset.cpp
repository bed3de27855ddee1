#include "runtime/data/dataset.h"

#include <fmt/format.h>

#include <filesystem>

#include "runtime/data/idx.h"
#include "runtime/data/shapes.h"
#include "runtime/error.h"

namespace rnrun {

namespace {

// "<directory>/<name>" or, if only that exists, "<directory>/<name>.gz".
std::string idx_file(const std::string& directory, const std::string& name) {
  for (const std::string& path : {directory + "/" + name, directory + "/" + name + ".gz"})
    if (std::filesystem::exists(path)) return path;
  throw Error(fmt::format("no data set in {}: neither {} nor {}.gz is there{}", directory, name, name,
                          directory == kFashionMnist
                              ? "; install Debian's package dataset-fashion-mnist, or pass "
                                "--data DIR or --data shapes"
                              : ""));
}

std::unique_ptr<const Dataset> open_idx(const std::string& directory, const std::string& split,
                                        const ImageShape& shape, int64_t classes) {
  const std::string images = idx_file(directory, split + "-images-idx3-ubyte");
  const std::string labels = idx_file(directory, split + "-labels-idx1-ubyte");
  auto data = read_idx(images, labels, classes);
  if (!(data->shape() == shape))
    throw Error(
        fmt::format("the images of {} are {}, the model takes {}; --data shapes makes images of any size",
                    images, str(data->shape()), str(shape)));
  return data;
}

}  // namespace

std::string str(const ImageShape& s) { return fmt::format("{}x{}x{}", s.channels, s.height, s.width); }

DataSplits open_data(const std::string& where, const ImageShape& shape, int64_t classes) {
  if (where == "shapes") return {make_shapes(shape, classes, "train"), make_shapes(shape, classes, "test")};
  return {open_idx(where, "train", shape, classes), open_idx(where, "t10k", shape, classes)};
}

void read_batch(const Dataset& data, std::span<const uint32_t> indices, ThreadPool& pool, uint8_t* pixels,
                int32_t* labels) {
  const int64_t bytes = data.shape().bytes();
  pool.for_each(static_cast<int64_t>(indices.size()), [&](int64_t i) {
    labels[i] = data.read(indices[static_cast<size_t>(i)], pixels + i * bytes);
  });
}

}  // namespace rnrun
