#include "runtime/data/readers/idx.h"

#include <fmt/format.h>
#include <zlib.h>

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <vector>

#include "runtime/data/array_dataset.h"
#include "runtime/support/error.h"

namespace rnrun {

namespace {

constexpr uint32_t kImages = 0x803;  // unsigned bytes, 3 dimensions
constexpr uint32_t kLabels = 0x801;  // unsigned bytes, 1 dimension
constexpr uint32_t kMaxSide = 4096;
// Deflate cannot do better: 258 bytes from 2 bits.
constexpr uint64_t kMaxCompression = 1032;

// Reads a file that may be compressed, in order.
class Reader {
 public:
  explicit Reader(std::string path) : path_(std::move(path)) {
    std::error_code error;
    if (!std::filesystem::is_regular_file(path_, error)) fail("not a regular file");
    size_ = std::filesystem::file_size(path_, error);
    file_ = gzopen(path_.c_str(), "rb");
    if (file_ == nullptr || error) fail("cannot be opened");
  }
  ~Reader() {
    if (file_ != nullptr) gzclose_r(file_);
  }
  Reader(const Reader&) = delete;
  Reader& operator=(const Reader&) = delete;

  [[noreturn]] void fail(const std::string& what) const { throw Error(fmt::format("{}: {}", path_, what)); }

  void read(uint8_t* to, uint64_t count) {
    while (count > 0) {
      const int n = gzread(file_, to, static_cast<unsigned>(std::min<uint64_t>(count, 1u << 30)));
      if (n <= 0) fail_reading(n);
      to += n;
      count -= static_cast<uint64_t>(n);
    }
  }

  // Big-endian.
  uint32_t number() {
    uint8_t b[4];
    read(b, sizeof b);
    return uint32_t{b[0]} << 24 | uint32_t{b[1]} << 16 | uint32_t{b[2]} << 8 | b[3];
  }

  void expect_magic(uint32_t expected, std::string_view content) {
    const uint32_t magic = number();
    if (magic != expected)
      fail(fmt::format("not an idx file of {}: magic number 0x{:08x} instead of 0x{:08x}", content, magic,
                       expected));
  }

  AlignedBytes items(uint32_t count, uint64_t bytes_each) {
    const uint64_t bytes = count * bytes_each;
    if (bytes > size_ * kMaxCompression)
      fail(fmt::format("promises {} items of {} bytes, more than the file can hold", count, bytes_each));
    AlignedBytes data(bytes);
    read(reinterpret_cast<uint8_t*>(data.data()), bytes);
    return data;
  }

  // Nothing may follow; for a compressed file this also checks its sum.
  void expect_end() {
    uint8_t extra = 0;
    const int n = gzread(file_, &extra, 1);
    if (n > 0) fail("has more data than its header says");
    int code = Z_OK;
    gzerror(file_, &code);
    if (n < 0 || code == Z_BUF_ERROR) fail_reading(n);
  }

 private:
  [[noreturn]] void fail_reading(int n) const {
    int code = Z_OK;
    std::string_view reason = gzerror(file_, &code);
    if (n == 0 || code == Z_BUF_ERROR) fail("truncated");
    if (code == Z_ERRNO) reason = std::strerror(errno);
    if (reason.starts_with(path_ + ": ")) reason.remove_prefix(path_.size() + 2);
    fail(fmt::format("damaged: {}", reason));
  }

  std::string path_;
  uint64_t size_ = 0;
  gzFile file_ = nullptr;
};

}  // namespace

std::unique_ptr<const Dataset> read_idx(const std::string& images, const std::string& labels,
                                        const DataOptions& options) {
  Reader image_file(images);
  image_file.expect_magic(kImages, "images");
  const uint32_t count = image_file.number();
  const uint32_t rows = image_file.number();
  const uint32_t columns = image_file.number();
  if (count == 0) image_file.fail("has no images");
  if (rows < 1 || rows > kMaxSide || columns < 1 || columns > kMaxSide)
    image_file.fail(
        fmt::format("has images of {}x{}; 1x1 to {}x{} can be read", rows, columns, kMaxSide, kMaxSide));

  Reader label_file(labels);
  label_file.expect_magic(kLabels, "labels");
  const uint32_t label_count = label_file.number();
  if (label_count != count) label_file.fail(fmt::format("has {} labels for {} images", label_count, count));
  std::vector<int32_t> label_data;
  for (const std::byte label : label_file.items(count, 1)) label_data.push_back(static_cast<int32_t>(label));
  label_file.expect_end();
  place_labels(options.field("label"), label_data, options, labels);

  AlignedBytes pixels = image_file.items(count, uint64_t{rows} * columns);
  image_file.expect_end();
  return std::make_unique<ArrayDataset>(
      ArrayDataset::Columns{{"image", {DType::u8, {count, 1, rows, columns}, std::move(pixels)}},
                            {"label", Array::of<int32_t>(DType::i32, {count}, label_data)}});
}

}  // namespace rnrun
