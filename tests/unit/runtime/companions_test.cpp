// Pairs and triplets of pictures, the nearest neighbours of embeddings, and the plane that they are shown in.
#include "runtime/data/companions.h"

#include <doctest/doctest.h>

#include <cmath>
#include <numeric>
#include <set>

#include "runtime/data/loader.h"
#include "runtime/task/similarity/nearest.h"
#include "runtime/task/similarity/principal.h"
#include "tests/unit/runtime/support.h"

namespace rnrun {
namespace {

// Pictures of two pixels, of which the first has their number and the second 200; of the classes 0, 1, 2, 0, 1, 2, ..., and one of class 7.
class Numbered : public Dataset {
 public:
  explicit Numbered(int64_t size) : size_(size) {}
  int64_t size() const override { return size_; }
  std::string description() const override { return "images"; }
  std::vector<std::string> fields() const override { return {"image", "label"}; }
  void read(int64_t index, Sample& sample) const override {
    sample.resize(2);
    sample[0].set(Image{{1, 1, 2}, {static_cast<uint8_t>(index), 200}});
    sample[1].set(class_of(index));
  }
  int32_t class_of(int64_t index) const { return index == size_ - 1 ? 7 : static_cast<int32_t>(index % 3); }

 private:
  int64_t size_;
};

Field picture(const std::string& name) { return {name, DType::u8, {1, 1, 2}}; }
const Field kSame{"same", DType::f32, {1}, 0, true};
const Field kLabel{.name = "label", .dtype = DType::i32, .is_target = true, .is_class = true};

TEST_CASE("triplets: another one of the class, and one of another class") {
  const std::vector<Field> fields = {picture("a"), picture("near"), picture("far"), kLabel};
  REQUIRE(compares_pictures(fields));
  const Numbered numbered(31);
  const auto data = with_companions(std::make_unique<Numbered>(31), fields);
  Sample sample, again;
  std::set<int> near, far;
  for (uint64_t stream = 0; stream < 200; ++stream) {
    const int64_t index = static_cast<int64_t>(stream % 30);
    data->read(index, Random(1, stream), sample);
    const int64_t second = sample[1].bytes[0], third = sample[2].bytes[0];
    CHECK(sample[0].bytes[0] == index);
    CHECK(second != index);
    CHECK(numbered.class_of(second) == numbered.class_of(index));
    CHECK(numbered.class_of(third) != numbered.class_of(index));
    CHECK(sample[3].numbers()[0] == numbered.class_of(index));
    data->read(index, Random(1, stream), again);
    CHECK(again[1].bytes == sample[1].bytes);
    CHECK(again[2].bytes == sample[2].bytes);
    if (index == 4) near.insert(static_cast<int>(second));
    far.insert(numbered.class_of(third));
  }
  CHECK(near.size() > 2);
  CHECK(far == std::set<int>{0, 1, 2, 7});
  data->read(30, Random(1, 1), sample);  // the only one of its class
  CHECK(sample[1].bytes[0] == 30);
}

TEST_CASE("pairs: half of them are of one class, and say so") {
  const std::vector<Field> fields = {picture("left"), picture("right"), kSame};
  const Numbered numbered(31);
  const auto data = with_companions(std::make_unique<Numbered>(31), fields);
  Sample sample;
  int same = 0;
  for (uint64_t stream = 0; stream < 400; ++stream) {
    const int64_t index = static_cast<int64_t>(stream % 30);
    data->read(index, Random(2, stream), sample);
    const bool are = numbered.class_of(sample[1].bytes[0]) == numbered.class_of(index);
    REQUIRE(sample[2].shape == std::vector<int64_t>{1});
    CHECK(*reinterpret_cast<const float*>(sample[2].bytes.data()) == (are ? 1.0F : 0.0F));
    same += are ? 1 : 0;
  }
  CHECK(std::abs(same - 200) < 40);
}

TEST_CASE("each picture of a sample is changed by itself, and has other companions in each epoch") {
  const std::vector<Field> fields = {picture("a"), picture("near"), picture("far"), kLabel};
  const auto data = with_companions(std::make_unique<Numbered>(31), fields);
  std::vector<uint32_t> order(30);
  std::iota(order.begin(), order.end(), 0u);
  std::vector<uint8_t> before;
  for (int64_t epoch = 0; epoch < 2; ++epoch) {
    LoaderPlan plan{.order = order, .batch_size = 30, .fields = fields, .epoch = epoch};
    plan.augmentation = Augmentation{.hflip = 0.5};
    Loader loader(*data, plan, 2);
    const Batch batch = loader.next();
    const auto anchors = batch.as<uint8_t>(0, 2), near = batch.as<uint8_t>(1, 2);
    int apart = 0;
    std::vector<uint8_t> numbers;
    for (size_t i = 0; i < 30; ++i) {
      const bool mirrored = near[2 * i] == 200;
      apart += mirrored == (anchors[2 * i] == 200) ? 0 : 1;
      numbers.push_back(near[2 * i + (mirrored ? 1 : 0)]);
    }
    CHECK(apart > 5);
    CHECK(apart < 25);
    CHECK(numbers != before);
    before = numbers;
  }
}

TEST_CASE("a label of two classes says whether pairs are of one, unless it is the class itself") {
  const Field label{.name = "label", .dtype = DType::i32, .classes = 2, .is_target = true};
  const Numbered numbered(31);
  const auto data =
      with_companions(std::make_unique<Numbered>(31), {picture("left"), picture("right"), label});
  Sample sample;
  for (uint64_t stream = 0; stream < 40; ++stream) {
    data->read(5, Random(3, stream), sample);
    CHECK(sample[2].numbers()[0] == (numbered.class_of(sample[1].bytes[0]) == numbered.class_of(5) ? 1 : 0));
  }
}

TEST_CASE("what no companions can be made of is refused") {
  CHECK_FALSE(compares_pictures({picture("a"), kLabel}));
  CHECK_FALSE(compares_pictures({picture("a"), {"b", DType::u8, {1, 2, 2}}, kLabel}));
  const std::vector<Field> fields = {picture("a"), picture("b"), kLabel};
  CHECK(error_of([&] { with_companions(std::make_unique<Numbered>(1), fields); }) ==
        "all pictures are of one class: pairs and triplets need pictures of at least two");
  CHECK(error_of([&] { with_companions(std::make_unique<Numbered>(3), fields); }) ==
        "each picture is of a class of its own: pairs and triplets need two pictures of a class");
  const std::vector<Field> more = {picture("a"), picture("b"), {"target", DType::f32, {4}, 0, true}};
  CHECK(error_of([&] { with_companions(std::make_unique<Numbered>(9), more); }) ==
        "the model compares pictures, of which samples are made of pictures with a class each: 'target', "
        "f32[4], "
        "is neither a picture nor whether two are of one class");
}

TEST_CASE("the nearest others") {
  // On a line: classes 0 0 1 1 0 at 0, 1, 1.5, 10, 10.25, and one that is no number.
  const std::vector<float> rows = {0, 0, 0, 1, 1, 1.5F, 1, 10, 0, 10.25F, 2, NAN};
  const std::vector<Hits> hits = nearest_hits({rows, 1});
  REQUIRE(hits.size() == 6);
  const auto first = [&](size_t i) { return hits[i].first; };
  CHECK(first(0) == 0);  // 1 is the nearest
  CHECK(first(1) == 1);  // 1.5 is of another class, then 0
  CHECK(first(2) == 2);  // 1, 0, then 10
  CHECK(first(3) == 1);  // 10.25, then 1.5
  CHECK(first(4) == 2);  // 10, 1.5, then 1
  CHECK(hits[5].others == 0);
  CHECK(hits[0].others == 2);
  const std::vector<float> equal = {1, 5, 0, 5, 1, 5};  // the first of those that are as near
  CHECK(nearest_hits({equal, 1})[0].first == 1);
  CHECK(nearest_hits({equal, 1})[2].first == 0);
}

TEST_CASE("the plane in which samples differ most") {
  // 3 along (1, 1, 0) and 1 along (0, 0, 1), about (5, 5, 5); nothing else.
  std::vector<float> rows;
  for (int i = -10; i <= 10; ++i) {
    const float u = 3 * static_cast<float>(i) / std::sqrt(2.0F), v = static_cast<float>(i * i % 7 - 3);
    rows.insert(rows.end(), {0, 5 + u, 5 + u, 5 + v});
  }
  rows.insert(rows.end(), {0, INFINITY, 0, 0});
  const Plane plane = principal_plane({rows, 3});
  CHECK(plane.axes[0][0] == doctest::Approx(std::sqrt(0.5)).epsilon(1e-3));
  CHECK(plane.axes[0][1] == doctest::Approx(std::sqrt(0.5)).epsilon(1e-3));
  CHECK(std::abs(plane.axes[1][2]) == doctest::Approx(1).epsilon(1e-3));
  CHECK(plane.share == doctest::Approx(1));
  const auto dot = std::inner_product(plane.axes[0].begin(), plane.axes[0].end(), plane.axes[1].begin(), 0.0);
  CHECK(std::abs(dot) < 1e-9);
  const std::vector<float> same = {0, 2, 2, 0, 2, 2};
  CHECK(principal_plane({same, 2}).share == 0);
}

}  // namespace
}  // namespace rnrun
