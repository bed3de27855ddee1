// A TIFF file in memory, opened with libtiff.
#pragma once

#include <tiffio.h>

#include <array>
#include <cstddef>
#include <memory>
#include <span>

namespace rnrun {

struct TiffSource {
  std::span<const std::byte> file;
  toff_t at = 0;                    // where it is read next
  std::array<char, 200> message{};  // libtiff's first error; empty: none
};
using Tiff = std::unique_ptr<TIFF, decltype(&TIFFClose)>;

// Null when it is none. `source` must outlive it and stay where it is. Warnings are passed over, and single allocations
// limited to 1 GiB.
Tiff open_tiff(TiffSource& source);

}  // namespace rnrun
