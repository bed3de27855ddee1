// bfloat16: the upper half of an IEEE binary32, so with its range and 8 digits. Rounded to the nearest, of two the even
// one; a NaN stays one.
#pragma once

#include <bit>
#include <cmath>
#include <cstdint>

namespace contract {

inline float from_bf16(uint16_t bits) { return std::bit_cast<float>(static_cast<uint32_t>(bits) << 16); }

inline uint16_t to_bf16(float value) {
  const auto bits = std::bit_cast<uint32_t>(value);
  if (std::isnan(value)) return static_cast<uint16_t>(bits >> 16 | 0x40);
  return static_cast<uint16_t>((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
}

}  // namespace contract
