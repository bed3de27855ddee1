#include "runtime/evaluate.h"

#include <algorithm>
#include <span>
#include <vector>

#include "runtime/bound_entry.h"
#include "runtime/classifier.h"
#include "runtime/data/loader.h"
#include "runtime/interrupt.h"

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

Metrics evaluate(Session& session, const Dataset& data, int64_t batch_size, int64_t limit_batches,
                 int workers, Predictions* predictions) {
  const Classifier classifier = classifier_of(session.model(), "loss");
  const std::vector<uint32_t> order =
      limit_batches > 0 ? chosen(data.size(), limit_batches * batch_size) : chosen(data.size(), data.size());
  BoundEntry loss(session, "loss", std::min(batch_size, static_cast<int64_t>(order.size())));
  session.prepare_for(loss.entry());
  const auto* scores = loss.output<float>(classifier.predict);
  const auto* mean = loss.output<float>("loss");

  Loader loader(data, {.order = order, .batch_size = batch_size, .shape = classifier.shape}, workers);
  Metrics metrics;
  while (interrupted() == 0) {
    const Batch batch = loader.next();
    if (batch.size == 0) break;
    loss.bind(classifier, batch);
    loss.run(batch.size);
    if (predictions != nullptr) {
      const auto indices =
          std::span(order).subspan(static_cast<size_t>(metrics.samples), static_cast<size_t>(batch.size));
      predictions->add(indices, scores, batch.labels, batch.pixels);
    }
    metrics.add(batch.size, static_cast<double>(*mean), scores, classifier.classes, batch.labels);
  }
  return metrics;
}

}  // namespace rnrun
