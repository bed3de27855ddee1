#include "runtime/measure/evaluate.h"

#include <algorithm>
#include <span>
#include <vector>

#include "runtime/data/loader.h"
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

}  // namespace

bool has_loss(const Model& model) { return model.find_entry(RN_EVALUATE) != nullptr; }

const rn_entry& evaluated_entry(const Model& model, TestViews views) {
  return model.entry(has_loss(model) && views == TestViews::one ? RN_EVALUATE : RN_INFER);
}

Metrics evaluate(Session& session, const Task& task, const Dataset& data, int64_t batch_size,
                 int64_t limit_batches, int workers, Findings* findings, TestViews views) {
  const std::vector<uint32_t> order =
      limit_batches > 0 ? chosen(data.size(), limit_batches * batch_size) : chosen(data.size(), data.size());
  LoaderPlan plan = with_views({.order = order, .batch_size = batch_size, .fields = task.fields()}, views);
  BoundEntry entry(session, evaluated_entry(session.model(), views),
                   std::min(plan.batch_size, static_cast<int64_t>(plan.order.size())));
  session.prepare_for(entry.entry());

  ViewAverage average(task, views);
  Loader loader(data, std::move(plan), workers);
  Metrics metrics{.keeps = true};
  while (interrupted() == 0) {
    const Batch views_of_batch = loader.next();
    if (views_of_batch.size == 0) break;
    const Batch batch = average.run(entry, views_of_batch);
    if (findings != nullptr)
      findings->add(
          std::span(order).subspan(static_cast<size_t>(metrics.samples), static_cast<size_t>(batch.size)),
          entry, batch);
    task.count(metrics, entry, batch);
  }
  if (interrupted() == 0) task.settle(metrics);
  return metrics;
}

}  // namespace rnrun
