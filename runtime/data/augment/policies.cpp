#include "runtime/data/augment/policies.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>
#include <span>

#include "runtime/data/augment/auto_augment_tables.h"
#include "runtime/data/augment/colour.h"
#include "runtime/data/augment/filter.h"
#include "runtime/data/augment/geometry.h"

namespace rnrun {

namespace {

using Op = Operation;

constexpr auto kInterpolation = Interpolation::bilinear;
constexpr double kPart = 150.0 / 331.0;  // of the width or height, of a translation

constexpr std::array<Magnitudes, 15> kRandAugment = {{{Op::identity},
                                                      {Op::shear_x, 0, 0.3, true},
                                                      {Op::shear_y, 0, 0.3, true},
                                                      {Op::translate_x, 0, kPart, true, true},
                                                      {Op::translate_y, 0, kPart, true, true},
                                                      {Op::rotate, 0, 30, true},
                                                      {Op::brightness, 0, 0.9, true},
                                                      {Op::color, 0, 0.9, true},
                                                      {Op::contrast, 0, 0.9, true},
                                                      {Op::sharpness, 0, 0.9, true},
                                                      {Op::posterize, 8, 4},
                                                      {Op::solarize, 255, 0},
                                                      {Op::autocontrast},
                                                      {Op::equalize},
                                                      {Op::invert}}};
constexpr size_t kInRandAugment = 14;  // all but invert, which only AutoAugment has

constexpr std::array<Magnitudes, 14> kTrivial = {{{Op::identity},
                                                  {Op::shear_x, 0, 0.99, true},
                                                  {Op::shear_y, 0, 0.99, true},
                                                  {Op::translate_x, 0, 32, true},
                                                  {Op::translate_y, 0, 32, true},
                                                  {Op::rotate, 0, 135, true},
                                                  {Op::brightness, 0, 0.99, true},
                                                  {Op::color, 0, 0.99, true},
                                                  {Op::contrast, 0, 0.99, true},
                                                  {Op::sharpness, 0, 0.99, true},
                                                  {Op::posterize, 8, 2},
                                                  {Op::solarize, 255, 0},
                                                  {Op::autocontrast},
                                                  {Op::equalize}}};

// One bin of an operation's magnitudes, of either sign where it has one.
double drawn(const Magnitudes& m, int64_t bin, int64_t bins, const ImageShape& shape, Random& random) {
  const double magnitude = m.at(bin, bins, shape);
  return m.is_signed && random.below(2) == 1 ? -magnitude : magnitude;
}

// The angle of a shear whose tangent this is.
double degrees_of(double tangent) { return std::atan(tangent) * 180 / std::numbers::pi; }

// Whether pixels go elsewhere, rather than change their colours.
bool moves(Operation operation) {
  return operation == Op::shear_x || operation == Op::shear_y || operation == Op::translate_x ||
         operation == Op::translate_y || operation == Op::rotate;
}

}  // namespace

void apply(Image& image, Operation operation, double magnitude, Interpolation interpolation) {
  if (image.is_mask && !moves(operation)) return;
  const double whole = std::trunc(magnitude);
  switch (operation) {
    case Op::identity:
      return;
    case Op::shear_x:
      return affine(image, {.shear = {degrees_of(magnitude), 0}}, interpolation, {});
    case Op::shear_y:
      return affine(image, {.shear = {0, degrees_of(magnitude)}}, interpolation, {});
    case Op::translate_x:
      return affine(image, {.translate = {whole, 0}}, interpolation);
    case Op::translate_y:
      return affine(image, {.translate = {0, whole}}, interpolation);
    case Op::rotate:
      return rotate(image, magnitude, interpolation);
    case Op::brightness:
      return adjust_brightness(image, 1 + magnitude);
    case Op::color:
      return adjust_saturation(image, 1 + magnitude);
    case Op::contrast:
      return adjust_contrast(image, 1 + magnitude);
    case Op::sharpness:
      return adjust_sharpness(image, 1 + magnitude);
    case Op::posterize:
      return posterize(image, static_cast<int>(magnitude));
    case Op::solarize:
      return solarize(image, magnitude);
    case Op::autocontrast:
      return autocontrast(image);
    case Op::equalize:
      return equalize(image);
    case Op::invert:
      return invert(image);
  }
}

double Magnitudes::at(int64_t bin, int64_t bins, const ImageShape& shape) const {
  const int64_t side = operation == Op::translate_x ? shape.width : shape.height;
  const double end = per_side ? last * static_cast<double>(side) : last;
  const double magnitude = first + (end - first) * static_cast<double>(bin) / static_cast<double>(bins - 1);
  return operation == Op::posterize ? std::nearbyint(magnitude) : magnitude;
}

std::span<const Magnitudes> rand_augment_magnitudes() { return kRandAugment; }
std::span<const Magnitudes> trivial_augment_magnitudes() { return kTrivial; }

void rand_augment(Image& image, int64_t num_ops, int64_t magnitude, Random& random) {
  for (int64_t i = 0; i < num_ops; ++i) {
    const Magnitudes& m = kRandAugment[random.below(kInRandAugment)];
    apply(image, m.operation, drawn(m, magnitude, kMagnitudeBins, image.shape, random), kInterpolation);
  }
}

void trivial_augment_wide(Image& image, Random& random) {
  const Magnitudes& m = kTrivial[random.below(kTrivial.size())];
  const int64_t bin = random.up_to(kMagnitudeBins - 1);
  apply(image, m.operation, drawn(m, bin, kMagnitudeBins, image.shape, random), kInterpolation);
}

std::optional<AutoAugmentPolicy> auto_augment_policy(std::string_view name) {
  if (name == "imagenet") return AutoAugmentPolicy::imagenet;
  if (name == "cifar10") return AutoAugmentPolicy::cifar10;
  if (name == "svhn") return AutoAugmentPolicy::svhn;
  return std::nullopt;
}

void auto_augment(Image& image, AutoAugmentPolicy policy, Random& random) {
  const std::span<const SubPolicy> pairs = sub_policies(policy);
  for (const PolicyStep& step : pairs[random.below(static_cast<uint32_t>(pairs.size()))]) {
    const bool chosen = static_cast<double>(random.uniform()) < step.probability;
    const Magnitudes& m = *std::ranges::find(kRandAugment, step.operation, &Magnitudes::operation);
    const double magnitude = drawn(m, step.bin, kPolicyBins, image.shape, random);
    if (chosen) apply(image, step.operation, magnitude, kInterpolation);
  }
}

}  // namespace rnrun
