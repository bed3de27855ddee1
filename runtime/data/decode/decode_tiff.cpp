// Decoding with libtiff: the samples as they are stored, from which colours are made as Pillow makes them. A TIFF file's
// orientation applies always, as in Pillow.
#include <fmt/format.h>
#include <tiffio.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <vector>

#include "runtime/data/decode/decode.h"
#include "runtime/data/decode/exif.h"
#include "runtime/data/decode/tiff_source.h"

namespace rnrun {

namespace {

constexpr int64_t kMaxSamples = 6;  // per pixel, as Pillow

class TiffDecoder {
 public:
  TiffDecoder(std::span<const std::byte> file, const std::string& path)
      : source_{file}, path_(path), tiff_(open_tiff(source_)) {
    if (tiff_ == nullptr) fail();
  }

  Image decode(const DecodeOptions& options) {
    read_header();
    check_size(width_, height_, path_, options);
    check_kind();
    for (int64_t i = 0; i < samples_; ++i) planes_.emplace_back(static_cast<size_t>(width_ * height_));
    read_blocks();
    Image image = colours();
    orient(image, tag<uint16_t>(TIFFTAG_ORIENTATION));
    return image;
  }

 private:
  [[noreturn]] void fail() const {
    throw BadImage(fmt::format("{}: damaged TIFF image: {}", path_,
                               source_.message[0] != 0 ? source_.message.data() : "truncated"));
  }
  [[noreturn]] void refuse(const std::string& what) const {
    throw BadImage(fmt::format("{}: a TIFF image of {}, which is not read", path_, what));
  }
  template <class T>
  T tag(ttag_t which) const {
    T value{};
    TIFFGetFieldDefaulted(tiff_.get(), which, &value);
    return value;
  }

  void read_header() {
    width_ = tag<uint32_t>(TIFFTAG_IMAGEWIDTH);
    height_ = tag<uint32_t>(TIFFTAG_IMAGELENGTH);
    bits_ = tag<uint16_t>(TIFFTAG_BITSPERSAMPLE);
    samples_ = tag<uint16_t>(TIFFTAG_SAMPLESPERPIXEL);
    kind_ = tag<uint16_t>(TIFFTAG_PHOTOMETRIC);
    together_ = tag<uint16_t>(TIFFTAG_PLANARCONFIG) == PLANARCONFIG_CONTIG;
    uint16_t count = 0;
    const uint16_t* extra = nullptr;
    if (TIFFGetField(tiff_.get(), TIFFTAG_EXTRASAMPLES, &count, &extra) == 1 && count > 0)
      premultiplied_ = extra[0] == EXTRASAMPLE_ASSOCALPHA;
    // libtiff makes RGB of a JPEG's colours.
    if (kind_ == PHOTOMETRIC_YCBCR && together_ && tag<uint16_t>(TIFFTAG_COMPRESSION) == COMPRESSION_JPEG) {
      TIFFSetField(tiff_.get(), TIFFTAG_JPEGCOLORMODE, JPEGCOLORMODE_RGB);
      kind_ = PHOTOMETRIC_RGB;
    }
  }

  // Refuses what there is no rule for.
  void check_kind() const {
    const bool grey = kind_ == PHOTOMETRIC_MINISBLACK || kind_ == PHOTOMETRIC_MINISWHITE;
    const bool palette = kind_ == PHOTOMETRIC_PALETTE;
    const bool few_bits = bits_ == 1 || bits_ == 2 || bits_ == 4;
    const uint16_t format = tag<uint16_t>(TIFFTAG_SAMPLEFORMAT);
    if (format != SAMPLEFORMAT_UINT && format != SAMPLEFORMAT_VOID)
      refuse("numbers that are not unsigned integers");
    if (!grey && !palette && kind_ != PHOTOMETRIC_RGB && kind_ != PHOTOMETRIC_SEPARATED)
      refuse(fmt::format("photometric interpretation {}", kind_));
    const int64_t needed = grey || palette ? 1 : kind_ == PHOTOMETRIC_RGB ? 3 : 4;
    if (samples_ < needed || samples_ > kMaxSamples || (few_bits && samples_ > 1))
      refuse(fmt::format("{} samples of {} bits per pixel", samples_, bits_));
    if (bits_ != 8 && !(bits_ == 16 && kind_ == PHOTOMETRIC_RGB && !premultiplied_) &&
        !(few_bits && (grey || palette)))
      refuse(fmt::format("{} bits per sample (convert it to 8)", bits_));
  }

