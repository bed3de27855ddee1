#include "runtime/data/readers/shapes.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>
#include <vector>

#include "runtime/support/error.h"
#include "runtime/support/random.h"

namespace rnrun {

namespace {

constexpr uint64_t kSeed = 20;  // of the data, whatever the seed of the training

// The figures: is a point inside? They fill about -1..1 in both directions.
float larger(float x, float y) { return std::max(std::abs(x), std::abs(y)); }
float smaller(float x, float y) { return std::min(std::abs(x), std::abs(y)); }

bool disc(float x, float y) { return x * x + y * y < 0.8f; }
bool square(float x, float y) { return larger(x, y) < 0.8f; }
bool triangle(float x, float y) { return y < 0.7f && y > 2 * std::abs(x) - 1; }
bool ring(float x, float y) { return disc(x, y) && x * x + y * y > 0.35f; }
bool plus(float x, float y) { return smaller(x, y) < 0.25f && larger(x, y) < 0.9f; }
bool cross(float x, float y) { return std::abs(std::abs(x) - std::abs(y)) < 0.3f && larger(x, y) < 0.9f; }
bool horizontal_bar(float x, float y) { return std::abs(y) < 0.3f && std::abs(x) < 1; }
bool vertical_bar(float x, float y) { return std::abs(x) < 0.3f && std::abs(y) < 1; }
bool frame(float x, float y) { return square(x, y) && larger(x, y) > 0.5f; }
bool two_bars(float x, float y) { return std::abs(std::abs(y) - 0.5f) < 0.25f && std::abs(x) < 0.9f; }

using Figure = bool (*)(float x, float y);
constexpr std::array<Figure, 10> kFigures = {disc,  square,         triangle,     ring,  plus,
                                             cross, horizontal_bar, vertical_bar, frame, two_bars};

class Shapes : public Dataset {
 public:
  Shapes(const ImageShape& shape, int64_t classes, std::string_view split)
      : shape_(shape),
        classes_(static_cast<uint32_t>(std::min<int64_t>(classes, kFigures.size()))),
        size_(split == "train" ? 10'000 : 2'000),
        stream_(stream_of(split)) {}

  int64_t size() const override { return size_; }
  std::string description() const override { return "images of " + str(shape_); }

  std::vector<std::string> fields() const override { return {"image", "label"}; }

  void read(int64_t index, Sample& sample) const override {
    sample.resize(2);
    SampleTensor& image = sample[0];
    image.dtype = DType::u8;
    image.shape = {shape_.channels, shape_.height, shape_.width};
    image.bytes.resize(static_cast<size_t>(shape_.bytes()));
    uint8_t* pixels = image.bytes.data();
    Random random(kSeed, stream_ + static_cast<uint64_t>(index));
    const uint32_t label = random.below(classes_);
    const auto between = [&](float low, float high) { return low + (high - low) * random.uniform(); };
    const auto side = static_cast<float>(std::min(shape_.height, shape_.width));
    const float radius = side * between(0.25f, 0.45f);
    const float center_x = static_cast<float>(shape_.width) / 2 + side * between(-0.1f, 0.1f);
    const float center_y = static_cast<float>(shape_.height) / 2 + side * between(-0.1f, 0.1f);
    const float tilt = between(-0.2f, 0.2f);  // little enough that a bar stays horizontal or vertical
    const float cos = std::cos(tilt) / radius;
    const float sin = std::sin(tilt) / radius;

    for (int64_t c = 0; c < shape_.channels; ++c) {
      const float ink = between(150, 255);
      const float paper = between(0, 100);
      const float noise = between(5, 40);
      for (int64_t row = 0; row < shape_.height; ++row)
        for (int64_t column = 0; column < shape_.width; ++column) {
          const float dx = static_cast<float>(column) + 0.5f - center_x;
          const float dy = static_cast<float>(row) + 0.5f - center_y;
          const bool inside = kFigures[label](cos * dx + sin * dy, cos * dy - sin * dx);
          const float value = (inside ? ink : paper) + noise * (random.uniform() - 0.5f);
          *pixels++ = static_cast<uint8_t>(std::clamp(value, 0.0f, 255.0f));
        }
    }
    sample[1].set(static_cast<int32_t>(label));
  }

 private:
  ImageShape shape_;
  uint32_t classes_;
  int64_t size_;
  uint64_t stream_;
};

}  // namespace

std::unique_ptr<const Dataset> make_shapes(const ImageShape& shape, int64_t classes, std::string_view split) {
  if (classes == 1) throw Error("the data set shapes needs a model of at least 2 classes");
  return std::make_unique<Shapes>(shape, classes == 0 ? int64_t{kFigures.size()} : classes, split);
}

}  // namespace rnrun
