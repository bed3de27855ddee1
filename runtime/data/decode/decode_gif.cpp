// The first frame of a GIF file, with giflib.
#include <fmt/format.h>
#include <gif_lib.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <memory>
#include <vector>

#include "runtime/data/decode/decode.h"

namespace rnrun {

namespace {

using Palette = std::array<std::array<uint8_t, 3>, 256>;

int read_bytes(GifFileType* gif, GifByteType* to, int count) {
  auto& rest = *static_cast<std::span<const std::byte>*>(gif->UserData);
  const size_t taken = std::min(rest.size(), static_cast<size_t>(std::max(count, 0)));
  std::memcpy(to, rest.data(), taken);
  rest = rest.subspan(taken);
  return static_cast<int>(taken);
}

// Shades of grey where the file has no colours.
Palette palette_of(const ColorMapObject* map) {
  Palette palette;
  for (size_t i = 0; i < palette.size(); ++i) palette[i].fill(static_cast<uint8_t>(i));
  for (int i = 0; map != nullptr && i < map->ColorCount; ++i)
    palette[static_cast<size_t>(i)] = {map->Colors[i].Red, map->Colors[i].Green, map->Colors[i].Blue};
  return palette;
}

class GifDecoder {
 public:
  GifDecoder(std::span<const std::byte> file, const std::string& path)
      : rest_(file), path_(path), gif_(DGifOpen(&rest_, read_bytes, &error_), close) {
    if (gif_ == nullptr) fail(error_);
  }

  Image first_frame(const DecodeOptions& options) {
    find_frame();
    const GifImageDesc& frame = gif_->Image;
    const int64_t width = std::max<int64_t>(gif_->SWidth, int64_t{frame.Left} + frame.Width);
    const int64_t height = std::max<int64_t>(gif_->SHeight, int64_t{frame.Top} + frame.Height);
    check_size(width, height, path_, options);
    if (frame.Width < 1 || frame.Height < 1)
      throw BadImage(fmt::format("{}: a frame of {}x{}", path_, frame.Width, frame.Height));
    const Palette palette = palette_of(frame.ColorMap != nullptr ? frame.ColorMap : gif_->SColorMap);
    Image image{{3, height, width}, {}};
    image.pixels.resize(static_cast<size_t>(image.shape.bytes()));
    const auto& around = palette[static_cast<size_t>(transparent_)];
    for (size_t c = 0; c < 3; ++c)
      std::fill_n(image.pixels.begin() + static_cast<int64_t>(c) * height * width, height * width, around[c]);
    // Of an interlaced frame every eighth row comes first, then those between.
    constexpr std::array<std::array<int, 2>, 4> kPasses = {{{0, 8}, {4, 8}, {2, 4}, {1, 2}}};
    if (!frame.Interlace)
      read_rows(image, palette, 0, 1);
    else
      for (const auto& [first, step] : kPasses) read_rows(image, palette, first, step);
    return image;
  }

 private:
  static void close(GifFileType* gif) {
    int ignored = 0;
    DGifCloseFile(gif, &ignored);
  }
  [[noreturn]] void fail(int error) const {
    const char* what = GifErrorString(error);
    throw BadImage(fmt::format("{}: damaged GIF image: {}", path_, what != nullptr ? what : "truncated"));
  }
  void require(int status) const {
    if (status == GIF_ERROR) fail(gif_->Error);
  }

  // Reads up to the first frame's pixels.
  void find_frame() {
    for (GifRecordType type = UNDEFINED_RECORD_TYPE; type != IMAGE_DESC_RECORD_TYPE;) {
      require(DGifGetRecordType(gif_.get(), &type));
      if (type == TERMINATE_RECORD_TYPE) throw BadImage(path_ + ": a GIF file without an image");
      if (type == EXTENSION_RECORD_TYPE) read_extension();
    }
    require(DGifGetImageDesc(gif_.get()));
  }

  void read_extension() {
    int code = 0;
    GifByteType* block = nullptr;
    require(DGifGetExtension(gif_.get(), &code, &block));
    GraphicsControlBlock control;
    if (block != nullptr && code == GRAPHICS_EXT_FUNC_CODE &&
        DGifExtensionToGCB(block[0], block + 1, &control) == GIF_OK &&
        control.TransparentColor != NO_TRANSPARENT_COLOR)
      transparent_ = control.TransparentColor & 0xff;
    while (block != nullptr) require(DGifGetExtensionNext(gif_.get(), &block));
  }

  void read_rows(Image& image, const Palette& palette, int first, int step) {
    const GifImageDesc& frame = gif_->Image;
    std::vector<GifPixelType> row(static_cast<size_t>(frame.Width));
    const int64_t plane = image.shape.height * image.shape.width;
    for (int y = first; y < frame.Height; y += step) {
      require(DGifGetLine(gif_.get(), row.data(), frame.Width));
      uint8_t* to = image.pixels.data() + (int64_t{frame.Top} + y) * image.shape.width + frame.Left;
      for (size_t x = 0; x < row.size(); ++x)
        for (size_t c = 0; c < 3; ++c)
          to[static_cast<int64_t>(c) * plane + static_cast<int64_t>(x)] = palette[row[x]][c];
    }
  }

  std::span<const std::byte> rest_;
  const std::string& path_;
  int error_ = 0;
  int transparent_ = 0;  // what is around the frame
  std::unique_ptr<GifFileType, void (*)(GifFileType*)> gif_;
};

}  // namespace

Image decode_gif(std::span<const std::byte> file, const std::string& path, const DecodeOptions& options) {
  return GifDecoder(file, path).first_frame(options);
}

}  // namespace rnrun
