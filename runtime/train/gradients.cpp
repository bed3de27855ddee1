#include "runtime/train/gradients.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "runtime/train/for_blocks.h"

namespace rnrun {

namespace {

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

}  // namespace

Gradients::Gradients(Session& session) : session_(&session) {
  for (const rn_tensor& t : session.model().tensors()) {
    if (t.kind != RN_GRADIENT) continue;
    const auto floats_of = [](int64_t bytes) { return bytes / static_cast<int64_t>(sizeof(float)); };
    const int64_t first = floats_of(t.offset);
    const int64_t end = first + floats_of(t.bytes);
    for (int64_t begin = first; begin < end; begin += kBlockFloats)
      blocks_.push_back({tensors_.size(), begin, std::min(begin + kBlockFloats, end)});
    tensors_.push_back(&t);
    parameters_.emplace_back(session.model().tensors()[static_cast<size_t>(t.of)].name);
  }
}

std::span<float> Gradients::values() const { return floats_in(session_->region(RN_GRADIENT)); }

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
  const std::span<float> gradients = values();
  for_blocks(session_->pool(), gradients.size(), [&](size_t begin, size_t count) {
    for (float& value : gradients.subspan(begin, count)) value *= factor;
  });
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
