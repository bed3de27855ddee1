#include "runtime/task/multi_label/label_counts.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

namespace rnrun {

void LabelCounts::add(bool is, bool said) {
  right += is && said ? 1 : 0;
  wrong += !is && said ? 1 : 0;
  missed += is && !said ? 1 : 0;
}

double LabelCounts::f1() const {
  const double all = 2 * right + wrong + missed;
  return all > 0 ? 2 * right / all : 0;
}

namespace {

using Scored = std::vector<std::pair<float, bool>>;

// Calls `step(score, right, wrong)` with the counts of all whose score is at least this, from the highest on. A NaN is
// lower than everything.
template <class Step>
void descend(Scored scored, Step step) {
  for (auto& [score, is] : scored)
    if (std::isnan(score)) score = -std::numeric_limits<float>::infinity();
  std::ranges::sort(scored, [](const auto& a, const auto& b) { return a.first > b.first; });
  double right = 0, wrong = 0;
  for (size_t i = 0; i < scored.size(); ++i) {
    (scored[i].second ? right : wrong) += 1;
    if (i + 1 == scored.size() || scored[i + 1].first != scored[i].first) step(scored[i].first, right, wrong);
  }
}

}  // namespace

double average_precision(const Scores& scores, size_t label) {
  Scored scored;
  double all = 0;
  for (size_t i = 0; i < scores.samples(); ++i) {
    scored.emplace_back(scores.score(i, label), scores.is(i, label));
    all += scores.is(i, label) ? 1 : 0;
  }
  if (all == 0) return std::numeric_limits<double>::quiet_NaN();
  double sum = 0, before = 0;
  descend(std::move(scored), [&](float, double right, double wrong) {
    sum += (right - before) / all * (right / (right + wrong));
    before = right;
  });
  return sum;
}

double mean_average_precision(const Scores& scores) {
  double sum = 0, seen = 0;
  for (size_t k = 0; k < scores.labels(); ++k) {
    const double ap = average_precision(scores, k);
    if (std::isnan(ap)) continue;
    sum += ap;
    ++seen;
  }
  return seen > 0 ? sum / seen : std::numeric_limits<double>::quiet_NaN();
}

Threshold best_threshold(const Scores& scores) {
  Scored scored;
  double all = 0;
  for (size_t i = 0; i < scores.samples(); ++i)
    for (size_t k = 0; k < scores.labels(); ++k) {
      scored.emplace_back(scores.score(i, k), scores.is(i, k));
      all += scores.is(i, k) ? 1 : 0;
    }
  Threshold best;
  descend(std::move(scored), [&](float score, double right, double wrong) {
    const double f1 = LabelCounts{right, wrong, all - right}.f1();
    if (f1 > best.micro_f1) best = {score, f1};
  });
  return best;
}

}  // namespace rnrun
