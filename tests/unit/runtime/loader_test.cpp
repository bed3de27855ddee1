#include "runtime/data/loader.h"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <set>
#include <span>

#include "runtime/data/augment/mixture.h"
#include "runtime/data/readers/shapes.h"
#include "tests/unit/runtime/samples.h"
#include "tests/unit/runtime/support.h"

namespace rnrun {

namespace {

constexpr ImageShape kLoaded{3, 12, 10};
const std::vector<Field> kFields = labelled_images(kLoaded);

std::vector<uint32_t> range(uint32_t count) {
  std::vector<uint32_t> order(count);
  std::iota(order.begin(), order.end(), 0u);
  return order;
}

// All batches, one after the other.
struct All {
  std::vector<int64_t> sizes;
  std::vector<uint8_t> pixels;
  std::vector<int32_t> labels;
  bool operator==(const All&) const = default;
};

std::span<const uint8_t> pixels_of(const Batch& b, int64_t bytes_each = kLoaded.bytes()) {
  return b.as<uint8_t>(0, bytes_each);
}

All load(const Dataset& data, const LoaderPlan& plan, int threads) {
  Loader loader(data, plan, threads);
  All all;
  for (Batch b = loader.next(); b.size > 0; b = loader.next()) {
    all.sizes.push_back(b.size);
    const auto pixels = pixels_of(b, plan.fields[0].bytes());
    const auto labels = b.as<int32_t>(1, 1);
    all.pixels.insert(all.pixels.end(), pixels.begin(), pixels.end());
    all.labels.insert(all.labels.end(), labels.begin(), labels.end());
  }
  CHECK(loader.next().size == 0);
  return all;
}

// Image `bad` cannot be read.
class Faulty : public Dataset {
 public:
  explicit Faulty(int64_t bad) : bad_(bad) {}
  int64_t size() const override { return 100; }
  std::string description() const override { return ""; }
  std::vector<std::string> fields() const override { return {"label", "image"}; }
  void read(int64_t index, Sample& sample) const override {
    if (index >= bad_) throw BadImage(fmt::format("{}.png: damaged", index));
    sample.resize(2);
    sample[0].set(label);
    sample[1].set({{1, 1, 1}, {static_cast<uint8_t>(index)}});
  }

  int32_t label = 0;

