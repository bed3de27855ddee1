#include "runtime/data/sampler.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>

#include "runtime/support/error.h"
#include "runtime/support/random.h"

namespace rnrun {

namespace {

bool is_class(const Field& f) { return f.dtype == DType::i32 && f.shape.empty() && f.classes > 0; }

}  // namespace

const Field& class_field(const std::vector<Field>& fields, std::string_view wanted_for) {
  const auto count = std::ranges::count_if(fields, is_class);
  if (count == 1) return *std::ranges::find_if(fields, is_class);
  throw UsageError(
      count == 0 ? fmt::format("{}: the model takes no class of each sample, i32[N]", wanted_for)
                 : fmt::format("{}: the model takes {} classes of each sample, and what balances one of "
                               "them unbalances another",
                               wanted_for, count));
}

std::vector<int32_t> classes_of(const Dataset& data, const Field& field) {
  const std::vector<int32_t> classes = data.numbers(places_of({field}, data).front());
  check_range(field, classes, "the data");
  return classes;
}

Sampler::Sampler(const Dataset& data, const std::vector<Field>& fields, SamplerOptions options)
    : options_(options), samples_(data.size()) {
  if (size() > std::numeric_limits<uint32_t>::max())
    throw UsageError(
        fmt::format("--repeat-augment {}: an epoch of {} samples is too long", options.repeats, size()));
  if (!options.balanced) return;
  const Field& field = class_field(fields, "--sampler balanced");
  classes_.resize(static_cast<size_t>(field.classes));
  uint32_t index = 0;
  for (const int32_t k : classes_of(data, field)) classes_[static_cast<size_t>(k)].push_back(index++);
  std::erase_if(classes_, [](const auto& samples) { return samples.empty(); });
}

// Without repeats.
std::vector<uint32_t> Sampler::draw(uint64_t seed, int64_t epoch) const {
  const auto count = static_cast<uint32_t>(samples_);
  if (!options_.balanced) return permutation(count, seed, epoch);
  Random random(seed, stream_of("balanced sampler") + static_cast<uint64_t>(epoch));
  std::vector<uint32_t> order(count);
  for (uint32_t& index : order) {
    const auto& samples = classes_[random.below(static_cast<uint32_t>(classes_.size()))];
    index = samples[random.below(static_cast<uint32_t>(samples.size()))];
  }
  return order;
}

EpochOrder Sampler::epoch(uint64_t seed, int64_t epoch) const {
  std::vector<uint32_t> drawn = draw(seed, epoch);
  if (!options_.balanced && options_.repeats == 1) return {std::move(drawn), {}};
  EpochOrder result;
  std::vector<uint32_t> come(static_cast<size_t>(samples_));
  for (const uint32_t index : drawn)
    for (int64_t i = 0; i < options_.repeats; ++i) {
      result.order.push_back(index);
      result.repetitions.push_back(come[index]++);
    }
  return result;
}

}  // namespace rnrun
