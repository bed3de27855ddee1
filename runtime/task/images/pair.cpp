#include "runtime/task/images/pair.h"

#include <algorithm>
#include <cmath>

namespace rnrun {

std::vector<float> target_of(const HeadPlace& place, const Batch& batch, int64_t index) {
  const auto take = [&]<class T>(T) {
    const auto each = static_cast<size_t>(place.elements());
    const std::span all = batch.as<T>(place.target_place, place.elements());
    const std::span own = all.subspan(static_cast<size_t>(index) * each, each);
    return std::vector<float>(own.begin(), own.end());
  };
  return place.target.dtype == DType::u8 ? take(uint8_t{}) : take(float{});
}

Pair pair_of(const HeadPlace& place, const BoundEntry& entry, const Batch& batch, int64_t index) {
  const float* said = entry.output<float>(place.prediction) + index * place.elements();
  Pair pair{{said, said + place.elements()}, target_of(place, batch, index)};
  const float scale = place.target.dtype == DType::u8 ? 255.0F : 1.0F;
  for (float& v : pair.target) v /= scale;
  for (float& v : pair.prediction) v = std::isnan(v) ? 0 : std::clamp(v / scale, 0.0F, 1.0F);
  return pair;
}

}  // namespace rnrun
