// Elements of other types as f32.
#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>

#include "runtime/contract/bfloat16.h"
#include "runtime/contract/safetensors.h"

namespace contract {

namespace {

template <class T>
T element(std::span<const std::byte> data, size_t i) {
  T value;
  std::memcpy(&value, data.data() + i * sizeof(T), sizeof(T));
  return value;
}

// IEEE binary16: 1 bit of sign, 5 of exponent, 10 of fraction.
float from_f16(uint16_t bits) {
  const int exponent = bits >> 10 & 31;
  const int fraction = bits & 1023;
  const uint32_t sign = static_cast<uint32_t>(bits >> 15) << 31;
  if (exponent == 31)  // infinity and NaN
    return std::bit_cast<float>(sign | 0x7f800000U | static_cast<uint32_t>(fraction) << 13);
  const float magnitude = exponent == 0 ? std::ldexp(static_cast<float>(fraction), -24)
                                        : std::ldexp(static_cast<float>(1024 + fraction), exponent - 25);
  return sign != 0 ? -magnitude : magnitude;
}

uint16_t to_f16(float value) {
  const auto sign = static_cast<uint16_t>(std::signbit(value) ? 0x8000 : 0);
  if (std::isnan(value)) return sign | 0x7e00;
  if (std::isinf(value)) return sign | 0x7c00;
  const float magnitude = std::fabs(value);
  int exponent = 0;
  std::frexp(magnitude, &exponent);  // magnitude = fraction * 2^exponent, fraction in [1/2, 1)
  if (exponent > 16) return sign | 0x7c00;
  // In units of the last place; below 2^-14 these become no smaller. A carry moves into the exponent by itself.
  const int unit = magnitude == 0 ? -24 : std::max(exponent - 11, -24);
  const auto units = static_cast<int>(std::nearbyint(std::ldexp(magnitude, -unit)));
  return static_cast<uint16_t>(sign | (((unit + 24) << 10) + units));
}

float from_f64(double value, const std::string& name) {
  const auto rounded = static_cast<float>(value);
  if (std::isinf(rounded) && !std::isinf(value))
    throw FormatError(fmt::format("tensor '{}' has {:g}, which is beyond f32", name, value));
  return rounded;
}

}  // namespace

bool converts_to_f32(DType dtype) {
  return dtype == DType::f32 || dtype == DType::f16 || dtype == DType::bf16 || dtype == DType::f64;
}

std::vector<float> to_f32(const TensorView& tensor, const std::string& name) {
  std::vector<float> values(tensor.data.size() / static_cast<size_t>(bytes(tensor.dtype)));
  for (size_t i = 0; i < values.size(); ++i) {
    switch (tensor.dtype) {
      case DType::f32:
        values[i] = element<float>(tensor.data, i);
        break;
      case DType::f64:
        values[i] = from_f64(element<double>(tensor.data, i), name);
        break;
      case DType::f16:
        values[i] = from_f16(element<uint16_t>(tensor.data, i));
        break;
      case DType::bf16:
        values[i] = from_bf16(element<uint16_t>(tensor.data, i));
        break;
      default:
        throw FormatError(fmt::format("tensor '{}' is {}, which is not converted to f32", name,
                                      contract::name(tensor.dtype)));
    }
  }
  return values;
}

std::vector<std::byte> from_f32(std::span<const float> values, DType dtype, const std::string& name) {
  const auto bytes_of = [](const auto& converted) {
    const auto bytes = std::as_bytes(std::span(converted));
    return std::vector<std::byte>(bytes.begin(), bytes.end());
  };
  if (dtype == DType::f32) return bytes_of(values);
  std::vector<uint16_t> narrow(values.size());
  for (size_t i = 0; i < values.size(); ++i) {
    narrow[i] = dtype == DType::f16 ? to_f16(values[i]) : to_bf16(values[i]);
    const float back = dtype == DType::f16 ? from_f16(narrow[i]) : from_bf16(narrow[i]);
    if (std::isinf(back) && !std::isinf(values[i]))
      throw FormatError(
          fmt::format("tensor '{}' has {:g}, which is beyond {}", name, values[i], contract::name(dtype)));
  }
  return bytes_of(narrow);
}

std::string conversions_text(const std::map<DType, int64_t>& converted) {
  std::string text;
  int64_t tensors = 0;
  for (const auto& [dtype, count] : converted) {
    const char* unit = text.empty() ? count == 1 ? " tensor" : " tensors" : "";
    text += fmt::format("{}{}{} of {}", text.empty() ? "" : " and ", count, unit, name(dtype));
    tensors += count;
  }
  return text.empty() ? "" : fmt::format("{} {} converted to f32", text, tensors == 1 ? "was" : "were");
}

}  // namespace contract
