#include "runtime/train/look.h"

#include <algorithm>
#include <memory>
#include <vector>

#include "runtime/data/decode/encode_png.h"
#include "runtime/measure/class_activation.h"
#include "runtime/report/heat_colours.h"
#include "runtime/task/thumbnail.h"

namespace rnrun {

std::optional<Look> look_of(Session& session, const Task& task) {
  const std::vector<Field> fields = task.sample_fields();
  if (session.model().find_entry(RN_EXPLAIN) == nullptr) return std::nullopt;
  if (fields.size() != 1 || !fields[0].is_picture() || fields[0].dtype != DType::u8) return std::nullopt;
  const auto explainer = std::make_shared<Explainer>(session, task, "", 1);
  explainer->prepare();
  const auto look = [explainer, shape = fields[0].picture()](std::span<const uint8_t> pixels, int64_t place) {
    const auto bytes = std::as_bytes(pixels);
    const AlignedBytes aligned(bytes.begin(), bytes.end());
    const std::vector<int64_t> places = {place};
    explainer->run({.size = 1, .values = {aligned.data()}}, places);
    const HeatMap map = resized(explainer->map(0), shape.height, shape.width);
    return thumbnail(heat_picture(map.values, map.height, map.width, *std::ranges::max_element(map.values)));
  };
  return Look{explainer->prediction(), look};
}

}  // namespace rnrun
