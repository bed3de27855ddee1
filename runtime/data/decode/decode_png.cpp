// Decoding with libpng. It reports an error by a longjmp out of its own frames into `guarded`, which has
// nothing to destroy; all memory belongs to objects outside.
#include <fmt/format.h>
#include <png.h>

#include <csetjmp>
#include <cstdio>
#include <cstring>
#include <new>
#include <vector>

#include "runtime/data/decode/decode.h"

namespace rnrun {

namespace {

constexpr png_alloc_size_t kMaxChunk = 8u << 20;  // of other chunks than pixels, uncompressed
constexpr png_uint_32 kMaxChunks = 1000;

class PngDecoder {
 public:
  explicit PngDecoder(std::span<const std::byte> file) : rest_(file) {
    png_ = png_create_read_struct(PNG_LIBPNG_VER_STRING, this, fail, warn);
    if (png_ != nullptr) info_ = png_create_info_struct(png_);
    if (info_ == nullptr) {
      png_destroy_read_struct(&png_, nullptr, nullptr);
      throw std::bad_alloc();
    }
  }
  ~PngDecoder() { png_destroy_read_struct(&png_, &info_, nullptr); }
  PngDecoder(const PngDecoder&) = delete;
  PngDecoder& operator=(const PngDecoder&) = delete;

  // Each of these is false when libpng gave up; `message` says why.
  bool read_header() { return guarded(&PngDecoder::header_steps); }
  // From here on the pixels have 8 bits and are grey or RGB. Allocates a few rows.
  bool start() { return guarded(&PngDecoder::start_steps); }
  // The same, but that pixels are the numbers in the file: palette indices and greys are not turned into colours.
  bool start_values() { return guarded(&PngDecoder::value_steps); }
  bool has_values() const {
    const auto type = png_get_color_type(png_, info_);
    return (type == PNG_COLOR_TYPE_PALETTE || (type & PNG_COLOR_MASK_COLOR) == 0) &&
           png_get_bit_depth(png_, info_) <= 8;
  }
  // `rows` point to row_bytes() each.
  bool read_rows(std::vector<png_bytep>& rows) {
    rows_ = rows.data();
    return guarded(&PngDecoder::row_steps);
  }

  int64_t width() const { return png_get_image_width(png_, info_); }
  int64_t height() const { return png_get_image_height(png_, info_); }
  int64_t channels() const { return png_get_channels(png_, info_); }
  size_t row_bytes() const { return png_get_rowbytes(png_, info_); }
  bool is_deep_grey() const {
    return png_get_color_type(png_, info_) == PNG_COLOR_TYPE_GRAY && png_get_bit_depth(png_, info_) == 16;
  }
  const char* message() const { return message_; }

 private:
  static void fail(png_structp png, png_const_charp message) {
    auto& decoder = *static_cast<PngDecoder*>(png_get_error_ptr(png));
    std::snprintf(decoder.message_, sizeof decoder.message_, "%s", message);
    std::longjmp(decoder.escape_, 1);
  }
  static void warn(png_structp, png_const_charp) {}
  static void read(png_structp png, png_bytep to, size_t count) {
    auto& decoder = *static_cast<PngDecoder*>(png_get_io_ptr(png));
    if (count > decoder.rest_.size()) png_error(png, "truncated");
    std::memcpy(to, decoder.rest_.data(), count);
    decoder.rest_ = decoder.rest_.subspan(count);
  }

  bool guarded(void (PngDecoder::*steps)()) {
    if (setjmp(escape_) != 0) return false;
    (this->*steps)();
    return true;
  }

  void header_steps() {
    png_set_read_fn(png_, this, read);
    png_set_user_limits(png_, PNG_UINT_31_MAX, PNG_UINT_31_MAX);  // the caller checks the size
    png_set_chunk_malloc_max(png_, kMaxChunk);
    png_set_chunk_cache_max(png_, kMaxChunks);
    png_read_info(png_, info_);
  }
  void start_steps() {
    const auto type = png_get_color_type(png_, info_);
    if (type == PNG_COLOR_TYPE_PALETTE) png_set_palette_to_rgb(png_);
    if (type == PNG_COLOR_TYPE_GRAY) png_set_expand_gray_1_2_4_to_8(png_);
    png_set_strip_16(png_);
    png_set_strip_alpha(png_);
    png_set_interlace_handling(png_);
    png_read_update_info(png_, info_);
  }
  void value_steps() {
    png_set_packing(png_);
    if (png_get_color_type(png_, info_) != PNG_COLOR_TYPE_PALETTE) png_set_strip_alpha(png_);
    png_set_interlace_handling(png_);
    png_read_update_info(png_, info_);
  }
  void row_steps() {
    png_read_image(png_, rows_);
    png_read_end(png_, nullptr);
  }

  std::span<const std::byte> rest_;
  png_structp png_ = nullptr;
  png_infop info_ = nullptr;
  png_bytepp rows_ = nullptr;
  std::jmp_buf escape_{};
  char message_[200] = "";
};

}  // namespace

namespace {

// `start`: what the pixels are to be.
Image decode(std::span<const std::byte> file, const std::string& path, const DecodeOptions& options,
             bool (PngDecoder::*start)()) {
  PngDecoder decoder(file);
  const auto require = [&](bool ok) {
    if (!ok) throw BadImage(fmt::format("{}: damaged PNG image: {}", path, decoder.message()));
  };
  require(decoder.read_header());
  check_size(decoder.width(), decoder.height(), path, options);
  if (start == &PngDecoder::start_values && !decoder.has_values())
    throw BadImage(fmt::format(
        "{}: has colours or 16 bits: a mask is a PNG image with a palette, or a grey one of at most "
        "8 bits, whose pixels are the numbers of classes",
        path));
  if (decoder.is_deep_grey())
    throw BadImage(path + ": a PNG image of 16 bits of grey per pixel, which is not read (convert it to 8)");
  require((decoder.*start)());
  Image image{{decoder.channels(), decoder.height(), decoder.width()}, {}};
  std::vector<uint8_t> interleaved(static_cast<size_t>(image.shape.height) * decoder.row_bytes());
  std::vector<png_bytep> rows;
  for (int64_t y = 0; y < image.shape.height; ++y)
    rows.push_back(interleaved.data() + static_cast<size_t>(y) * decoder.row_bytes());
  require(decoder.read_rows(rows));
  image.pixels.resize(interleaved.size());
  for (int64_t y = 0; y < image.shape.height; ++y) set_row(image, y, rows[static_cast<size_t>(y)]);
  return image;
}

}  // namespace

Image decode_png(std::span<const std::byte> file, const std::string& path, const DecodeOptions& options) {
  return decode(file, path, options, &PngDecoder::start);
}

Image decode_png_values(std::span<const std::byte> file, const std::string& path,
                        const DecodeOptions& options) {
  return decode(file, path, options, &PngDecoder::start_values);
}

}  // namespace rnrun
