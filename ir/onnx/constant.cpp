#include "ir/onnx/constant.h"

#include <fmt/format.h>

#include <limits>

namespace rnc::onnx {

std::optional<Size> sum(const Size& a, const Size& b) {
  Size result;
  if (__builtin_add_overflow(a.number, b.number, &result.number)) return {};
  if (__builtin_add_overflow(a.batches, b.batches, &result.batches)) return {};
  return result;
}

std::optional<Size> product(const Size& a, const Size& b) {
  if (!a.fixed() && !b.fixed()) return {};
  const Size& factor = a.fixed() ? a : b;
  const Size& other = a.fixed() ? b : a;
  Size result;
  if (__builtin_mul_overflow(other.number, factor.number, &result.number)) return {};
  if (__builtin_mul_overflow(other.batches, factor.number, &result.batches)) return {};
  return result;
}

std::optional<Size> quotient(const Size& a, const Size& b) {
  if (b == Size{}) return {};
  if (!b.fixed()) {
    const bool is_multiple =
        a.number == 0 && b.number == 0 && a.batches != std::numeric_limits<int64_t>::min();
    if (!is_multiple || a.batches % b.batches != 0) return {};
    return Size{a.batches / b.batches, 0};
  }
  if (b.number == -1 && (a.number == std::numeric_limits<int64_t>::min() || !a.fixed())) return {};
  if (!a.fixed() && (a.number % b.number != 0 || a.batches % b.number != 0)) return {};
  return Size{a.number / b.number, a.batches / b.number};
}

Size size_of(int64_t dimension) { return dimension == kBatch ? Size{0, 1} : Size{dimension, 0}; }

Sizes sizes_of(const Shape& shape) {
  Sizes sizes;
  for (const int64_t dimension : shape) sizes.push_back(size_of(dimension));
  return sizes;
}

std::optional<Shape> shape_of(const Sizes& sizes) {
  Shape shape;
  for (const Size& size : sizes) {
    const bool is_batch = size == Size{0, 1} && shape.empty();
    if (!is_batch && (!size.fixed() || size.number < 1)) return {};
    shape.push_back(is_batch ? kBatch : size.number);
  }
  return shape;
}

std::string str(const Sizes& sizes) {
  std::string text;
  for (const Size& size : sizes) {
    text += text.empty() ? "" : ", ";
    if (size.batches != 0) text += size.batches == 1 ? "N" : fmt::format("{} N", size.batches);
    if (size.batches == 0 || size.number != 0)
      text += fmt::format("{}{}", size.batches == 0 ? "" : " + ", size.number);
  }
  return fmt::format("[{}]", text);
}

double Constant::real(int64_t i) const {
  const auto place = static_cast<size_t>(i);
  return is_real ? static_cast<double>(reals->at(place)) : static_cast<double>(whole.at(place).number);
}

Constant reals(std::vector<int64_t> shape, std::vector<float> values) {
  return {.is_real = true,
          .shape = std::move(shape),
          .whole = {},
          .reals = std::make_shared<const std::vector<float>>(std::move(values))};
}

Constant whole_numbers(std::vector<int64_t> shape, Sizes values) {
  return {.is_real = false, .shape = std::move(shape), .whole = std::move(values), .reals = nullptr};
}

Constant picked(const Constant& from, const std::vector<int64_t>& places, std::vector<int64_t> shape) {
  if (!from.is_real) {
    Sizes values;
    for (const int64_t place : places) values.push_back(from.whole.at(static_cast<size_t>(place)));
    return whole_numbers(std::move(shape), std::move(values));
  }
  std::vector<float> values;
  values.reserve(places.size());
  for (const int64_t place : places) values.push_back(from.reals->at(static_cast<size_t>(place)));
  return reals(std::move(shape), std::move(values));
}

}  // namespace rnc::onnx
