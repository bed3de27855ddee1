#include <doctest/doctest.h>
#include <zlib.h>

#include <algorithm>
#include <set>
#include <tuple>
#include <vector>

#include "runtime/data/open_data.h"
#include "runtime/data/readers/idx.h"
#include "runtime/data/readers/shapes.h"
#include "tests/unit/runtime/idx_files.h"
#include "tests/unit/runtime/samples.h"
#include "tests/unit/runtime/support.h"

namespace rnrun {

namespace {

const DataOptions kOptions{.fields = labelled_images({1, 2, 3})};

std::string gzip(const std::string& text) {
  const TemporaryDirectory directory;
  gzFile out = gzopen((directory / "z").c_str(), "wb");
  gzwrite(out, text.data(), static_cast<unsigned>(text.size()));
  gzclose(out);
  return read_text(directory / "z");
}

// Reads the two files and returns the message of the error, without the directory.
std::string idx_error(const std::string& images, const std::string& labels) {
  const TemporaryDirectory directory;
  write_text(directory / "images", images);
  write_text(directory / "labels", labels);
  const std::string message =
      error_of([&] { read_idx(directory / "images", directory / "labels", kOptions); });
  CHECK(message.starts_with(directory / ""));
  return message.substr(std::min(message.size(), directory.path().size() + 1));
}

const std::string kTwoImages = idx_images(2, 2, 3, "abcdefghijkl");
const std::string kTwoLabels = idx_labels(2, std::string("\x05\x09", 2));

}  // namespace

TEST_CASE("idx files, plain and compressed") {
  const TemporaryDirectory directory;
  for (const bool compressed : {false, true}) {
    write_text(directory / "images", compressed ? gzip(kTwoImages) : kTwoImages);
    write_text(directory / "labels", compressed ? gzip(kTwoLabels) : kTwoLabels);
    const auto data = read_idx(directory / "images", directory / "labels", kOptions);
    CHECK(data->size() == 2);
    CHECK(data->description() == "images of 1x2x3");
    const auto [first, first_label] = read_labelled(*data, 0);
    CHECK(first_label == 5);
    CHECK(std::string(first.pixels.begin(), first.pixels.end()) == "abcdef");
    const auto [second, second_label] = read_labelled(*data, 1);
    CHECK(second_label == 9);
    CHECK(std::string(second.pixels.begin(), second.pixels.end()) == "ghijkl");
  }
}

TEST_CASE("hostile idx files are refused with a reason") {
  CHECK(idx_error("", kTwoLabels) == "images: truncated");
  CHECK(idx_error(kTwoLabels, kTwoLabels) ==
        "images: not an idx file of images: magic number 0x00000801 instead of 0x00000803");
  CHECK(idx_error(kTwoImages, kTwoImages) ==
        "labels: not an idx file of labels: magic number 0x00000803 instead of 0x00000801");
  CHECK(idx_error(kTwoImages, idx_labels(3, "abc")) == "labels: has 3 labels for 2 images");
  CHECK(idx_error(kTwoImages, idx_labels(2, std::string("\x05\x0a", 2))) ==
        "labels: label 10 of image 1 is not below the model's 10 classes; they go from 5 to 10, the model's "
        "from 0 to 9: "
        "compile the model for more, as with rnc --set classes=11");
  CHECK(idx_error(kTwoImages, idx_labels(2, std::string("\x05", 1))) == "labels: truncated");
  CHECK(idx_error(kTwoImages.substr(0, kTwoImages.size() - 1), kTwoLabels) == "images: truncated");
  CHECK(idx_error(kTwoImages + "x", kTwoLabels) == "images: has more data than its header says");
  CHECK(idx_error(kTwoImages, kTwoLabels + "x") == "labels: has more data than its header says");
  CHECK(idx_error(idx_images(0, 2, 3, ""), kTwoLabels) == "images: has no images");
  CHECK(idx_error(idx_images(2, 0, 3, ""), kTwoLabels) ==
        "images: has images of 0x3; 1x1 to 4096x4096 can be read");
  CHECK(idx_error(idx_images(2, 3, 0xffffffff, ""), kTwoLabels) ==
        "images: has images of 3x4294967295; 1x1 to 4096x4096 can be read");
  CHECK(idx_error(idx_images(0xffffffff, 4096, 4096, "abc"), idx_labels(0xffffffff, "abc")) ==
        "labels: promises 4294967295 items of 1 bytes, more than the file can hold");
  CHECK(idx_error(idx_images(2, 4096, 4096, "abc"), kTwoLabels) ==
        "images: promises 2 items of 16777216 bytes, more than the file can hold");
}

TEST_CASE("damaged compressed files are refused") {
  std::string pixels;  // incompressible, so that the file can be cut anywhere
  for (unsigned i = 0; i < 4000; ++i) pixels += static_cast<char>(i * i * 2654435761u >> 13);
  const std::string images = gzip(idx_images(2, 40, 50, pixels));
  const std::string labels = gzip(kTwoLabels);
  for (size_t size = 20; size < images.size(); size += 97)
    CHECK(idx_error(images.substr(0, size), labels) == "images: truncated");
  CHECK(idx_error(images.substr(0, images.size() - 4), labels) == "images: truncated");
  std::string flipped = images;
  flipped[flipped.size() - 5] ^= 1;  // the check sum
  CHECK(idx_error(flipped, labels) == "images: damaged: incorrect data check");
}

TEST_CASE("a directory of idx files may be compressed, and must have the labels") {
  const TemporaryDirectory directory;
  write_text(directory / "train-images-idx3-ubyte", kTwoImages);
  CHECK(error_of([&] { open_data(directory.path(), kOptions); }) ==
        directory / "train-labels-idx1-ubyte" + ": not a regular file");
  write_text(directory / "train-labels-idx1-ubyte.gz", gzip(kTwoLabels));
  CHECK(open_data(directory.path(), kOptions).test == nullptr);
  write_text(directory / "t10k-images-idx3-ubyte", idx_images(1, 2, 3, "abcdef"));
  write_text(directory / "t10k-labels-idx1-ubyte", idx_labels(1, std::string("\0", 1)));
  CHECK(open_data(directory.path(), kOptions).test->size() == 1);
}

TEST_CASE("generated images are a function of their index, in all classes and sizes") {
  const auto data = make_shapes({3, 40, 30}, 10, "train");
  CHECK(data->size() == 10'000);
  Image first;
  std::set<int32_t> labels;
  for (int64_t i = 0; i < 200; ++i) {
    int32_t label = 0;
    std::tie(first, label) = read_labelled(*data, i);
    const auto [again, same_label] = read_labelled(*make_shapes({3, 40, 30}, 10, "train"), i);
    CHECK(same_label == label);
    REQUIRE(first.pixels == again.pixels);
    labels.insert(label);
  }
  CHECK(str(first.shape) == "3x40x30");
  CHECK(first.pixels.size() == 3 * 40 * 30);
  CHECK(labels.size() == 10);
  CHECK(*labels.rbegin() == 9);
  CHECK(first.pixels != read_labelled(*make_shapes({3, 40, 30}, 10, "test"), 199).first.pixels);
  const auto two = make_shapes({1, 1, 1}, 2, "test");
  for (int64_t i = 0; i < 50; ++i) CHECK(read_labelled(*two, i).second < 2);
  CHECK(error_of([] {
          make_shapes({1, 8, 8}, 1, "train");
        }) == "the data set shapes needs a model of at least 2 classes");
}

}  // namespace rnrun
