#include "runtime/report/heat_colours.h"

#include <algorithm>
#include <array>
#include <cmath>

namespace rnrun {

namespace {

using Colour = std::array<double, 3>;

// Every 32nd of matplotlib's 256; between them the map is nearly linear.
constexpr std::array<Colour, 9> kViridis = {{{68, 1, 84},
                                             {71, 45, 123},
                                             {59, 82, 139},
                                             {44, 114, 142},
                                             {33, 145, 140},
                                             {40, 174, 128},
                                             {94, 201, 98},
                                             {173, 220, 48},
                                             {253, 231, 37}}};

// Of a share from 0 to 1.
Colour viridis(double share) {
  const double at = share * (kViridis.size() - 1);
  const auto low = std::min(static_cast<size_t>(at), kViridis.size() - 2);
  Colour colour;
  for (size_t c = 0; c < 3; ++c)
    colour[c] = std::lerp(kViridis[low][c], kViridis[low + 1][c], at - static_cast<double>(low));
  return colour;
}

uint8_t byte(double value) { return static_cast<uint8_t>(std::lround(std::clamp(value, 0.0, 255.0))); }

}  // namespace

Image heat_picture(std::span<const float> values, int64_t height, int64_t width, float most) {
  Image picture{{3, height, width}, std::vector<uint8_t>(static_cast<size_t>(3 * height * width))};
  for (size_t i = 0; i < values.size(); ++i) {
    const double share = most > 0 ? static_cast<double>(values[i]) / most : 0;
    const Colour colour = viridis(share > 0 ? std::min(share, 1.0) : 0);
    for (size_t c = 0; c < 3; ++c) picture.pixels[c * values.size() + i] = byte(colour[c]);
  }
  return picture;
}

Image with_heat(const Image& picture, const Image& heat, double opacity) {
  Image result = heat;
  const size_t pixels = result.pixels.size() / 3;
  for (size_t c = 0; c < 3; ++c)
    for (size_t i = 0; i < pixels; ++i) {
      const uint8_t under = picture.pixels[(picture.shape.channels == 3 ? c * pixels : 0) + i];
      uint8_t& pixel = result.pixels[c * pixels + i];
      pixel = byte(std::lerp(static_cast<double>(under), static_cast<double>(pixel), opacity));
    }
  return result;
}

}  // namespace rnrun
