// Data for models that make maps: masks beside images, and samples that are made of their targets.
#include <doctest/doctest.h>
#include <fmt/format.h>

#include <cmath>
#include <filesystem>
#include <numeric>

#include "runtime/data/decode/decode.h"
#include "runtime/data/decode/encode_png.h"
#include "runtime/data/loader.h"
#include "runtime/data/open_data.h"
#include "runtime/data/readers/paired_folder.h"
#include "runtime/data/target_pictures.h"
#include "tests/unit/runtime/samples.h"
#include "tests/unit/runtime/support.h"

namespace rnrun {

namespace {

constexpr int64_t kSide = 12, kSamples = 40;
constexpr uint8_t kStep = 40;  // of grey, from one class to the next

// Images of greys 0, 40, 80, ... and the masks that say so, as pictures or as numbers.
class Stripes : public Dataset {
 public:
  explicit Stripes(bool numbers = false) : numbers_(numbers) {}
  int64_t size() const override { return kSamples; }
  std::string description() const override { return "stripes"; }
  std::vector<std::string> fields() const override { return {"image", "label"}; }
  void read(int64_t index, Sample& sample) const override {
    Image image{{1, kSide, kSide + 3}, {}}, mask{{1, kSide, kSide + 3}, {}};
    for (int64_t i = 0; i < mask.shape.bytes(); ++i) {
      mask.pixels.push_back(static_cast<uint8_t>((i * 7 + index + i / mask.shape.width) % 5 + 1));
      image.pixels.push_back(static_cast<uint8_t>(mask.pixels.back() * kStep));
    }
    sample.resize(2);
    sample[0].set(image);
    sample[1].set(mask);
    if (numbers_) sample[1].make_classes();
  }

