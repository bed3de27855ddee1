#include "runtime/train/gradients.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>

namespace rnrun {

namespace {

constexpr int64_t kBlock = int64_t{1} << 14;  // floats per task

double sum_of_squares(std::span<const float> values) {
  std::array<double, 16> lanes{};
  size_t i = 0;
  for (; i + lanes.size() <= values.size(); i += lanes.size())
    for (size_t k = 0; k < lanes.size(); ++k) {
      const auto x = static_cast<double>(values[i + k]);
      lanes[k] += x * x;
    }
  for (size_t k = 0; i < values.size(); ++i, ++k) {
    const auto x = static_cast<double>(values[i]);
    lanes[k] += x * x;
  }
  double sum = 0;
  for (const double lane : lanes) sum += lane;
  return sum;
}

// f(values of a, values of b) on the same blocks of two arrays.
template <class F>
void for_blocks(ThreadPool& pool, std::span<float> a, std::span<float> b, const F& f) {
  const auto size = static_cast<int64_t>(a.size());
  pool.for_each((size + kBlock - 1) / kBlock, [&](int64_t block) {
    const auto begin = static_cast<size_t>(block * kBlock);
    const auto count = static_cast<size_t>(std::min(kBlock, size - block * kBlock));
    f(a.subspan(begin, count), b.subspan(begin, count));
  });
}

std::span<float> floats(const Memory& memory) {
  return {reinterpret_cast<float*>(memory.data()), static_cast<size_t>(memory.size()) / sizeof(float)};
}

}  // namespace

Gradients::Gradients(Session& session) : session_(&session) {
  for (const rn_tensor& t : session.model().tensors()) {
    if (t.kind != RN_GRADIENT) continue;
    const auto floats_of = [](int64_t bytes) { return bytes / static_cast<int64_t>(sizeof(float)); };
    const int64_t first = floats_of(t.offset);
    const int64_t end = first + floats_of(t.bytes);
    for (int64_t begin = first; begin < end; begin += kBlock)
      blocks_.push_back({tensors_.size(), begin, std::min(begin + kBlock, end)});
    tensors_.push_back(&t);
    parameters_.emplace_back(session.model().tensors()[static_cast<size_t>(t.of)].name);
  }
}

std::span<float> Gradients::values() const { return floats(session_->region(RN_GRADIENT)); }

void Gradients::add_to_sum(float share, bool first) {
  if (sum_.size() == 0) sum_ = Memory(session_->region(RN_GRADIENT).size(), "sums of gradients");
  const auto add = [share, first](std::span<float> sum, std::span<float> gradient) {
    for (size_t i = 0; i < sum.size(); ++i) sum[i] = (first ? 0 : sum[i]) + share * gradient[i];
  };
  for_blocks(session_->pool(), floats(sum_), values(), add);
}

void Gradients::take_sum() { std::swap(sum_, session_->region(RN_GRADIENT)); }

std::vector<double> Gradients::norms() const {
  std::vector<double> sums(blocks_.size());
  const std::span<const float> gradients = values();
  session_->pool().for_each(static_cast<int64_t>(blocks_.size()), [&](int64_t i) {
    const Block& block = blocks_[static_cast<size_t>(i)];
    sums[static_cast<size_t>(i)] = sum_of_squares(
        gradients.subspan(static_cast<size_t>(block.begin), static_cast<size_t>(block.end - block.begin)));
  });
  std::vector<double> norms(tensors_.size());
  for (size_t i = 0; i < blocks_.size(); ++i) norms[blocks_[i].tensor] += sums[i];
  for (double& norm : norms) norm = std::sqrt(norm);
  return norms;
}

void Gradients::scale(float factor) {
  const auto multiply = [factor](std::span<float> gradient, std::span<float>) {
    for (float& value : gradient) value *= factor;
  };
  for_blocks(session_->pool(), values(), values(), multiply);
}

double total_norm(std::span<const double> norms) {
  double sum = 0;
  for (const double norm : norms) sum += norm * norm;
  return std::sqrt(sum);
}

double clip_factor(double total_norm, double max_norm) {
  return std::min(max_norm / (total_norm + 1e-6), 1.0);
}

}  // namespace rnrun
