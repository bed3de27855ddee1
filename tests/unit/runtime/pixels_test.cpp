// What augmentation does to pixels, and the tables of its policies, against torchvision and Pillow:
// tests/augmentations/make_augmentations.py.
#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <set>
#include <sstream>

#include "runtime/data/augment/auto_augment_tables.h"
#include "runtime/data/augment/colour.h"
#include "runtime/data/augment/filter.h"
#include "runtime/data/augment/geometry.h"
#include "runtime/data/augment/policies.h"
#include "runtime/data/augment/views.h"
#include "runtime/support/safetensors.h"

namespace rnrun {

namespace {

constexpr std::array<std::string_view, 15> kOperations = {
    "identity", "shear_x",   "shear_y",   "translate_x", "translate_y",  "rotate",   "brightness", "color",
    "contrast", "sharpness", "posterize", "solarize",    "autocontrast", "equalize", "invert"};

const Arrays& expected() {
  static const Arrays tensors =
      read_safetensors(RNC_SOURCE_DIR "/tests/augmentations/expected.safetensors").tensors;
  return tensors;
}

Image image_of(const Array& array) {
  const auto pixels = array.as<uint8_t>();
  return {{array.shape[0], array.shape[1], array.shape[2]}, {pixels.begin(), pixels.end()}};
}

Operation operation_of(std::string_view name) {
  const auto* const found = std::ranges::find(kOperations, name);
  REQUIRE(found != kOperations.end());
  return static_cast<Operation>(found - kOperations.begin());
}

struct Call {
  std::string operation;
  std::vector<double> numbers;
  Interpolation interpolation = Interpolation::nearest;
};

Call call_of(std::istringstream words) {
  Call call;
  words >> call.operation;
  for (std::string word; words >> word;)
    if (word == "bilinear")
      call.interpolation = Interpolation::bilinear;
    else if (word != "nearest")
      call.numbers.push_back(std::stod(word));
  return call;
}

void run(Image& image, const Call& call) {
  const auto& n = call.numbers;
  if (call.operation == "hflip") return hflip(image);
  if (call.operation == "vflip") return vflip(image);
  if (call.operation == "hue") return adjust_hue(image, n[0]);
  if (call.operation == "view")
    return view(image, {3, 8, 8}, TestViews::ten_crop, static_cast<int64_t>(n[0]), "x");
  if (call.operation == "blur") return gaussian_blur(image, static_cast<int64_t>(n[0]), n[1]);
  if (call.operation == "affine")
    return affine(image, {.degrees = n[0], .translate = {n[1], n[2]}, .scale = n[3], .shear = {n[4], 0}},
                  call.interpolation);
  if (call.operation == "perspective") {
    PerspectiveCoefficients c{};
    std::ranges::copy(n, c.begin());
    return warp_perspective(image, c, Interpolation::bilinear);
  }
  apply(image, operation_of(call.operation), n[0], call.interpolation);
}

void check_magnitudes(const std::string& policy, std::span<const Magnitudes> own, int64_t bins) {
  size_t found = 0;
  for (const Magnitudes& m : own) {
    const std::string name = "magnitudes " + policy + " " +
                             std::string(kOperations[static_cast<size_t>(m.operation)]) +
                             (m.is_signed ? " 1" : " 0");
    CAPTURE(name);
    REQUIRE(expected().contains(name));
    const Array& wanted = expected().at(name);
    REQUIRE(wanted.elements() == bins);
    for (int64_t bin = 0; bin < bins; ++bin)
      CHECK(
          m.at(bin, bins, {3, 33, 47}) ==
          doctest::Approx(wanted.as<double>()[static_cast<size_t>(bin)]).epsilon(1e-6));  // torch's are float
    ++found;
  }
  const auto of_policy = [&](const auto& tensor) {
    return tensor.first.starts_with("magnitudes " + policy + " ");
  };
  CHECK(found == static_cast<size_t>(std::ranges::count_if(expected(), of_policy)));
}

}  // namespace

TEST_CASE("operations on pixels are those of torchvision on Pillow's images") {
  std::set<std::string> operations;
  for (const auto& [name, wanted] : expected()) {
    const size_t space = name.find(' ');
    if (wanted.dtype != DType::u8 || space == std::string::npos) continue;
    CAPTURE(name);
    const Call call = call_of(std::istringstream(name.substr(space)));
    Image image = image_of(expected().at(name.substr(0, space)));
    const Image before = image;
    run(image, call);
    const int allowed = call.operation == "blur" ? 1 : 0;  // which torchvision computes in float
    const auto pixels = wanted.as<uint8_t>();
    REQUIRE(image.pixels.size() == pixels.size());
    int worst = 0;
    for (size_t i = 0; i < pixels.size(); ++i) worst = std::max(worst, std::abs(image.pixels[i] - pixels[i]));
    CHECK(worst <= allowed);
    operations.insert(call.operation);
  }
  CHECK(operations.size() == kOperations.size() + 7);
}

TEST_CASE("policies have torchvision's operations and magnitudes") {
  const auto all = rand_augment_magnitudes();
  check_magnitudes("RandAugment", all.first(all.size() - 1), kMagnitudeBins);
  check_magnitudes("TrivialAugmentWide", trivial_augment_magnitudes(), kMagnitudeBins);
  check_magnitudes("AutoAugment", all.subspan(1), kPolicyBins);
}

TEST_CASE("a perspective's coefficients are torchvision's, which are float") {
  int found = 0;
  for (const auto& [name, wanted] : expected()) {
    if (!name.starts_with("coefficients ")) continue;
    CAPTURE(name);
    const std::vector<double> n = call_of(std::istringstream(name)).numbers;
    const PerspectiveCoefficients own = perspective_coefficients(
        {{{0, 0}, {29, 0}, {29, 19}, {0, 19}}}, {{{n[0], n[1]}, {n[2], n[3]}, {n[4], n[5]}, {n[6], n[7]}}});
    for (size_t i = 0; i < own.size(); ++i)
      CHECK(own[i] == doctest::Approx(wanted.as<double>()[i]).epsilon(1e-4));
    ++found;
  }
  CHECK(found == 2);
}

TEST_CASE("AutoAugment has torchvision's pairs of operations") {
  for (const auto& [name, policy] : {std::pair{"imagenet", AutoAugmentPolicy::imagenet},
                                     {"cifar10", AutoAugmentPolicy::cifar10},
                                     {"svhn", AutoAugmentPolicy::svhn}}) {
    const auto wanted = expected().at(std::string("policy ") + name).as<double>();
    std::vector<double> own;
    for (const SubPolicy& pair : sub_policies(policy))
      for (const PolicyStep& step : pair)
        own.insert(own.end(),
                   {static_cast<double>(step.operation), step.probability, static_cast<double>(step.bin)});
    CHECK(std::ranges::equal(own, wanted));
  }
}

}  // namespace rnrun