  // Strips, or tiles; of all samples, or of one after the other.
  void read_blocks() {
    const bool tiled = TIFFIsTiled(tiff_.get()) != 0;
    const int64_t block_width = tiled ? tag<uint32_t>(TIFFTAG_TILEWIDTH) : width_;
    const int64_t block_height = tiled ? tag<uint32_t>(TIFFTAG_TILELENGTH)
                                       : std::min<int64_t>(tag<uint32_t>(TIFFTAG_ROWSPERSTRIP), height_);
    const int64_t slack = int64_t{1} << 20;  // a small image may be in one tile
    if (block_width < 1 || block_height < 1 || block_width > (4 * width_ * height_ + slack) / block_height)
      refuse(fmt::format("tiles of {}x{}", block_width, block_height));
    const tmsize_t bytes = tiled ? TIFFTileSize(tiff_.get()) : TIFFStripSize(tiff_.get());
    const tmsize_t row_bytes = tiled ? TIFFTileRowSize(tiff_.get()) : TIFFScanlineSize(tiff_.get());
    const int64_t per_value = together_ ? samples_ : 1;
    if (bytes < row_bytes * block_height || row_bytes < (block_width * per_value * bits_ + 7) / 8) fail();
    std::vector<uint8_t> block(static_cast<size_t>(bytes));
    for (int64_t sample = 0; sample < (together_ ? 1 : samples_); ++sample)
      for (int64_t top = 0; top < height_; top += block_height)
        for (int64_t left = 0; left < width_; left += block_width) {
          const int64_t rows = std::min(block_height, height_ - top);
          read_block(block, tiled, left, top, sample);
          for (int64_t y = 0; y < rows; ++y)
            take_row(block.data() + y * row_bytes, top + y, left, std::min(block_width, width_ - left),
                     sample);
        }
  }

  void read_block(std::vector<uint8_t>& block, bool tiled, int64_t left, int64_t top, int64_t sample) {
    const auto x = static_cast<uint32_t>(left), y = static_cast<uint32_t>(top);
    const auto s = static_cast<uint16_t>(sample);
    const auto size = static_cast<tmsize_t>(block.size());
    const tmsize_t done =
        tiled ? TIFFReadEncodedTile(tiff_.get(), TIFFComputeTile(tiff_.get(), x, y, 0, s), block.data(), size)
              : TIFFReadEncodedStrip(tiff_.get(), TIFFComputeStrip(tiff_.get(), y, s), block.data(), size);
    if (done < 0 || source_.message[0] != 0) fail();
  }

  void take_row(const uint8_t* row, int64_t y, int64_t left, int64_t count, int64_t sample) {
    const int64_t each = together_ ? samples_ : 1;
    for (int64_t s = 0; s < each; ++s) {
      uint8_t* to = planes_[static_cast<size_t>(sample + s)].data() + y * width_ + left;
      for (int64_t x = 0; x < count; ++x) to[x] = value(row, x * each + s);
    }
  }

  // Of 16 bits the upper 8.
  uint8_t value(const uint8_t* row, int64_t index) const {
    if (bits_ == 8) return row[index];
    if (bits_ == 16) {
      uint16_t wide = 0;
      std::memcpy(&wide, row + 2 * index, sizeof wide);
      return static_cast<uint8_t>(wide >> 8);
    }
    const int64_t bit = index * bits_;
    return static_cast<uint8_t>(row[bit / 8] >> (8 - bits_ - bit % 8) & ((1 << bits_) - 1));
  }

  Image colours() {
    const bool grey = kind_ == PHOTOMETRIC_MINISBLACK || kind_ == PHOTOMETRIC_MINISWHITE;
    Image image{{grey ? 1 : 3, height_, width_}, {}};
    image.pixels.resize(static_cast<size_t>(image.shape.bytes()));
    const auto plane = static_cast<size_t>(width_ * height_);
    const auto each = [&](const auto& colour) {
      for (size_t c = 0; c < static_cast<size_t>(image.shape.channels); ++c)
        for (size_t i = 0; i < plane; ++i) image.pixels[c * plane + i] = colour(c, i);
    };
    if (grey) {
      const int scale = 255 / (bits_ >= 8 ? 255 : (1 << bits_) - 1);
      const int flip = kind_ == PHOTOMETRIC_MINISWHITE ? 255 : 0;
      each([&](size_t, size_t i) { return static_cast<uint8_t>(planes_[0][i] * scale ^ flip); });
    } else if (kind_ == PHOTOMETRIC_PALETTE) {
      std::array<uint16_t*, 3> map{};
      if (TIFFGetField(tiff_.get(), TIFFTAG_COLORMAP, &map[0], &map[1], &map[2]) != 1)
        refuse("a palette without colours");
      each([&](size_t c, size_t i) { return static_cast<uint8_t>(map[c][planes_[0][i]] >> 8); });
    } else if (kind_ == PHOTOMETRIC_SEPARATED) {
      each([&](size_t c, size_t i) { return rgb_of_cmyk(planes_[c][i], 255u - planes_[3][i]); });
    } else if (premultiplied_ && samples_ > 3) {
      each([&](size_t c, size_t i) {
        const int alpha = planes_[3][i];
        return static_cast<uint8_t>(alpha == 0 ? 0 : std::min(planes_[c][i] * 255 / alpha, 255));
      });
    } else {
      each([&](size_t c, size_t i) { return planes_[c][i]; });
    }
    return image;
  }

  TiffSource source_;
  const std::string& path_;
  Tiff tiff_;
  int64_t width_ = 0;
  int64_t height_ = 0;
  int bits_ = 0;  // per sample
  int64_t samples_ = 0;
  uint16_t kind_ = 0;
  bool together_ = true;  // the samples of a pixel are
  bool premultiplied_ = false;
  std::vector<std::vector<uint8_t>> planes_;  // by sample
};

}  // namespace

Image decode_tiff(std::span<const std::byte> file, const std::string& path, const DecodeOptions& options) {
  return TiffDecoder(file, path).decode(options);
}

}  // namespace rnrun