 private:
  int64_t bad_;
};

}  // namespace

TEST_CASE("batches follow the order, the last one partial, for any number of threads") {
  const auto data = make_shapes(kLoaded, 10, "train");
  const LoaderPlan plan{.order = {7, 3, 7, 0, 9, 1, 2}, .batch_size = 3, .fields = kFields};
  const All one = load(*data, plan, 1);
  CHECK(one.sizes == std::vector<int64_t>{3, 3, 1});
  for (size_t i = 0; i < plan.order.size(); ++i) {
    const auto [image, label] = read_labelled(*data, plan.order[i]);
    CHECK(one.labels[i] == label);
    CHECK(std::equal(image.pixels.begin(), image.pixels.end(),
                     one.pixels.begin() + static_cast<long>(i) * kLoaded.bytes()));
  }
  const LoaderPlan large{
      .order = range(500),
      .batch_size = 37,
      .fields = labelled_images({1, 9, 9}),
      .augmentation = Augmentation{.random_resized_crop = true, .random_crop = 2, .hflip = 0.5, .cutout = 3},
      .seed = 5,
      .epoch = 2};
  const All expected = load(*data, large, 1);
  for (const int threads : {2, 5}) CHECK(load(*data, large, threads) == expected);
}

TEST_CASE("batches of any sizes, in the places of others, for any number of threads") {
  const auto data = make_shapes(kLoaded, 10, "train");
  LoaderPlan plan{.order = range(40), .batch_size = 5, .fields = kFields};
  const All same_sizes = load(*data, plan, 1);
  plan.batches = {1, 9, 2, 12, 3, 4, 9};
  for (const int threads : {1, 3}) {
    const All all = load(*data, plan, threads);
    CHECK(all.sizes == plan.batches);
    CHECK(all.pixels == same_sizes.pixels);
    CHECK(all.labels == same_sizes.labels);
  }
}

TEST_CASE("what happens to an image depends on seed, epoch and index, not on its place") {
  const auto data = make_shapes(kLoaded, 10, "train");
  const LoaderPlan whole{.order = range(20),
                         .batch_size = 8,
                         .fields = kFields,
                         .augmentation = Augmentation{.random_crop = 2, .hflip = 0.5, .cutout = 3},
                         .seed = 5,
                         .epoch = 2};
  const All expected = load(*data, whole, 2);
  LoaderPlan rest = whole;  // as after an interruption
  rest.order.erase(rest.order.begin(), rest.order.begin() + 8);
  CHECK(std::ranges::equal(load(*data, rest, 2).pixels,
                           std::span(expected.pixels).subspan(8 * kLoaded.bytes())));
  const auto differs = [&](auto change) {
    LoaderPlan plan = whole;
    change(plan);
    return load(*data, plan, 2).pixels != expected.pixels;
  };
  CHECK(!differs([](LoaderPlan&) {}));
  CHECK(differs([](LoaderPlan& p) { p.seed = 6; }));
  CHECK(differs([](LoaderPlan& p) { p.epoch = 3; }));
  CHECK(differs([](LoaderPlan& p) { p.augmentation->hflip = 0; }));
}

TEST_CASE("an image that comes again is changed in another way, the same for any number of threads") {
  const auto data = make_shapes(kLoaded, 10, "train");
  const LoaderPlan plan{.order = {4, 4, 4, 5},
                        .repetitions = {0, 1, 2, 0},
                        .batch_size = 3,
                        .fields = kFields,
                        .augmentation = Augmentation{false, 2, 0.5, 3},
                        .seed = 5};
  const All all = load(*data, plan, 1);
  CHECK(load(*data, plan, 3) == all);
  const auto image = [&](size_t i) {
    const auto begin = all.pixels.begin() + static_cast<long>(i) * kLoaded.bytes();
    return std::vector<uint8_t>(begin, begin + kLoaded.bytes());
  };
  CHECK(image(0) != image(1));
  CHECK(image(1) != image(2));
  LoaderPlan once = plan;
  once.repetitions.clear();
  const All same = load(*data, once, 1);
  CHECK(std::equal(same.pixels.begin(), same.pixels.begin() + kLoaded.bytes(), all.pixels.begin()));
}

TEST_CASE("an image that cannot be read is an error when its batch comes, the first one of the batch") {
  const Faulty data(10);
  for (const int threads : {1, 3}) {
    Loader loader(data, {.order = range(100), .batch_size = 9, .fields = labelled_images({1, 1, 1})},
                  threads);
    CHECK(loader.next().size == 9);
    CHECK(error_of([&] { loader.next(); }) == "10.png: damaged");
  }
  Loader unfit(data, {.order = range(1), .batch_size = 1, .fields = labelled_images({2, 1, 1})}, 1);
  CHECK(error_of([&] { unfit.next(); }) == "image 0: has 1 channels, the model takes 2");
}

TEST_CASE("what a sample lacks, or has in another form, is an error") {
  Faulty data(10);
  const LoaderPlan plan{.order = range(1), .fields = labelled_images({1, 1, 1})};
  const auto message = [&](const LoaderPlan& p) { return error_of([&] { Loader(data, p, 1).next(); }); };
  CHECK(message(plan).empty());
  data.label = 10;
  CHECK(message(plan) == "the data: label 10 of image 0 is not below the model's 10 classes");
  LoaderPlan other = plan;
  other.fields[1].shape = {2};
  CHECK(message(other) == "image 0: 'label' is i32[], the model takes i32[2]");
  other.fields[1].dtype = DType::f32;
  CHECK(message(other) == "image 0: 'label' is i32[], the model takes f32[2]");
  other.fields[1].name = "mask";
  CHECK(message(other) == "the data have no 'mask', f32[2], which the model takes; they have label, image");
  other.fields[1] = {"label", DType::u8, {1, 2, 2}};
  CHECK(message(other) == "image 0: is i32[], not a picture u8[C, H, W]");
}

TEST_CASE("a loader may be left before its end") {
  const auto data = make_shapes(kLoaded, 10, "train");
  for (int batches = 0; batches < 4; ++batches) {
    Loader loader(*data, {.order = range(1000), .batch_size = 4, .fields = kFields}, 3);
    for (int i = 0; i < batches; ++i) CHECK(loader.next().size == 4);
  }
}

TEST_CASE("mixup mixes neighbours of a batch, with a share of its own for each batch") {
  const auto data = make_shapes(kLoaded, 10, "train");
  LoaderPlan plan{.order = range(50), .batch_size = 8, .fields = kFields, .seed = 3};
  Loader plain(*data, plan, 2);
  plan.mixup_alpha = 0.4;
  Loader mixed(*data, plan, 2);
  Loader again(*data, plan, 1);
  std::set<double> shares;
  for (Batch a = plain.next(); a.size > 0; a = plain.next()) {
    const Batch b = mixed.next();
    CHECK(a.share == 1);
    CHECK(a.others == a.values);
    const auto labels = a.as<int32_t>(1, 1);
    CHECK(std::ranges::equal(labels, b.as<int32_t>(1, 1)));
    const auto* others = reinterpret_cast<const int32_t*>(b.others[1]);
    const auto plain_pixels = pixels_of(a);
    const auto mixed_pixels = pixels_of(b);
    shares.insert(b.share);
    for (int64_t i = 0; i < a.size; ++i) {
      const int64_t j = (i + a.size - 1) % a.size;
      CHECK(others[i] == labels[static_cast<size_t>(j)]);
      for (int64_t p = 0; p < kLoaded.bytes(); ++p) {
        const double exact = b.share * plain_pixels[static_cast<size_t>(i * kLoaded.bytes() + p)] +
                             (1 - b.share) * plain_pixels[static_cast<size_t>(j * kLoaded.bytes() + p)];
        REQUIRE(std::abs(mixed_pixels[static_cast<size_t>(i * kLoaded.bytes() + p)] - exact) <= 0.5);
      }
    }
    const Batch c = again.next();
    CHECK(c.share == b.share);
    CHECK(std::ranges::equal(mixed_pixels, pixels_of(c)));
  }
  CHECK(shares.size() == 7);
}

TEST_CASE("CutMix puts a rectangle of a neighbour in each image, and its share is the area that is left") {
  const auto data = make_shapes(kLoaded, 10, "train");
  LoaderPlan plan{.order = range(200), .batch_size = 8, .fields = kFields, .seed = 3};
  Loader plain(*data, plan, 2);
  plan.cutmix_alpha = 1;
  Loader mixed(*data, plan, 2);
  std::set<double> shares;
  for (Batch a = plain.next(); a.size > 0; a = plain.next()) {
    const Batch b = mixed.next();
    const auto* others = reinterpret_cast<const int32_t*>(b.others[1]);
    const auto before = pixels_of(a), after = pixels_of(b);
    shares.insert(b.share);
    const auto plane = static_cast<size_t>(kLoaded.height * kLoaded.width);
    std::vector<bool> own(plane, true);  // in all images
    for (int64_t i = 0; i < a.size; ++i) {
      const int64_t j = (i + a.size - 1) % a.size;
      CHECK(others[i] == a.as<int32_t>(1, 1)[static_cast<size_t>(j)]);
      for (size_t p = 0; p < 3 * plane; ++p) {
        const uint8_t is = after[static_cast<size_t>(i) * 3 * plane + p];
        const uint8_t mine = before[static_cast<size_t>(i) * 3 * plane + p];
        REQUIRE((is == mine || is == before[static_cast<size_t>(j) * 3 * plane + p]));
        if (is != mine) own[p % plane] = false;
      }
    }
    // A rectangle that holds all pixels that changed is not larger than what the share says.
    int64_t top = kLoaded.height, bottom = -1, left = kLoaded.width, right = -1;
    for (int64_t y = 0; y < kLoaded.height; ++y)
      for (int64_t x = 0; x < kLoaded.width; ++x) {
        if (own[static_cast<size_t>(y * kLoaded.width + x)]) continue;
        top = std::min(top, y), bottom = std::max(bottom, y);
        left = std::min(left, x), right = std::max(right, x);
      }
    const double area = bottom < 0 ? 0 : static_cast<double>((bottom - top + 1) * (right - left + 1));
    CHECK(area / static_cast<double>(plane) == doctest::Approx(1 - b.share));
  }
  CHECK(shares.size() > 10);
}

TEST_CASE("mixup and CutMix together take turns by chance") {
  const auto data = make_shapes(kLoaded, 10, "train");
  const LoaderPlan both{.order = range(800),
                        .batch_size = 8,
                        .fields = kFields,
                        .seed = 3,
                        .mixup_alpha = 0.2,
                        .cutmix_alpha = 1};
  const auto shares = [&](LoaderPlan plan, int threads) {
    Loader loader(*data, std::move(plan), threads);
    std::vector<double> result;
    for (Batch b = loader.next(); b.size > 0; b = loader.next()) result.push_back(b.share);
    return result;
  };
  LoaderPlan mixup = both, cutmix = both;
  mixup.cutmix_alpha = cutmix.mixup_alpha = 0;
  const auto of_both = shares(both, 3), of_mixup = shares(mixup, 1), of_cutmix = shares(cutmix, 1);
  int mixed = 0;
  for (size_t i = 0; i < of_both.size(); ++i) {
    REQUIRE((of_both[i] == of_mixup[i] || of_both[i] == of_cutmix[i]));
    mixed += of_both[i] == of_mixup[i] ? 1 : 0;
  }
  CHECK(std::abs(mixed - 50) < 20);
  CHECK(shares(both, 1) == of_both);
}

TEST_CASE("views of a sample follow each other") {
  const auto data = make_shapes(kLoaded, 10, "train");
  const All plain = load(*data, {.order = {4, 9}, .batch_size = 2, .fields = kFields}, 1);
  const All views =
      load(*data, {.order = {4, 4, 9, 9}, .batch_size = 2, .fields = kFields, .views = TestViews::flip}, 2);
  const auto image = [&](const All& all, int64_t i) {
    return std::span(all.pixels)
        .subspan(static_cast<size_t>(i * kLoaded.bytes()), static_cast<size_t>(kLoaded.bytes()));
  };
  for (const int64_t i : {0, 1}) {
    CHECK(std::ranges::equal(image(views, 2 * i), image(plain, i)));
    for (int64_t y = 0; y < 3 * kLoaded.height; ++y)
      for (int64_t x = 0; x < kLoaded.width; ++x)
        REQUIRE(image(views, 2 * i + 1)[static_cast<size_t>(y * kLoaded.width + x)] ==
                image(plain, i)[static_cast<size_t>((y + 1) * kLoaded.width - 1 - x)]);
  }
}

TEST_CASE("shares of mixtures are Beta distributed") {
  for (const double alpha : {0.1, 1.0, 5.0}) {
    constexpr int kCount = 20'000;
    double sum = 0;
    double squares = 0;
    for (uint64_t i = 0; i < kCount; ++i) {
      const double share = mixture_share(alpha, Random(1, i));
      REQUIRE(share >= 0);
      REQUIRE(share <= 1);
      sum += share - 0.5;
      squares += (share - 0.5) * (share - 0.5);
    }
    CHECK(std::abs(sum / kCount) < 0.01);
    CHECK(squares / kCount == doctest::Approx(0.25 / (2 * alpha + 1)).epsilon(0.03));
  }
}

}  // namespace rnrun
