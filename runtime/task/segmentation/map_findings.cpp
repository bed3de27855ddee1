#include "runtime/task/segmentation/map_findings.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "runtime/task/segmentation/class_map.h"
#include "runtime/task/segmentation/overlay.h"
#include "runtime/task/thumbnail.h"

namespace rnrun {

using nlohmann::ordered_json;

MapFindings::MapFindings(HeadPlace place, size_t examples)
    : place_(std::move(place)),
      most_(examples),
      sums_(static_cast<size_t>(place_.shape[0]) * ClassPixels::kNames.size()) {}

void MapFindings::add(std::span<const uint32_t> indices, const BoundEntry& entry, const Batch& batch) {
  const auto area = static_cast<size_t>(place_.target.elements());
  const std::span labels = batch.as<int32_t>(place_.target_place, place_.target.elements());
  const std::span scores(entry.output<float>(place_.prediction),
                         indices.size() * static_cast<size_t>(place_.elements()));
  for (size_t i = 0; i < indices.size(); ++i) {
    const std::span label = labels.subspan(i * area, area);
    Example example{.index = indices[i],
                    .prediction = class_map(scores.subspan(i * static_cast<size_t>(place_.elements()),
                                                           static_cast<size_t>(place_.elements())),
                                            place_.shape[0])};
    std::vector<double> sums(sums_.size());
    count_pixels(sums, label, example.prediction, place_.target.ignored);
    for (size_t k = 0; k < sums.size(); ++k) sums_[k] += sums[k];
    ++samples_;
    example.accuracy = ClassPixels(sums).accuracy();
    const auto place = std::ranges::find_if(
        examples_, [&](const Example& other) { return example.accuracy < other.accuracy; });
    if (place == examples_.end() && examples_.size() >= most_) continue;
    example.target.assign(label.begin(), label.end());
    if (place_.sample)
      example.picture = picture_in(batch.values[0], place_.sample->dtype, place_.sample->picture(),
                                   static_cast<int64_t>(i));
    examples_.insert(place, std::move(example));
    if (examples_.size() > most_) examples_.pop_back();
  }
}

ordered_json MapFindings::classes_json() const {
  const ClassPixels pixels(sums_);
  double all = 0;
  for (size_t k = 0; k < pixels.classes(); ++k) all += pixels.labelled(k);
  ordered_json classes = ordered_json::array();
  for (size_t k = 0; k < pixels.classes(); ++k)
    classes.push_back({{"iou", std::isnan(pixels.iou(k)) ? ordered_json() : ordered_json(pixels.iou(k))},
                       {"labelled", all > 0 ? pixels.labelled(k) / all : 0}});
  return classes;
}

ordered_json MapFindings::report(int64_t epoch) const {
  ordered_json overlays = ordered_json::array();
  const int64_t height = place_.target.shape[0], width = place_.target.shape[1];
  for (const Example& e : examples_) {
    const bool fits = e.picture.shape.height == height && e.picture.shape.width == width;
    const Image none, &under = fits ? e.picture : none;
    overlays.push_back({{"index", e.index},
                        {"accuracy", e.accuracy},
                        {"target", thumbnail(overlay(under, e.target, height, width))},
                        {"prediction", thumbnail(overlay(under, e.prediction, height, width))}});
    if (!e.picture.pixels.empty()) overlays.back()["image"] = thumbnail(e.picture);
  }
  return {{"epoch", epoch}, {"samples", samples_}, {"classes", classes_json()}, {"overlays", overlays}};
}

std::string MapFindings::text(const std::vector<std::string>& class_names) const {
  size_t width = 5;
  for (const std::string& name : class_names) width = std::max(width, name.size());
  std::string text = fmt::format("\n      {:<{}}  of the pixels     IoU\n", "class", width);
  const ordered_json classes = classes_json();
  for (size_t k = 0; k < classes.size(); ++k)
    text += fmt::format("{:>4}  {:<{}}  {:>11.2f} %  {}\n", k, class_names[k], width,
                        100 * classes[k]["labelled"].get<double>(),
                        classes[k]["iou"].is_null()
                            ? fmt::format("{:>8}", "-")
                            : fmt::format("{:>6.2f} %", 100 * classes[k]["iou"].get<double>()));
  return text;
}

ordered_json MapFindings::json(const std::vector<std::string>& class_names) const {
  ordered_json classes = classes_json();
  for (size_t k = 0; k < classes.size(); ++k) classes[k]["class"] = class_names[k];
  return {{"classes", classes}};
}

}  // namespace rnrun
