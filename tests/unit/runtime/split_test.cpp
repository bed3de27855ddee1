#include "runtime/data/split.h"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>

#include "runtime/data/array_dataset.h"
#include "runtime/data/open_data.h"
#include "tests/unit/runtime/samples.h"
#include "tests/unit/runtime/support.h"

namespace rnrun {

namespace {

// Images of one pixel, their number, with these labels.
std::unique_ptr<const Dataset> numbered(const std::vector<int32_t>& labels) {
  const auto count = static_cast<int64_t>(labels.size());
  Array images = Array::zeros(DType::u8, {count, 1, 1, 1});
  for (size_t i = 0; i < labels.size(); ++i) images.data[i] = static_cast<std::byte>(i);
  return std::make_unique<ArrayDataset>(ArrayDataset::Columns{
      {"image", std::move(images)}, {"label", Array::of<int32_t>(DType::i32, {count}, labels)}});
}

// The numbers of the images, by label.
std::map<int32_t, std::vector<int>> content(const Dataset& data) {
  std::map<int32_t, std::vector<int>> numbers;
  for (int64_t i = 0; i < data.size(); ++i) {
    const auto [image, label] = read_labelled(data, i);
    CHECK(data.strata()[static_cast<size_t>(i)] == label);
    numbers[label].push_back(image.pixels[0]);
  }
  return numbers;
}

}  // namespace

TEST_CASE("a share of each class is kept for validation, the rest is trained with") {
  std::vector<int32_t> labels(100, 0);
  for (size_t i = 60; i < 90; ++i) labels[i] = 7;
  for (size_t i = 90; i < 98; ++i) labels[i] = 2;
  labels[98] = 3;               // one of a kind stays
  labels[99] = labels[50] = 4;  // of two one is kept
  const DataSplits data = split_off(numbered(labels), 0.2, 1);
  const auto train = content(*data.train), test = content(*data.test);
  CHECK(test.at(0).size() == 12);  // of 59
  CHECK(test.at(7).size() == 6);
  CHECK(test.at(2).size() == 2);
  CHECK(test.at(4).size() == 1);
  CHECK(!test.contains(3));
  std::set<int> all;
  for (const auto* part : {&train, &test})
    for (const auto& [label, numbers] : *part) {
      CHECK(std::ranges::is_sorted(numbers));
      all.insert(numbers.begin(), numbers.end());
    }
  CHECK(all.size() == 100);
  CHECK(data.train->size() + data.test->size() == 100);

  CHECK(content(*split_off(numbered(labels), 0.2, 1).test) == test);
  CHECK(content(*split_off(numbered(labels), 0.2, 2).test) != test);
}

TEST_CASE("images that are left out do not change which others are kept for validation") {
  const TemporaryDirectory directory;
  const std::string images = RNC_SOURCE_DIR "/tests/images/";
  std::filesystem::create_directories(directory / "cat");
  for (int i = 0; i < 12; ++i)
    std::filesystem::copy_file(images + (i % 2 == 0 ? "rgb.png" : "grey.png"),
                               directory / fmt::format("cat/{:02}.png", i));
  for (const int bad : {0, 5, 6}) write_text(directory / fmt::format("cat/{:02}.png", bad), "no image");
  DataOptions options{.fields = labelled_images({3, 9, 13}, 1), .val_split = 0.5, .seed = 3};
  // Which of a part can be read, grey and coloured ones, in their order.
  const auto readable = [](const Dataset& data) {
    std::string text;
    for (int64_t i = 0; i < data.size(); ++i)
      if (error_of([&] { data.check(i); }).empty()) {
        const std::vector<uint8_t> pixels = read_labelled(data, i).first.pixels;
        text += std::equal(pixels.begin(), pixels.begin() + 117, pixels.begin() + 117) ? 'g' : 'c';
      }
    return text;
  };
  const DataSplits all = open_data(directory.path(), options);
  CHECK(all.train->size() + all.test->size() == 12);
  options.skip_corrupt = true;
  const DataSplits good = open_data(directory.path(), options);
  CHECK(good.train->size() + good.test->size() == 9);
  CHECK(good.train->left_out().size() + good.test->left_out().size() == 3);
  CHECK(readable(*good.train) == readable(*all.train));
  CHECK(readable(*good.test) == readable(*all.test));
}

TEST_CASE("data of which nothing can be kept are refused") {
  CHECK(error_of([] {
          split_off(numbered({0, 1, 2}), 0.5, 0);
        }) == "--val-split 0.5: there are only 3 images, one of each class");
}

}  // namespace rnrun
