#include "runtime/measure/evaluate.h"

#include <algorithm>
#include <optional>
#include <span>
#include <vector>

#include "runtime/data/loader.h"
#include "runtime/measure/rank_news.h"
#include "runtime/measure/shared_findings.h"
#include "runtime/measure/test_views.h"
#include "runtime/model/bound_entry.h"
#include "runtime/support/interrupt.h"

namespace rnrun {

namespace {

// At most `most` of `size` samples, evenly chosen: data are often sorted by class.
std::vector<uint32_t> chosen(int64_t size, int64_t most) {
  const int64_t count = std::min(size, most);
  std::vector<uint32_t> indices;
  for (int64_t i = 0; i < count; ++i) indices.push_back(static_cast<uint32_t>(i * size / count));
  return indices;
}

// The batches of an evaluation.
class Batches {
 public:
  Batches(std::span<const uint32_t> order, int64_t each) : order_(order), each_(each) {}
  int64_t count() const { return (static_cast<int64_t>(order_.size()) + each_ - 1) / each_; }
  // The samples of batches first, first + step, ...
  std::vector<uint32_t> every(int64_t first, int64_t step) const {
    std::vector<uint32_t> samples;
    for (int64_t batch = first; batch < count(); batch += step) {
      const std::span<const uint32_t> added = samples_of(batch);
      samples.insert(samples.end(), added.begin(), added.end());
    }
    return samples;
  }
  // Each of so many; those behind the last one are empty.
  std::vector<std::span<const uint32_t>> from(int64_t first, int64_t number) const {
    std::vector<std::span<const uint32_t>> batches;
    for (int64_t batch = first; batch < first + number; ++batch) batches.push_back(samples_of(batch));
    return batches;
  }

 private:
  std::span<const uint32_t> samples_of(int64_t batch) const {
    const auto size = static_cast<int64_t>(order_.size());
    const int64_t begin = std::min(batch * each_, size);
    return order_.subspan(static_cast<size_t>(begin), static_cast<size_t>(std::min(each_, size - begin)));
  }
  std::span<const uint32_t> order_;
  int64_t each_;
};

}  // namespace

bool has_loss(const Model& model) { return model.find_entry(RN_EVALUATE) != nullptr; }

const rn_entry& evaluated_entry(const Model& model, TestViews views) {
  return model.entry(has_loss(model) && views == TestViews::one ? RN_EVALUATE : RN_INFER);
}

Metrics evaluate(Session& session, const Task& task, const Dataset& data, int64_t batch_size,
                 int64_t limit_batches, int workers, Findings* findings, TestViews views,
                 const Communicator& ranks) {
  const std::vector<uint32_t> order =
      limit_batches > 0 ? chosen(data.size(), limit_batches * batch_size) : chosen(data.size(), data.size());
  const Batches batches(order, std::max<int64_t>(batch_size / view_count(views), 1));
  LoaderPlan plan = with_views(
      {.order = batches.every(ranks.rank(), ranks.size()), .batch_size = batch_size, .fields = task.fields()},
      views);
  const int64_t max_batch =
      std::max<int64_t>(std::min(plan.batch_size, static_cast<int64_t>(plan.order.size())), 1);
  BoundEntry entry(session, evaluated_entry(session.model(), views), max_batch);
  session.prepare_for(entry.entry());

  ViewAverage average(task, views);
  std::optional<SharedFindings> shared;
  if (findings != nullptr) shared.emplace(*findings, entry, task.fields(), ranks);
  Loader loader(data, std::move(plan), workers);
  Metrics metrics{.keeps = true};
  for (int64_t first = 0; first < batches.count(); first += ranks.size()) {
    RankNews own{.stop = interrupted()};
    Batch batch;
    if (own.stop == 0 && first + ranks.rank() < batches.count()) {
      batch = average.run(entry, loader.next());
      task.count(own.counted.emplace_back(Metrics{.keeps = true}), entry, batch);
    }
    const RankNews all = exchange(ranks, own);
    if (all.stop != 0) return metrics;
    for (const Metrics& counted : all.counted) metrics.add(counted);
    if (shared) shared->add(batches.from(first, ranks.size()), batch);
  }
  if (interrupted() == 0) task.settle(metrics);
  return metrics;
}

}  // namespace rnrun
