#include "runtime/data/split.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <map>
#include <set>

#include "runtime/data/array_dataset.h"
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

TEST_CASE("data of which nothing can be kept are refused") {
  CHECK(error_of([] {
          split_off(numbered({0, 1, 2}), 0.5, 0);
        }) == "--val-split 0.5: there are only 3 images, one of each class");
}

}  // namespace rnrun
