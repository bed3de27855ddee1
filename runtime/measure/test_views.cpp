#include "runtime/measure/test_views.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>

#include "runtime/support/error.h"

namespace rnrun {

namespace {

// Row i becomes the mean of rows i * views, ..., (i + 1) * views - 1.
void average(std::span<float> rows, int64_t batch, int64_t views) {
  const auto width = static_cast<int64_t>(rows.size()) / batch;
  for (int64_t i = 0; i < batch / views; ++i)
    for (int64_t k = 0; k < width; ++k) {
      double sum = 0;
      for (int64_t v = 0; v < views; ++v)
        sum += static_cast<double>(rows[static_cast<size_t>((i * views + v) * width + k)]);
      rows[static_cast<size_t>(i * width + k)] = static_cast<float>(sum / static_cast<double>(views));
    }
}

}  // namespace

LoaderPlan with_views(LoaderPlan plan, TestViews views) {
  const int64_t each = view_count(views);
  std::vector<uint32_t> order;
  for (const uint32_t index : plan.order) order.insert(order.end(), static_cast<size_t>(each), index);
  plan.order = std::move(order);
  plan.batch_size = std::max<int64_t>(plan.batch_size / each, 1) * each;
  plan.views = views;
  return plan;
}

ViewAverage::ViewAverage(const Task& task, TestViews views) : task_(task), views_(views) {
  if (views != TestViews::one && !task.averages_views())
    throw UsageError(fmt::format("--tta: predictions of {} cannot be averaged over views", task.name()));
}

Batch ViewAverage::run(BoundEntry& entry, const Batch& batch) {
  task_.bind(entry, batch);
  entry.run(batch.size);
  const int64_t views = view_count(views_);
  if (views == 1) return batch;
  for (const rn_value& output : outputs(entry.entry()))
    if (output.type.dtype == RN_F32 && output.type.rank > 0 && output.type.dims[0] == -1)
      average(entry.rows(output.name, batch.size), batch.size, views);
  Batch first{.size = batch.size / views};
  values_.resize(batch.values.size());
  const std::vector<Field> fields = task_.fields();
  for (size_t f = 0; f < batch.values.size(); ++f) {
    const int64_t bytes = fields[f].bytes();
    values_[f].resize(static_cast<size_t>(first.size * bytes));
    for (int64_t i = 0; i < first.size; ++i)
      std::memcpy(values_[f].data() + i * bytes, batch.values[f] + i * views * bytes,
                  static_cast<size_t>(bytes));
    first.values.push_back(values_[f].data());
  }
  first.others = first.values;
  return first;
}

}  // namespace rnrun
