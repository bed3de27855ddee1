// Windows bitmaps (BITMAPINFOHEADER, V4, V5, and OS/2's headers) as Pillow reads them; not those compressed by run
// lengths.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <vector>

#include "runtime/data/decode/decode.h"

namespace rnrun {

namespace {

constexpr uint32_t kFileHeader = 14, kOs2Header = 12;
constexpr uint32_t kRaw = 0, kRunLengths8 = 1, kRunLengths4 = 2, kBitFields = 3;

class BmpDecoder {
 public:
  BmpDecoder(std::span<const std::byte> file, const std::string& path) : file_(file), path_(path) {}

  Image decode(const DecodeOptions& options) {
    read_header();
    check_size(width_, height_, path_, options);
    const int64_t stride = (width_ * bits_ + 31) / 32 * 4;
    if (pixels_at_ > file_.size() || static_cast<int64_t>(file_.size() - pixels_at_) < stride * height_)
      fail("truncated");
    Image image{{3, height_, width_}, {}};
    image.pixels.resize(static_cast<size_t>(image.shape.bytes()));
    std::vector<uint8_t> row(static_cast<size_t>(3 * width_));
    for (int64_t y = 0; y < height_; ++y) {
      const auto at = pixels_at_ + static_cast<size_t>((from_top_ ? y : height_ - 1 - y) * stride);
      for (int64_t x = 0; x < width_; ++x) set_pixel(at, x, &row[static_cast<size_t>(3 * x)]);
      set_row(image, y, row.data());
    }
    return image;
  }

 private:
  [[noreturn]] void fail(const std::string& what) const {
    throw BadImage(fmt::format("{}: BMP image: {}", path_, what));
  }
  uint32_t byte(size_t at) const { return static_cast<uint32_t>(file_[at]); }
  uint32_t number(size_t at, size_t bytes) const {
    if (file_.size() < bytes || at > file_.size() - bytes) fail("truncated");
    uint32_t value = 0;
    for (size_t i = bytes; i-- > 0;) value = value << 8 | byte(at + i);
    return value;
  }

  void read_header() {
    pixels_at_ = number(10, 4);
    const uint32_t size = number(kFileHeader, 4);
    uint32_t compression = kRaw;
    uint32_t colours = 0;
    if (size == kOs2Header) {
      width_ = number(18, 2);
      height_ = number(20, 2);
      bits_ = number(24, 2);
    } else if (size == 40 || size == 64 || size == 108 || size == 124) {
      width_ = number(18, 4);
      const auto height = static_cast<int32_t>(number(22, 4));
      from_top_ = height < 0;
      height_ = from_top_ ? -int64_t{height} : height;
      bits_ = number(28, 2);
      compression = number(30, 4);
      colours = number(46, 4);
    } else {
      fail(fmt::format("a header of {} bytes, which is of no known version", size));
    }
    if (bits_ != 1 && bits_ != 4 && bits_ != 8 && bits_ != 16 && bits_ != 24 && bits_ != 32)
      fail(fmt::format("{} bits per pixel", bits_));
    if (compression == kRunLengths8 || compression == kRunLengths4)
      fail("compressed by run lengths, which is not read");
    if (compression != kRaw && (compression != kBitFields || bits_ <= 8))
      fail(fmt::format("unknown compression {} of {} bits per pixel", compression, bits_));
    if (bits_ <= 8) read_palette(size, colours == 0 ? 1u << bits_ : colours);
    if (compression == kBitFields)
      read_masks();
    else if (bits_ == 16)
      masks_ = {0x7c00, 0x3e0, 0x1f};
  }

  void read_palette(uint32_t header, uint32_t colours) {
    const size_t bytes = header == kOs2Header ? 3 : 4;
    if (colours > 65536) fail(fmt::format("a palette of {} colours", colours));
    for (size_t i = 0; i < std::min<size_t>(colours, palette_.size()); ++i) {
      const size_t at = kFileHeader + header + i * bytes;
      number(at, 3);
      for (size_t c = 0; c < 3; ++c) palette_[i][c] = static_cast<uint8_t>(byte(at + 2 - c));
    }
    // Some writers leave the palette out of the offset.
    if (pixels_at_ == kFileHeader + header) pixels_at_ += 4 * colours;
  }

  void read_masks() {
    masks_ = {number(54, 4), number(58, 4), number(62, 4)};
    if (masks_ == std::array<uint32_t, 3>{0, 0, 0}) masks_ = {0xff0000, 0xff00, 0xff};
    for (const uint32_t mask : masks_) {
      const bool known =
          bits_ == 16 ? mask == 0x7c00 || mask == 0x3e0 || mask == 0x1f || mask == 0xf800 || mask == 0x7e0
                      : mask == 0xff || mask == 0xff00 || mask == 0xff0000 || mask == 0xff000000;
      if (!known) fail(fmt::format("colours are taken from bits 0x{:x}, which is not read", mask));
    }
  }

  // RGB of a pixel of the row that begins at `at`.
  void set_pixel(size_t at, int64_t x, uint8_t* rgb) const {
    if (bits_ <= 8) {
      const auto bit = static_cast<size_t>(x) * bits_;
      const uint32_t index = byte(at + bit / 8) >> (8 - bits_ - bit % 8) & ((1u << bits_) - 1);
      std::ranges::copy(palette_[index], rgb);
      return;
    }
    const size_t bytes = bits_ / 8;
    uint32_t value = 0;
    for (size_t i = bytes; i-- > 0;) value = value << 8 | byte(at + static_cast<size_t>(x) * bytes + i);
    for (size_t c = 0; c < 3; ++c) {
      const uint32_t lowest = masks_[c] & (~masks_[c] + 1);
      rgb[c] = static_cast<uint8_t>((value & masks_[c]) / lowest * 255 / (masks_[c] / lowest));
    }
  }

  std::span<const std::byte> file_;
  const std::string& path_;
  size_t pixels_at_ = 0;
  int64_t width_ = 0;
  int64_t height_ = 0;
  uint32_t bits_ = 0;
  bool from_top_ = false;
  std::array<std::array<uint8_t, 3>, 256> palette_{};
  std::array<uint32_t, 3> masks_ = {0xff0000, 0xff00, 0xff};  // of red, green, blue
};

}  // namespace

Image decode_bmp(std::span<const std::byte> file, const std::string& path, const DecodeOptions& options) {
  return BmpDecoder(file, path).decode(options);
}

}  // namespace rnrun