 private:
  bool numbers_;
};

LoaderPlan plan(const Augmentation& augmentation, int64_t width = kSide + 3) {
  LoaderPlan plan{
      .order = std::vector<uint32_t>(kSamples),
      .batch_size = 8,
      .fields = {{"image", DType::u8, {1, kSide, width}}, {"label", DType::i32, {kSide, width}, 6, true}},
      .augmentation = augmentation,
      .seed = 3};
  std::iota(plan.order.begin(), plan.order.end(), 0u);
  return plan;
}

void write_png(const std::string& path, const Image& image) {
  std::filesystem::create_directories(std::filesystem::path(path).parent_path());
  write_text(path, png_file(image.shape, image.pixels));
}

}  // namespace

TEST_CASE("a mask moves as its image does, and colours leave it alone") {
  const Augmentation moved{.random_crop = 3,
                           .hflip = 0.5,
                           .vflip = 0.5,
                           .rotation = 40,
                           .random_affine = RandomAffine{20, 0.2, 0.8, 1.2, 10}};
  for (const bool numbers : {false, true}) {
    const Stripes data(numbers);
    Loader loader(data, plan(moved), 2);
    for (Batch b = loader.next(); b.size > 0; b = loader.next()) {
      const auto image = b.as<uint8_t>(0, kSide * (kSide + 3));
      const auto mask = b.as<int32_t>(1, kSide * (kSide + 3));
      for (size_t i = 0; i < mask.size(); ++i) REQUIRE(mask[i] * kStep == image[i]);
    }
  }
  const Stripes data;
  Augmentation coloured{
      .hflip = 0.5, .trivial_augment = false, .color_jitter = ColorJitter{0.5, 0.5, 0.5, 0.2}};
  coloured.gaussian_blur = 3;
  coloured.random_erasing = 1;
  coloured.cutout = 5;
  Loader plain(data, plan({.hflip = 0.5}), 1), changed(data, plan(coloured), 1);
  bool other = false;
  for (Batch a = plain.next(), b = changed.next(); a.size > 0; a = plain.next(), b = changed.next()) {
    const auto x = a.as<int32_t>(1, kSide * (kSide + 3)), y = b.as<int32_t>(1, kSide * (kSide + 3));
    REQUIRE(std::equal(x.begin(), x.end(), y.begin()));
    const auto p = a.as<uint8_t>(0, kSide * (kSide + 3)), q = b.as<uint8_t>(0, kSide * (kSide + 3));
    other = other || !std::equal(p.begin(), p.end(), q.begin());
  }
  CHECK(other);
}

TEST_CASE("a map of numbers has the model's size") {
  const Stripes data(true);
  Loader loader(data, plan({}, kSide), 1);
  CHECK(error_of([&] { loader.next(); }) == "image 0: 'label' is i32[12, 15], the model takes i32[12, 12]");
}

TEST_CASE("what comes into a mask from outside is the ignored label, and scaling makes no new classes") {
  const Stripes data;
  LoaderPlan wide = plan({.random_crop = 4}, kSide);
  wide.fields[1].ignored = 255;
  Loader loader(data, wide, 1);
  int64_t outside = 0;
  for (Batch b = loader.next(); b.size > 0; b = loader.next())
    for (const int32_t k : b.as<int32_t>(1, kSide * kSide)) {
      REQUIRE(((k >= 1 && k <= 5) || k == 255));
      outside += k == 255 ? 1 : 0;
    }
  CHECK(outside > 0);
}

TEST_CASE("images and masks in folders") {
  const TemporaryDirectory directory;
  const std::vector<Field> fields = {{"image", DType::u8, {1, 2, 2}},
                                     {"label", DType::i32, {2, 2}, 3, true, 255}};
  const auto open = [&] { return open_paired_folder(directory / "train", {.fields = fields}); };
  write_png(directory / "train/images/a.png", {{1, 2, 2}, {10, 20, 30, 40}});
  write_png(directory / "train/masks/a.png", {{1, 2, 2}, {0, 2, 255, 1}});
  const auto data = open();
  CHECK(data->size() == 1);
  CHECK(data->fields() == std::vector<std::string>{"image", "label"});
  Sample sample;
  data->read(0, sample);
  CHECK(sample[1].bytes == std::vector<uint8_t>{0, 2, 255, 1});
  CHECK(open_data(directory.path(), {.fields = fields}).train->description() == "images with masks");

  write_png(directory / "train/masks/a.png", {{1, 2, 2}, {0, 7, 255, 1}});
  CHECK(
      error_of([&] { open()->read(0, sample); }) ==
      directory / "train/masks/a.png" +
          ": has a pixel of class 7, which is not below the model's 3 classes and not 255, which it ignores");
  write_png(directory / "train/masks/a.png", {{1, 1, 4}, {0, 1, 1, 1}});
  CHECK(error_of([&] { open()->read(0, sample); }) == directory / "train/masks/a.png" +
                                                          " is 1x4 pixels, its image " +
                                                          (directory / "train/images/a.png") + " is 2x2");
  write_png(directory / "train/masks/a.png", {{3, 1, 1}, {0, 1, 1}});
  CHECK(error_of([&] { open()->read(0, sample); }).find("has colours or 16 bits") != std::string::npos);
  write_png(directory / "train/images/b.png", {{1, 1, 1}, {0}});
  CHECK(error_of(open) ==
        directory / "train/images/b.png" + " has no other of its name in " + (directory / "train/masks"));
}

TEST_CASE("samples are made of their targets") {
  const Image grey{{1, 64, 64}, std::vector<uint8_t>(64 * 64, 100)};
  const Field same{"noisy", DType::f32, {1, 64, 64}}, small{"small", DType::u8, {1, 16, 16}};
  const SampleTensor noisy = degraded(grey, same, {.noise = 25}, {1, 2});
  const auto* values = reinterpret_cast<const float*>(noisy.bytes.data());
  double mean = 0, square = 0;
  for (int64_t i = 0; i < 64 * 64; ++i) mean += values[i] / 4096.0;
  for (int64_t i = 0; i < 64 * 64; ++i) square += std::pow(values[i] - mean, 2) / 4096;
  CHECK(mean * 255 == doctest::Approx(100).epsilon(0.02));
  CHECK(std::sqrt(square) * 255 == doctest::Approx(25).epsilon(0.05));
  CHECK(degraded(grey, same, {.noise = 25}, {1, 2}).bytes == noisy.bytes);
  CHECK(degraded(grey, same, {.noise = 25}, {1, 3}).bytes != noisy.bytes);
  const SampleTensor scaled = degraded(grey, small, {}, {1, 2});
  CHECK(scaled.shape == small.shape);
  CHECK(scaled.bytes == std::vector<uint8_t>(16 * 16, 100));
}

TEST_CASE("models of real numbers take pictures of bytes as numbers from 0 to 1") {
  const Stripes data;
  LoaderPlan real = plan({}), bytes = plan({});
  real.fields[0].dtype = DType::f32;
  Loader as_real(data, real, 1), as_bytes(data, bytes, 1);
  const Batch a = as_real.next(), b = as_bytes.next();
  const auto x = a.as<float>(0, kSide * (kSide + 3));
  const auto y = b.as<uint8_t>(0, kSide * (kSide + 3));
  REQUIRE(x.size() == y.size());
  for (size_t i = 0; i < x.size(); ++i) REQUIRE(x[i] == static_cast<float>(y[i]) / 255.0F);
}

TEST_CASE("any pictures are targets, and each epoch has other noise") {
  const std::vector<Field> fields = {{"noisy", DType::f32, {1, 8, 8}},
                                     {"clean", DType::f32, {1, 8, 8}, 0, true}};
  CHECK(error_of([&] { open_data("shapes", {.fields = fields}); }).find("pass --noise SIGMA") !=
        std::string::npos);
  const auto data = open_data("shapes", {.fields = fields, .degradation = {.noise = 30}}).train;
  const auto first = [&](int64_t epoch) {
    Loader loader(*data, {.order = {5}, .batch_size = 1, .fields = fields, .epoch = epoch}, 1);
    const Batch b = loader.next();
    const auto noisy = b.as<float>(0, 64), clean = b.as<float>(1, 64);
    return std::pair(std::vector<float>(noisy.begin(), noisy.end()),
                     std::vector<float>(clean.begin(), clean.end()));
  };
  const auto [noisy, clean] = first(0);
  CHECK(first(0).first == noisy);
  CHECK(first(1).first != noisy);
  CHECK(first(1).second == clean);
  CHECK(noisy != clean);
}

}  // namespace rnrun
