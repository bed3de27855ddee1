#include "runtime/task/images/image_findings.h"

#include <algorithm>

#include "runtime/task/images/pair.h"
#include "runtime/task/images/similarity.h"
#include "runtime/task/thumbnail.h"

namespace rnrun {

using nlohmann::ordered_json;

void ImageFindings::add(std::span<const uint32_t> indices, const BoundEntry& entry, const Batch& batch) {
  const ImageShape shape{place_.shape[0], place_.shape[1], place_.shape[2]};
  const auto picture = [&](const std::vector<float>& values) {
    return picture_in(reinterpret_cast<const std::byte*>(values.data()), DType::f32, shape, 0);
  };
  for (int64_t i = 0; i < batch.size; ++i) {
    const Pair pair = pair_of(place_, entry, batch, i);
    Example example{.index = indices[static_cast<size_t>(i)], .psnr = psnr(pair.prediction, pair.target)};
    psnr_.push_back(static_cast<float>(example.psnr));
    const auto place =
        std::ranges::find_if(examples_, [&](const Example& e) { return example.psnr < e.psnr; });
    if (place == examples_.end() && examples_.size() >= most_) continue;
    if (place_.sample)
      example.given = picture_in(batch.values[0], place_.sample->dtype, place_.sample->picture(), i);
    example.prediction = picture(pair.prediction);
    example.target = picture(pair.target);
    examples_.insert(place, std::move(example));
    if (examples_.size() > most_) examples_.pop_back();
  }
}

ordered_json ImageFindings::report(int64_t epoch) const {
  ordered_json images = ordered_json::array();
  for (const Example& e : examples_) {
    images.push_back({{"index", e.index},
                      {"psnr", e.psnr},
                      {"prediction", thumbnail(e.prediction)},
                      {"target", thumbnail(e.target)}});
    if (!e.given.pixels.empty()) images.back()["given"] = thumbnail(e.given);
  }
  return {{"epoch", epoch}, {"samples", psnr_.size()}, {"images", images}};
}

ordered_json ImageFindings::json(const std::vector<std::string>&) const {
  if (psnr_.empty()) return ordered_json::object();
  std::vector<float> sorted = psnr_;
  std::ranges::sort(sorted);
  return {{"psnr_lowest", sorted.front()}, {"psnr_median", sorted[sorted.size() / 2]}};
}

}  // namespace rnrun
