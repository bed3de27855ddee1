#include "runtime/data/sample.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>

#include "runtime/support/error.h"

namespace rnrun {

int64_t Field::elements() const {
  int64_t count = 1;
  for (const int64_t dim : shape) count *= dim;
  return count;
}

std::string type_text(const Field& field) { return type_text(field.dtype, field.shape); }

namespace {

// What the labels are, and what makes them fit.
std::string range_remedy(const Field& field, std::span<const int32_t> values) {
  const auto [smallest, largest] = std::ranges::minmax(values);
  std::string text = fmt::format("; they go from {} to {}, the model's from 0 to {}: ", smallest, largest,
                                 field.classes - 1);
  const int64_t span = int64_t{largest} - smallest;
  if ((smallest == 1 || smallest < 0) && span < field.classes)
    text += fmt::format("--label-offset {} makes them fit", -int64_t{smallest});
  else if (smallest < 0)
    text += fmt::format("they need --label-offset {} and a model of {} classes, as by rnc --set classes={}",
                        -int64_t{smallest}, span + 1, span + 1);
  else
    text += fmt::format("compile the model for more, as with rnc --set classes={}", int64_t{largest} + 1);
  if (smallest == 1 && span >= field.classes)
    text += fmt::format(", or, if they count from 1, with --set classes={} and train with --label-offset -1",
                        largest);
  return text;
}

}  // namespace

void check_range(const Field& field, std::span<const int32_t> values, const std::string& path,
                 int64_t first) {
  if (field.classes == 0) return;
  const auto wrong = std::ranges::find_if(
      values, [&](int32_t v) { return (v < 0 || v >= field.classes) && v != field.ignored; });
  if (wrong == values.end()) return;
  const int64_t each = std::max<int64_t>(field.elements(), 1);
  const bool of_many = static_cast<int64_t>(values.size()) > each;
  throw Error(fmt::format("{}: {} {} of image {} is {} the model's {} classes{}", path, field.name, *wrong,
                          first + (wrong - values.begin()) / each,
                          *wrong < 0 ? "negative, not one of" : "not below", field.classes,
                          of_many ? range_remedy(field, values) : ""));
}

void SampleTensor::set(Image image) {
  dtype = DType::u8;
  shape = {image.shape.channels, image.shape.height, image.shape.width};
  bytes = std::move(image.pixels);
}

void SampleTensor::set(int32_t value) {
  dtype = DType::i32;
  shape.clear();
  bytes.resize(sizeof value);
  std::memcpy(bytes.data(), &value, sizeof value);
}

void SampleTensor::make_real() {
  std::vector<float> reals(bytes.size());
  std::ranges::transform(bytes, reals.begin(), [](uint8_t v) { return static_cast<float>(v) / 255.0F; });
  dtype = DType::f32;
  bytes.resize(reals.size() * sizeof(float));
  std::memcpy(bytes.data(), reals.data(), bytes.size());
}

void SampleTensor::make_classes() {
  const std::vector<int32_t> classes(bytes.begin(), bytes.end());
  dtype = DType::i32;
  shape.erase(shape.begin());
  bytes.resize(classes.size() * sizeof(int32_t));
  std::memcpy(bytes.data(), classes.data(), bytes.size());
}

void SampleTensor::make_picture(const std::string& name) {
  std::vector<uint8_t> pixels;
  for (const int32_t k : numbers()) {
    if (k < 0 || k > 255)
      throw Error(fmt::format(
          "{}: has a pixel of class {}: maps that are changed at random have classes of 0 to 255", name, k));
    pixels.push_back(static_cast<uint8_t>(k));
  }
  dtype = DType::u8;
  shape.insert(shape.begin(), 1);
  bytes = std::move(pixels);
}

Image SampleTensor::take_picture(const std::string& name) {
  if (!is_picture())
    throw BadImage(fmt::format("{}: is {}, not a picture u8[C, H, W]", name, type_text(dtype, shape)));
  return {{shape[0], shape[1], shape[2]}, std::move(bytes)};
}

}  // namespace rnrun
