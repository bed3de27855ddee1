// Decoding and scaling against Pillow and torchvision: tests/images/make_images.py.
#include "runtime/data/image.h"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <span>

#include "runtime/data/decode/decode.h"
#include "runtime/support/file.h"
#include "runtime/support/safetensors.h"
#include "tests/unit/runtime/support.h"

namespace rnrun {

namespace {

const std::string kImageFiles = RNC_SOURCE_DIR "/tests/images/";

const Arrays& expected() {
  static const Arrays tensors = read_safetensors(kImageFiles + "expected.safetensors").tensors;
  return tensors;
}

Image image_of(const Array& array) {
  const auto pixels = array.as<uint8_t>();
  return {{array.shape[0], array.shape[1], array.shape[2]}, {pixels.begin(), pixels.end()}};
}

void check_equal(const Image& image, const std::string& name) {
  CAPTURE(name);
  const Image wanted = image_of(expected().at(name));
  CHECK(str(image.shape) == str(wanted.shape));
  CHECK(image.pixels == wanted.pixels);
}

std::string decode_error(const std::string& bytes, const DecodeOptions& limits = {}) {
  return error_of([&] { decode_image(std::as_bytes(std::span(bytes)), "x", limits); });
}

}  // namespace

TEST_CASE("images are decoded as Pillow decodes them") {
  int files = 0;
  for (const auto& entry : std::filesystem::directory_iterator(kImageFiles)) {
    const std::string name = entry.path().filename().string();
    if (!expected().contains(name)) continue;
    check_equal(read_image(entry.path().string()), name);
    ++files;
  }
  CHECK(files == 74);
}

TEST_CASE("images stand upright where that is asked for, as Pillow turns them") {
  int files = 0;
  for (const auto& entry : std::filesystem::directory_iterator(kImageFiles)) {
    const std::string name = entry.path().filename().string();
    if (!expected().contains(name + " upright")) continue;
    const Image image = read_image(entry.path().string(), {.exif_transpose = true});
    check_equal(image, name + " upright");
    ++files;
  }
  CHECK(files == 11);
}

TEST_CASE("images are made to fit as torchvision does it") {
  for (const std::string name : {"large.png", "turned"})
    for (const int64_t size : {8, 24, 32, 40, 57, 64}) {
      Image image = image_of(expected().at(name));
      fit(image, {3, size, size}, "x");
      check_equal(image, fmt::format("{} fit {}", name, size));
    }
  Image same = image_of(expected().at("large.png"));
  fit(same, {3, 40, 57}, "x");
  check_equal(same, "large.png");
  Image wide = image_of(expected().at("large.png"));
  fit(wide, {1, 10, 70}, "x");
  CHECK(str(wide.shape) == "1x10x70");
}

TEST_CASE("a part of an image is scaled as Pillow does it") {
  Image image = image_of(expected().at("large.png"));
  resize(image, {5, 7, 20, 31}, 16, 24, {0, 0, 16, 24});
  check_equal(image, "large.png crop 5 7 20 31 to 16 24");
  image = image_of(expected().at("large.png"));
  resize(image, {11, 2, 9, 6}, 32, 32, {0, 0, 32, 32});
  check_equal(image, "large.png crop 11 2 9 6 to 32 32");
}

TEST_CASE("grey and colour are converted as Pillow does it, other channels not at all") {
  Image image = image_of(expected().at("large.png"));
  convert_channels(image, 1, "x");
  check_equal(image, "large.png to grey");
  image = image_of(expected().at("grey.png"));
  convert_channels(image, 3, "x");
  check_equal(image, "grey.png to RGB");
  CHECK(error_of([&] { convert_channels(image, 4, "a.png"); }) == "a.png: has 3 channels, the model takes 4");
}

TEST_CASE("an image much longer than wide is scaled without the part that is cut off") {
  Image line{{1, 1, 60'000}, std::vector<uint8_t>(60'000, 7)};
  fit(line, {1, 224, 224}, "x");
  CHECK(line.pixels == std::vector<uint8_t>(224 * 224, 7));
}

TEST_CASE("files that are no image, too large or damaged are refused by name") {
  const std::string jpeg = read_text(kImageFiles + "rgb.jpg");
  const std::string png = read_text(kImageFiles + "rgb.png");
  CHECK(decode_error("") == "x: empty");
  CHECK(decode_error("%PDF") == "x: not a JPEG, PNG, WebP, TIFF, GIF or BMP image");
  CHECK(decode_error(jpeg, {.pixels = 398}) == "x: an image of 19x21; up to 398 pixels are decoded");
  CHECK(decode_error(png, {.pixels = 116}) == "x: an image of 13x9; up to 116 pixels are decoded");
  CHECK(decode_error(jpeg, {.pixels = 399}).empty());
  CHECK(decode_error(png, {.pixels = 117}).empty());

  std::string huge = png;  // a width of 2^31 - 1 with a check sum that is wrong, as libpng notes first
  huge.replace(16, 4, "\x7f\xff\xff\xff");
  CHECK(decode_error(huge) == "x: damaged PNG image: IHDR: CRC error");

  CHECK(decode_error(jpeg.substr(0, 3)) == "x: damaged JPEG image: Premature end of JPEG file");
  CHECK(decode_error(jpeg.substr(0, jpeg.size() - 40)) ==
        "x: damaged JPEG image: Premature end of JPEG file");
  CHECK(decode_error(png.substr(0, 20)) == "x: damaged PNG image: truncated");
  CHECK(decode_error(png.substr(0, png.size() - 40)) == "x: damaged PNG image: truncated");
  std::string flipped = png;
  flipped[100] ^= 1;
  CHECK(decode_error(flipped).starts_with("x: damaged PNG image: "));

  const TemporaryDirectory directory;
  CHECK(error_of([&] { read_image(directory / "none.jpg"); }) ==
        "cannot read " + directory / "none.jpg" + ": No such file or directory");
  write_text(directory / "a.jpg", jpeg);
  CHECK(error_of([&] { read_image(directory / "a.jpg", {.file_bytes = 100}); }) ==
        directory / "a.jpg" + ": a file of 916 B; images of up to 100 B are read");
}

TEST_CASE("every truncation and many changes of a file end in an image or an error") {
  for (const char* name :
       {"rgb.jpg", "progressive.jpg", "cmyk.jpg", "rgb.png", "palette.png", "interlaced.png", "held6.jpg",
        "held6.png", "held6.webp", "rgb.webp", "lossless.webp", "animated.webp"}) {
    const std::string good = read_text(kImageFiles + name);
    const DecodeOptions limits{.pixels = 1 << 16};
    for (size_t size = 0; size < good.size(); ++size)
      CHECK(!decode_error(good.substr(0, size), limits).empty());
    for (size_t i = 0; i < good.size(); ++i) {
      std::string bad = good;
      bad[i] = static_cast<char>(bad[i] ^ (1 << i % 8));
      decode_error(bad, limits);
    }
  }
}

TEST_CASE("what is left of a file, or changed in it, ends in an image or an error") {
  for (const char* name :
       {"palette.gif", "interlaced.gif", "window.gif", "rgb.tif", "tiles.tif", "planes.tif", "lzw.tiff",
        "jpeg.tiff", "group4.tif", "palette.tif", "palette4.bmp", "fields.bmp", "os2.bmp"}) {
    const std::string good = read_text(kImageFiles + name);
    const DecodeOptions limits{.pixels = 1 << 16, .exif_transpose = true};
    for (size_t size = 0; size < good.size(); ++size) decode_error(good.substr(0, size), limits);
    CHECK(!decode_error(good.substr(0, good.size() / 3), limits).empty());
    for (size_t i = 0; i < good.size(); ++i)
      for (const int mask : {1 << i % 8, 0xff}) {
        std::string bad = good;
        bad[i] = static_cast<char>(bad[i] ^ mask);
        decode_error(bad, limits);
      }
  }
}

TEST_CASE("grey of 16 bits is refused, not cut off") {
  CHECK(decode_error(read_text(kImageFiles + "grey16.png")) ==
        "x: a PNG image of 16 bits of grey per pixel, which is not read (convert it to 8)");
  CHECK(decode_error(read_text(kImageFiles + "grey16.tif")) ==
        "x: a TIFF image of 16 bits per sample (convert it to 8), which is not read");
}

}  // namespace rnrun
