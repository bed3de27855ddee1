#include "runtime/train/step_sum.h"

#include <algorithm>

#include "runtime/train/for_blocks.h"

namespace rnrun {

StepSum::StepSum(Session& session, bool statistics, Communicator ranks)
    : session_(&session),
      with_statistics_(statistics),
      ranks_(ranks),
      rank_sum_(session.pool(), std::move(ranks)) {}

std::span<float> StepSum::floats_of(rn_tensor_kind kind) const { return floats_in(session_->region(kind)); }

std::span<float> StepSum::statistics() const {
  return with_statistics_ ? floats_of(RN_BUFFER) : std::span<float>();
}

// Where the sum that is the `depth`th from the left of those not added up yet is kept.
std::span<float> StepSum::place(size_t depth) {
  const auto bytes = static_cast<int64_t>((gradients().size() + statistics().size()) * sizeof(float));
  constexpr int64_t kBlock = Communicator::kBlock;
  while (memory_.size() <= depth)
    memory_.emplace_back((bytes + kBlock - 1) / kBlock * kBlock, "sums of gradients");
  return floats_in(memory_[depth]);
}

void StepSum::begin(int64_t parts) {
  parts_ = parts;
  next_ = parts_of_rank(parts, ranks_.rank(), ranks_.size()).begin;
  sums_.clear();
  before_.assign(statistics().begin(), statistics().end());
}

void StepSum::add(float share) {
  const std::span<float> leaf = place(sums_.size());
  const std::span<float> gradients = this->gradients(), statistics = this->statistics();
  for_blocks(session_->pool(), gradients.size(), [&](size_t begin, size_t count) {
    for (size_t i = begin; i < begin + count; ++i) leaf[i] = share * gradients[i];
  });
  for (size_t i = 0; i < statistics.size(); ++i)
    leaf[gradients.size() + i] = share * (statistics[i] - before_[i]);
  std::ranges::copy(before_, statistics.begin());
  sums_.push_back({{next_, next_ + 1}, leaf});
  ++next_;
  add_up(sums_, parts_, [&](auto sum, auto values) { add_to(session_->pool(), sum, values); });
}

void StepSum::finish() {
  const std::span<float> gradients = this->gradients(), statistics = this->statistics();
  const std::span<const float> total =
      ranks_.size() == 1 ? sums_.front().values : rank_sum_.sum(parts_, sums_, place(sums_.size()));
  for_blocks(session_->pool(), gradients.size(), [&](size_t begin, size_t count) {
    std::copy_n(total.begin() + begin, count, gradients.begin() + begin);
  });
  for (size_t i = 0; i < statistics.size(); ++i) statistics[i] = before_[i] + total[gradients.size() + i];
}

}  // namespace rnrun
