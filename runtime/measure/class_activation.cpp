#include "runtime/measure/class_activation.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <optional>

#include "runtime/support/error.h"

namespace rnrun {

namespace {

const rn_entry& explaining_entry(const Model& model) {
  const rn_entry* entry = model.find_entry(RN_EXPLAIN);
  if (entry != nullptr) return *entry;
  throw Error(
      fmt::format("{} has no entry that explains predictions: compile the model {} with rnc --explain, or "
                  "--explain=LAYER for a layer of your choice",
                  model.path(), model.name()));
}

// The place among the outputs of the activation that is asked for: of this layer, or else the first in a block of the name.
size_t activation_of(const Model& model, const rn_entry& entry, const std::string& layer) {
  const std::span all = outputs(entry);
  std::vector<std::string_view> names;
  std::optional<size_t> in_block;
  for (size_t i = 0; i < all.size(); ++i) {
    if (all[i].role != RN_ACTIVATION) continue;
    if (layer.empty() || layer == all[i].name) return i;
    names.emplace_back(all[i].name);
    if (!in_block && names.back().starts_with(layer + ".")) in_block = i;
  }
  if (in_block) return *in_block;
  throw Error(
      fmt::format("--layer {0}: {1} explains {2}; a library for another layer is compiled with rnc "
                  "--explain=LAYER",
                  layer, model.path(), fmt::join(names, ", ")));
}

int64_t elements(const rn_type& type) {
  int64_t count = 1;
  for (int32_t d = 1; d < type.rank; ++d) count *= type.dims[d];
  return count;
}

// Where along one dimension of the source a pixel of the result lies: between `low` and the next, by this share.
struct Between {
  int64_t low, high;
  float share;
};
std::vector<Between> places(int64_t from, int64_t to) {
  std::vector<Between> result;
  const float scale = static_cast<float>(from) / static_cast<float>(to);
  for (int64_t i = 0; i < to; ++i) {
    const float at = std::max(0.0f, (static_cast<float>(i) + 0.5f) * scale - 0.5f);
    const int64_t low = std::min(static_cast<int64_t>(at), from - 1);
    result.push_back({low, std::min(low + 1, from - 1), at - static_cast<float>(low)});
  }
  return result;
}

}  // namespace

HeatMap class_activation_map(std::span<const float> activation, std::span<const float> gradient,
                             int64_t height, int64_t width) {
  const auto pixels = static_cast<size_t>(height * width);
  std::vector<double> sums(pixels);
  for (size_t first = 0; first < activation.size(); first += pixels) {
    double weight = 0;
    for (size_t i = 0; i < pixels; ++i) weight += gradient[first + i];
    weight /= static_cast<double>(pixels);
    for (size_t i = 0; i < pixels; ++i) sums[i] += weight * activation[first + i];
  }
  HeatMap map{height, width, {}};
  for (const double sum : sums)
    map.values.push_back(static_cast<float>(sum > 0 || std::isnan(sum) ? sum : 0));
  return map;
}

HeatMap resized(const HeatMap& map, int64_t height, int64_t width) {
  const std::vector<Between> rows = places(map.height, height), columns = places(map.width, width);
  const auto at = [&](int64_t y, int64_t x) { return map.values[static_cast<size_t>(y * map.width + x)]; };
  HeatMap result{height, width, {}};
  for (const Between& y : rows)
    for (const Between& x : columns) {
      const auto row = [&](int64_t r) { return (1 - x.share) * at(r, x.low) + x.share * at(r, x.high); };
      result.values.push_back((1 - y.share) * row(y.low) + y.share * row(y.high));
    }
  return result;
}

Explainer::Explainer(Session& session, const Task& task, const std::string& layer, int64_t max_batch)
    : session_(session), task_(task), entry_(session, explaining_entry(session.model()), max_batch) {
  const rn_entry& entry = entry_.entry();
  const size_t place = activation_of(session.model(), entry, layer);
  const std::span all = outputs(entry);
  activation_ = &all[place];
  gradient_ =
      place + 1 < all.size() && all[place + 1].role == RN_ACTIVATION_GRADIENT ? &all[place + 1] : nullptr;
  grad_output_ = find(inputs(entry), RN_GRAD_OUTPUT);
  prediction_ = find(all, RN_PREDICTION);
  if (gradient_ == nullptr || grad_output_ == nullptr || prediction_ == nullptr ||
      activation_->type.rank != 4)
    throw Error(fmt::format("{}: the entry '{}' is not as rnc makes it", session.model().path(), entry.name));
  layer_ = activation_->name;
  predicted_ = elements(prediction_->type);
}

void Explainer::run(const Batch& batch, std::span<const int64_t> places) {
  auto* factors = entry_.input<float>(grad_output_->name);
  std::fill_n(factors, batch.size * predicted_, 0.0f);
  for (int64_t i = 0; i < batch.size; ++i) factors[i * predicted_ + places[static_cast<size_t>(i)]] = 1;
  task_.bind(entry_, batch);
  entry_.run(batch.size);
}

std::span<const float> Explainer::sample(const rn_value& output, int64_t index) const {
  const int64_t each = elements(output.type);
  return {entry_.output<float>(output.name) + index * each, static_cast<size_t>(each)};
}

HeatMap Explainer::map(int64_t index) const {
  const rn_type& type = activation_->type;
  return class_activation_map(sample(*activation_, index), sample(*gradient_, index), type.dims[2],
                              type.dims[3]);
}

}  // namespace rnrun
