#include "runtime/data/split.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <utility>

#include "runtime/data/subset.h"
#include "runtime/support/error.h"
#include "runtime/support/random.h"

namespace rnrun {

namespace {

// Moves `count` of the indices, chosen at random, to the front.
void choose(std::vector<uint32_t>& indices, size_t count, Random random) {
  for (size_t i = 0; i < count; ++i)
    std::swap(indices[i], indices[i + random.below(static_cast<uint32_t>(indices.size() - i))]);
}

}  // namespace

DataSplits split_off(std::unique_ptr<const Dataset> data, double share, uint64_t seed) {
  std::map<int32_t, std::vector<uint32_t>> kinds;
  const std::vector<int32_t> strata = data->strata();
  for (uint32_t i = 0; i < static_cast<uint32_t>(data->size()); ++i)
    kinds[strata.empty() ? 0 : strata[i]].push_back(i);
  std::vector<uint32_t> train, validation;
  for (auto& [kind, indices] : kinds) {
    const auto wanted = static_cast<size_t>(std::llround(share * static_cast<double>(indices.size())));
    const size_t count = std::min(std::max<size_t>(wanted, 1), indices.size() - 1);
    choose(indices, count, {seed, stream_of("validation") + static_cast<uint32_t>(kind)});
    const auto middle = indices.begin() + static_cast<std::ptrdiff_t>(count);
    validation.insert(validation.end(), indices.begin(), middle);
    train.insert(train.end(), middle, indices.end());
  }
  if (validation.empty())
    throw Error(
        fmt::format("--val-split {}: there are only {} images, one of each class", share, data->size()));
  std::ranges::sort(train);
  std::ranges::sort(validation);
  const std::shared_ptr<const Dataset> whole = std::move(data);
  return {std::make_unique<Subset>(whole, std::move(train)),
          std::make_unique<Subset>(whole, std::move(validation))};
}

}  // namespace rnrun
