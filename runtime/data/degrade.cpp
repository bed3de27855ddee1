#include "runtime/data/degrade.h"

#include <algorithm>
#include <cmath>
#include <cstring>

namespace rnrun {

SampleTensor degraded(Image target, const Field& field, const Degradation& degradation, Random random) {
  const ImageShape shape = field.picture();
  const Box all{0, 0, target.shape.height, target.shape.width};
  if (shape.height != all.height || shape.width != all.width)
    resize(target, all, shape.height, shape.width, {0, 0, shape.height, shape.width});
  SampleTensor result;
  result.set(std::move(target));
  const auto noise = [&] { return degradation.noise > 0 ? degradation.noise * random.normal() : 0; };
  if (field.dtype == DType::u8) {
    for (uint8_t& v : result.bytes)
      v = static_cast<uint8_t>(std::lround(std::clamp(static_cast<double>(v) + noise(), 0.0, 255.0)));
    return result;
  }
  std::vector<float> reals;
  for (const uint8_t v : result.bytes)
    reals.push_back(static_cast<float>((static_cast<double>(v) + noise()) / 255));
  result.dtype = DType::f32;
  result.bytes.resize(reals.size() * sizeof(float));
  std::memcpy(result.bytes.data(), reals.data(), result.bytes.size());
  return result;
}

}  // namespace rnrun
