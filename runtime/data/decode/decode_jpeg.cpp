// Decoding with libjpeg. It reports an error by a longjmp out of its own frames into `guarded`, which has
// nothing to destroy; all memory belongs to objects outside.
#include <fmt/format.h>

#include <csetjmp>
#include <cstdio>
#include <vector>

// jpeglib.h needs FILE and size_t declared before it.
#include <jerror.h>
#include <jpeglib.h>

#include "runtime/data/decode/decode.h"

namespace rnrun {

namespace {

// A progressive file may have any number of scans, each a pass over all pixels.
constexpr int kMaxScans = 500;

// jpeg_decompress_struct's err points here: the first member is what libjpeg knows.
struct ErrorManager {
  jpeg_error_mgr base;
  std::jmp_buf escape;
  char message[JMSG_LENGTH_MAX];
};

[[noreturn]] void escape(j_common_ptr info) {
  auto& manager = *reinterpret_cast<ErrorManager*>(info->err);
  info->err->format_message(info, manager.message);
  std::longjmp(manager.escape, 1);
}

// A negative level is a warning: the data are damaged and libjpeg would go on with a guess. Oddities that
// leave the pixels as they were meant are let pass.
void emit_message(j_common_ptr info, int level) {
  if (level >= 0) return;
  switch (info->err->msg_code) {
    case JWRN_EXTRANEOUS_DATA:
    case JWRN_ADOBE_XFORM:
    case JWRN_JFIF_MAJOR:
    case JWRN_BOGUS_ICC:
      return;
    default:
      escape(info);
  }
}

void output_message(j_common_ptr) {}

void check_scans(j_common_ptr info) {
  if (reinterpret_cast<j_decompress_ptr>(info)->input_scan_number <= kMaxScans) return;
  info->err->msg_code = JERR_BAD_PROGRESSION;
  escape(info);
}

class JpegDecoder {
 public:
  explicit JpegDecoder(std::span<const std::byte> file) : file_(file) {
    info_.err = jpeg_std_error(&error_.base);
    error_.base.error_exit = escape;
    error_.base.emit_message = emit_message;
    error_.base.output_message = output_message;
    progress_.progress_monitor = check_scans;
  }
  ~JpegDecoder() { jpeg_destroy_decompress(&info_); }
  JpegDecoder(const JpegDecoder&) = delete;
  JpegDecoder& operator=(const JpegDecoder&) = delete;

  // Each of these is false when libjpeg gave up; `message` says why.
  bool read_header() { return guarded(&JpegDecoder::header_steps); }
  bool start() { return guarded(&JpegDecoder::start_steps); }
  bool read_row(uint8_t* row) {
    row_ = row;
    return guarded(&JpegDecoder::row_steps);
  }
  bool finish() { return guarded(&JpegDecoder::finish_steps); }

  const jpeg_decompress_struct& info() const { return info_; }
  const char* message() const { return error_.message; }

 private:
  bool guarded(void (JpegDecoder::*steps)()) {
    if (setjmp(error_.escape) != 0) return false;
    (this->*steps)();
    return true;
  }

  void header_steps() {
    jpeg_create_decompress(&info_);
    info_.progress = &progress_;
    jpeg_mem_src(&info_, reinterpret_cast<const unsigned char*>(file_.data()), file_.size());
    jpeg_read_header(&info_, TRUE);
  }
  void start_steps() {
    if (info_.jpeg_color_space == JCS_CMYK || info_.jpeg_color_space == JCS_YCCK)
      info_.out_color_space = JCS_CMYK;
    else
      info_.out_color_space = info_.num_components == 1 ? JCS_GRAYSCALE : JCS_RGB;
    jpeg_start_decompress(&info_);
  }
  void row_steps() { jpeg_read_scanlines(&info_, &row_, 1); }
  void finish_steps() { jpeg_finish_decompress(&info_); }

  std::span<const std::byte> file_;
  ErrorManager error_{};
  jpeg_progress_mgr progress_{};
  jpeg_decompress_struct info_{};
  JSAMPROW row_ = nullptr;
};

// Adobe's inverted CMYK, as all programs write it, to RGB in place, as Pillow does it.
void cmyk_to_rgb(uint8_t* row, int64_t width) {
  for (int64_t x = 0; x < width; ++x) {
    const uint8_t* from = row + 4 * x;
    const uint32_t white = from[3];
    for (int64_t c = 0; c < 3; ++c) row[3 * x + c] = rgb_of_cmyk(255u - from[c], white);
  }
}

}  // namespace

Image decode_jpeg(std::span<const std::byte> file, const std::string& path, const DecodeOptions& options) {
  JpegDecoder decoder(file);
  const auto require = [&](bool ok) {
    if (!ok) throw BadImage(fmt::format("{}: damaged JPEG image: {}", path, decoder.message()));
  };
  require(decoder.read_header());
  check_size(decoder.info().image_width, decoder.info().image_height, path, options);
  require(decoder.start());

  const int components = decoder.info().output_components;
  Image image{{components == 1 ? 1 : 3, decoder.info().output_height, decoder.info().output_width}, {}};
  image.pixels.resize(static_cast<size_t>(image.shape.bytes()));
  std::vector<uint8_t> row(static_cast<size_t>(image.shape.width * components));
  for (int64_t y = 0; y < image.shape.height; ++y) {
    require(decoder.read_row(row.data()));
    if (components == 4) cmyk_to_rgb(row.data(), image.shape.width);
    set_row(image, y, row.data());
  }
  require(decoder.finish());
  return image;
}

}  // namespace rnrun
