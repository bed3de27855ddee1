// Which data set a path means, and the readers that keep their data in memory.
#include "runtime/data/open_data.h"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include "runtime/support/safetensors.h"
#include "tests/unit/runtime/idx_files.h"
#include "tests/unit/runtime/samples.h"
#include "tests/unit/runtime/support.h"

namespace rnrun {

namespace {

// A record of CIFAR: labels, then 3072 pixels.
std::string record(const std::string& labels, char pixel) { return labels + std::string(3072, pixel); }

Array pixels(std::vector<int64_t> shape) {
  Array array = Array::zeros(DType::u8, std::move(shape));
  for (size_t i = 0; i < array.data.size(); ++i) array.data[i] = static_cast<std::byte>(i);
  return array;
}

Array labels(std::vector<int32_t> values) {
  return Array::of<int32_t>(DType::i32, {static_cast<int64_t>(values.size())}, values);
}

DataOptions options(ImageShape shape, int64_t classes = 10) {
  return {.fields = labelled_images(shape, classes)};
}

// The message of the error when the training split of `where` is opened.
std::string failure(const std::string& where, const DataOptions& o = options({3, 32, 32})) {
  return error_of([&] { open_split(where, Split::train, o); });
}

std::pair<int32_t, uint8_t> first_pixel(const Dataset& data, int64_t index) {
  const auto [image, label] = read_labelled(data, index);
  return {label, image.pixels.at(0)};
}

}  // namespace

TEST_CASE("CIFAR-10 is recognised, batch after batch") {
  const TemporaryDirectory directory;
  write_text(directory / "data_batch_1.bin", record("\x03", 'a') + record("\x09", 'b'));
  write_text(directory / "data_batch_2.bin", record("\x05", 'c'));
  write_text(directory / "test_batch.bin", record("\x07", 'd'));
  const DataSplits data = open_data(directory.path(), options({3, 32, 32}));
  CHECK(data.train->size() == 3);
  CHECK(data.train->description() == "images of 3x32x32");
  CHECK(first_pixel(*data.train, 0) == std::pair<int32_t, uint8_t>{3, 'a'});
  CHECK(first_pixel(*data.train, 1) == std::pair<int32_t, uint8_t>{9, 'b'});
  CHECK(first_pixel(*data.train, 2) == std::pair<int32_t, uint8_t>{5, 'c'});
  CHECK(first_pixel(*data.test, 0) == std::pair<int32_t, uint8_t>{7, 'd'});

  write_text(directory / "data_batch_4.bin", record("\x05", 'c'));
  CHECK(failure(directory.path()) ==
        "cannot read " + directory / "data_batch_3.bin" + ": No such file or directory");
  write_text(directory / "data_batch_3.bin", record("\x0a", 'c'));
  CHECK(failure(directory.path()) ==
        directory / "data_batch_3.bin" + ": label 10 of image 0 is not below the model's 10 classes");
  for (const size_t size : {size_t{0}, size_t{1}, size_t{3072}, size_t{3074}}) {
    write_text(directory / "data_batch_3.bin", std::string(size, 'x'));
    CHECK(failure(directory.path()) ==
          directory / "data_batch_3.bin" +
              fmt::format(": {} bytes; a CIFAR-10 file is made of records of 3073", size));
  }
}

TEST_CASE("CIFAR-100 is recognised; its fine labels count") {
  const TemporaryDirectory directory;
  write_text(directory / "train.bin", record("\x04\x63", 'a'));
  const DataSplits data = open_data(directory.path(), options({3, 32, 32}, 100));
  CHECK(first_pixel(*data.train, 0) == std::pair<int32_t, uint8_t>{99, 'a'});
  CHECK(data.test == nullptr);
  CHECK(failure(directory.path(), options({3, 32, 32}, 99)) ==
        directory / "train.bin" + ": label 99 of image 0 is not below the model's 99 classes");
  write_text(directory / "train.bin", record("\x04", 'a'));
  CHECK(failure(directory.path()) ==
        directory / "train.bin" + ": 3073 bytes; a CIFAR-100 file is made of records of 3074");
}

TEST_CASE("tensors come from one file, or from one for each split") {
  const TemporaryDirectory directory;
  const std::string file = directory / "some.safetensors";
  write_safetensors(file, {{}, {{"image", pixels({2, 1, 2, 3})}, {"label", labels({4, 0})}}});
  const DataSplits one = open_data(file, options({1, 2, 3}));
  CHECK(one.train->size() == 2);
  CHECK(one.test == nullptr);
  CHECK(first_pixel(*open_split(file, Split::test, options({1, 2, 3})), 0) ==
        std::pair<int32_t, uint8_t>{4, 0});
  CHECK(first_pixel(*one.train, 1) == std::pair<int32_t, uint8_t>{0, 6});

  std::filesystem::copy_file(file, directory / "train.safetensors");
  CHECK(open_data(directory.path(), options({1, 2, 3})).test == nullptr);
  std::filesystem::copy_file(file, directory / "test.safetensors");
  CHECK(open_data(directory.path(), options({1, 2, 3})).test->size() == 2);

  const auto message = [&](Arrays tensors) {
    write_safetensors(file, {{}, std::move(tensors)});
    return failure(file);
  };
  CHECK(message({{"label", labels({1})}}) == file + ": no tensor 'image', u8[M, C, H, W]");
  CHECK(message({{"image", pixels({1, 1, 2, 3})}}) == file + ": no tensor 'label', i32[M]");
  CHECK(message({{"image", pixels({1, 2, 3})}, {"label", labels({1})}}) ==
        file + ": tensor 'image' is u8[1, 2, 3], not u8[M, C, H, W]");
  CHECK(message({{"image", pixels({0, 1, 2, 3})}, {"label", labels({})}}) ==
        file + ": tensor 'image' is u8[0, 1, 2, 3], not u8[M, C, H, W]");
  CHECK(message({{"image", pixels({2, 1, 2, 3})}, {"label", labels({1})}}) ==
        file + ": tensor 'label' is i32[1], not i32[2]");
  CHECK(message({{"image", pixels({2, 1, 2, 3})}, {"label", labels({1, -1})}}) ==
        file +
            ": label -1 of image 1 is negative, not one of the model's 10 classes; they go from -1 to 1, the "
            "model's from 0 to 9: "
            "--label-offset 1 makes them fit");
}

TEST_CASE("tensors of any type and shape are read where the model takes them; other kinds of data refuse") {
  const TemporaryDirectory directory;
  const std::string file = directory / "some.safetensors";
  DataOptions o = options({1, 2, 3});
  o.fields[1] = {"angle", DType::f32, {2}};
  const std::vector<float> angles = {1, 2, 3, 4};
  write_safetensors(file, {{},
                           {{"image", pixels({2, 1, 2, 3})},
                            {"label", labels({1, 1})},
                            {"angle", Array::of<float>(DType::f32, {2, 2}, angles)}}});
  const auto data = open_split(file, Split::train, o);
  CHECK(data->fields() == std::vector<std::string>{"image", "angle"});
  Sample sample;
  data->read(1, sample);
  CHECK(sample[1].dtype == DType::f32);
  CHECK(sample[1].shape == std::vector<int64_t>{2});
  CHECK(reinterpret_cast<const float*>(sample[1].bytes.data())[0] == 3);
  o.fields[1].shape = {3};
  CHECK(failure(file, o) == file + ": tensor 'angle' is f32[2, 2], not f32[2, 3]");
  CHECK(failure("shapes", o) == "the model takes no 'label', which is what the data have");
}

TEST_CASE("a kind before a colon is taken, and nothing else") {
  const TemporaryDirectory directory;
  write_text(directory / "train.bin", record("\x04\x05", 'a'));
  write_text(directory / "train-images-idx3-ubyte", idx_images(1, 2, 3, "abcdef"));
  write_text(directory / "train-labels-idx1-ubyte", idx_labels(1, std::string("\x02", 1)));
  CHECK(open_data(directory.path(), options({1, 2, 3})).train->description() == "images of 1x2x3");
  CHECK(open_data("cifar100:" + directory.path(), options({3, 32, 32})).train->description() ==
        "images of 3x32x32");
  CHECK(failure("cifar10:" + directory.path()) ==
        "no data set in " + directory.path() + ": looked for CIFAR-10's data_batch_1.bin");
  CHECK(failure("folder:" + directory.path()) ==
        "no data set in " + directory.path() + ": looked for folders train/<class> or <class> of images");
  CHECK(failure("video:" + directory.path()) ==
        "no data set in video:" + directory.path() + ": no such file or directory");
}

TEST_CASE("what is missing is said") {
  const TemporaryDirectory directory;
  CHECK(
      failure(directory.path()) ==
      "no data set in " + directory.path() +
          ": looked for idx files (train-images-idx3-ubyte), or CIFAR-10's data_batch_1.bin, or CIFAR-100's "
          "train.bin, or folders train/images and masks, or train/input and target, or train.safetensors, or "
          "train.csv, or folders train/<class> or <class> of images");
  std::filesystem::create_directories(directory / "test/cat");
  CHECK(failure(directory.path()) == directory.path() + " has no images to train");
  write_text(directory / "test/cat/a.png", "");
  CHECK(open_split(directory.path(), Split::test, options({1, 2, 3}, 1))->size() == 1);
  std::filesystem::create_directories(directory / "val/cat");  // comes before test
  CHECK(error_of([&] {
          open_split(directory.path(), Split::test, options({1, 2, 3}, 1));
        }) == directory / "val" +
                  " has no images: no <class>/*.jpg, *.jpeg, *.png, *.webp, *.tif, *.tiff, *.gif, *.bmp");
}

}  // namespace rnrun
