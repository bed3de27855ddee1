#include "runtime/data/split.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <utility>

#include "runtime/support/error.h"
#include "runtime/support/random.h"

namespace rnrun {

namespace {

// Some of the samples of a data set that others share.
class Subset : public Dataset {
 public:
  Subset(std::shared_ptr<const Dataset> whole, std::vector<uint32_t> indices)
      : whole_(std::move(whole)), indices_(std::move(indices)) {}

  int64_t size() const override { return static_cast<int64_t>(indices_.size()); }
  std::string description() const override { return whole_->description(); }
  std::vector<std::string> fields() const override { return whole_->fields(); }
  std::vector<std::string> class_names() const override { return whole_->class_names(); }
  std::vector<std::string> notes() const override { return whole_->notes(); }
  std::vector<std::string> left_out() const override { return whole_->left_out(); }
  void read(int64_t index, Sample& sample) const override {
    whole_->read(indices_[static_cast<size_t>(index)], sample);
  }
  std::vector<int32_t> numbers(size_t field) const override { return own(whole_->numbers(field)); }
  std::vector<int32_t> strata() const override { return own(whole_->strata()); }

 private:
  std::vector<int32_t> own(const std::vector<int32_t>& all) const {
    std::vector<int32_t> own;
    for (const uint32_t index : indices_)
      if (!all.empty()) own.push_back(all[index]);
    return own;
  }

  std::shared_ptr<const Dataset> whole_;
  std::vector<uint32_t> indices_;
};

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
