// Makes idx files, good and bad.
#pragma once

#include <cstdint>
#include <string>

namespace rnrun {

inline std::string big_endian(uint32_t n) {
  return {static_cast<char>(n >> 24), static_cast<char>(n >> 16), static_cast<char>(n >> 8),
          static_cast<char>(n)};
}

inline std::string idx_images(uint32_t count, uint32_t rows, uint32_t columns, const std::string& pixels) {
  return big_endian(0x803) + big_endian(count) + big_endian(rows) + big_endian(columns) + pixels;
}

inline std::string idx_labels(uint32_t count, const std::string& labels) {
  return big_endian(0x801) + big_endian(count) + labels;
}

}  // namespace rnrun
