#include "runtime/task/similarity/embedding_findings.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>

#include "runtime/task/similarity/nearest.h"
#include "runtime/task/similarity/principal.h"

namespace rnrun {

using nlohmann::ordered_json;

namespace {

constexpr size_t kMostPoints = 2000;

std::string name_of(int64_t label, const std::vector<std::string>& names) {
  const auto place = static_cast<size_t>(label);
  return label >= 0 && place < names.size() ? names[place] : fmt::format("{}", label);
}

}  // namespace

void EmbeddingFindings::add(std::span<const uint32_t> indices, const BoundEntry& entry, const Batch& batch) {
  const std::span labels = batch.as<int32_t>(place_.target_place, 1);
  const float* embedding = entry.output<float>(place_.prediction);
  for (size_t i = 0; i < indices.size(); ++i, embedding += place_.elements()) {
    rows_.push_back(static_cast<float>(labels[i]));
    rows_.insert(rows_.end(), embedding, embedding + place_.elements());
  }
}

ordered_json EmbeddingFindings::report(int64_t epoch) const {
  const Embedded samples(rows_, place_.elements());
  const Plane plane = principal_plane(samples);
  ordered_json points = ordered_json::array();
  const size_t count = std::min(samples.size(), kMostPoints);
  for (size_t i = 0; i < count; ++i) {
    const size_t sample = i * samples.size() / count;
    const auto [x, y] = plane.place(samples.embedding(sample));
    points.push_back({static_cast<float>(x), static_cast<float>(y), samples.label(sample)});
  }
  return {{"epoch", epoch}, {"samples", samples.size()}, {"points", points}, {"shown", plane.share}};
}

std::vector<EmbeddingFindings::OfClass> EmbeddingFindings::classes() const {
  const Embedded samples(rows_, place_.elements());
  const std::vector<Hits> hits = nearest_hits(samples);
  std::map<int64_t, OfClass> found;
  for (size_t i = 0; i < hits.size(); ++i) {
    OfClass& one = found[samples.label(i)];
    one.label = samples.label(i);
    ++one.samples;
    one.hits += hits[i].first == 0 ? 1 : 0;
  }
  std::vector<OfClass> all;
  for (const auto& [label, one] : found) all.push_back(one);
  return all;
}

std::string EmbeddingFindings::text(const std::vector<std::string>& class_names) const {
  const std::vector<OfClass> all = classes();
  size_t width = 5;
  for (const OfClass& one : all) width = std::max(width, name_of(one.label, class_names).size());
  std::string text = fmt::format("\n{:<{}}  samples  recall@1\n", "class", width);
  for (const OfClass& one : all)
    text += fmt::format("{:<{}}  {:>7}  {}\n", name_of(one.label, class_names), width, one.samples,
                        one.samples < 2 ? fmt::format("{:>8}", "-")
                                        : fmt::format("{:>6.2f} %", 100 * static_cast<double>(one.hits) /
                                                                        static_cast<double>(one.samples)));
  return text;
}

ordered_json EmbeddingFindings::json(const std::vector<std::string>& class_names) const {
  ordered_json all = ordered_json::array();
  for (const OfClass& one : classes())
    all.push_back({{"class", name_of(one.label, class_names)},
                   {"samples", one.samples},
                   {"recall_at_1", one.samples < 2 ? ordered_json()
                                                   : ordered_json(static_cast<double>(one.hits) /
                                                                  static_cast<double>(one.samples))}});
  return {{"classes", all}};
}

}  // namespace rnrun
