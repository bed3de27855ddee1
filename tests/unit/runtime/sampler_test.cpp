#include "runtime/data/sampler.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <map>

#include "runtime/data/readers/shapes.h"
#include "runtime/support/random.h"
#include "tests/unit/runtime/samples.h"
#include "tests/unit/runtime/support.h"

namespace rnrun {

namespace {

// One image of class 0, nine of class 1, ninety of class 3; none of class 2.
class Uneven : public Dataset {
 public:
  int64_t size() const override { return 100; }
  std::string description() const override { return ""; }
  std::vector<std::string> fields() const override { return {"image", "label"}; }
  void read(int64_t index, Sample& sample) const override {
    sample.resize(2);
    sample[0].set({{1, 1, 1}, {0}});
    sample[1].set(class_of(index));
  }
  static int32_t class_of(int64_t index) { return index < 1 ? 0 : index < 10 ? 1 : 3; }
};

const std::vector<Field> kFields = labelled_images({1, 1, 1}, 4);

}  // namespace

TEST_CASE("without options, an epoch is the permutation that it has always been") {
  const EpochOrder epoch = Sampler(Uneven(), kFields, {}).epoch(7, 3);
  CHECK(epoch.order == permutation(100, 7, 3));
  CHECK(epoch.repetitions.empty());
}

TEST_CASE("a balanced sampler draws each class that there is equally often, and each of its images") {
  const Uneven data;
  const Sampler sampler(data, kFields, {.balanced = true});
  CHECK(sampler.size() == 100);
  std::map<int32_t, int> classes;
  std::map<uint32_t, int> images;
  constexpr int kEpochs = 300;
  for (int64_t epoch = 0; epoch < kEpochs; ++epoch) {
    const EpochOrder drawn = sampler.epoch(1, epoch);
    REQUIRE(drawn.order.size() == 100);
    for (const uint32_t index : drawn.order) {
      ++classes[Uneven::class_of(index)];
      ++images[index];
    }
  }
  CHECK(classes.size() == 3);
  // Binomial, of 30,000 with 1/3: a standard deviation of 82.
  for (const auto& [k, count] : classes) CHECK(std::abs(count - 10000) < 5 * 82);
  for (uint32_t i = 1; i < 10; ++i) CHECK(std::abs(images[i] - 10000 / 9) < 5 * 33);
  for (uint32_t i = 10; i < 100; ++i) CHECK(std::abs(images[i] - 10000 / 90) < 5 * 11);
}

TEST_CASE("what a sampler draws depends on seed and epoch; repetitions count the draws of an image") {
  const Uneven data;
  const Sampler sampler(data, kFields, {.balanced = true, .repeats = 2});
  CHECK(sampler.size() == 200);
  const EpochOrder epoch = sampler.epoch(1, 2);
  CHECK(epoch.order == sampler.epoch(1, 2).order);
  CHECK(epoch.order != sampler.epoch(2, 2).order);
  CHECK(epoch.order != sampler.epoch(1, 3).order);
  std::map<uint32_t, uint32_t> come;
  for (size_t i = 0; i < epoch.order.size(); ++i) {
    CHECK(epoch.repetitions[i] == come[epoch.order[i]]++);
    CHECK(epoch.order[i] == epoch.order[i - i % 2]);  // two in a row
  }
}

TEST_CASE("repeated augmentation keeps the order and has each image so often") {
  const EpochOrder epoch = Sampler(Uneven(), kFields, {.repeats = 3}).epoch(7, 3);
  const auto once = permutation(100, 7, 3);
  REQUIRE(epoch.order.size() == 300);
  for (size_t i = 0; i < 300; ++i) {
    CHECK(epoch.order[i] == once[i / 3]);
    CHECK(epoch.repetitions[i] == i % 3);
  }
}

TEST_CASE("what cannot be sampled is refused") {
  const Uneven data;
  const std::vector<Field> pictures = {kFields[0]};
  CHECK(error_of([&] { Sampler(data, pictures, {.balanced = true}); }) ==
        "--sampler balanced: the model takes no class of each sample, i32[N]");
  const std::vector<Field> two = {kFields[0], kFields[1], kFields[1]};
  CHECK(error_of([&] { Sampler(data, two, {.balanced = true}); }) ==
        "--sampler balanced: the model takes 2 classes of each sample, and what balances one of them "
        "unbalances "
        "another");
  std::vector<Field> fewer = labelled_images({1, 1, 1}, 3);
  CHECK(error_of([&] { Sampler(data, fewer, {.balanced = true}); }) ==
        "the data: label 3 of image 10 is not below the model's 3 classes; they go from 0 to 3, the model's "
        "from 0 "
        "to 2: compile the model for more, as with rnc --set classes=4");
  CHECK(error_of([&] { data.numbers(0); }) == "image 0: 'image' is u8[1, 1, 1], not one number");
}

}  // namespace rnrun
