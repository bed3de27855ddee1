#include "runtime/evaluate.h"

#include <algorithm>
#include <numeric>
#include <vector>

#include "runtime/bound_entry.h"
#include "runtime/classifier.h"
#include "runtime/data/loader.h"
#include "runtime/interrupt.h"

namespace rnrun {

Metrics evaluate(Session& session, const Dataset& data, int64_t batch_size, int64_t limit_batches,
                 int workers, Predictions* predictions) {
  const Classifier classifier = classifier_of(session.model(), "loss");
  int64_t count = data.size();
  if (limit_batches > 0) count = std::min(count, limit_batches * batch_size);
  BoundEntry loss(session, "loss", std::min(batch_size, count));
  session.prepare_for(loss.entry());
  const auto* scores = loss.output<float>(classifier.predict);
  const auto* mean = loss.output<float>("loss");

  std::vector<uint32_t> order(static_cast<size_t>(count));
  std::iota(order.begin(), order.end(), 0u);
  Loader loader(data, {.order = std::move(order), .batch_size = batch_size, .shape = classifier.shape},
                workers);
  Metrics metrics;
  while (interrupted() == 0) {
    const Batch batch = loader.next();
    if (batch.size == 0) break;
    loss.bind(classifier.image, batch.pixels);
    loss.bind(classifier.label, batch.labels);
    loss.run(batch.size);
    metrics.add(batch.size, static_cast<double>(*mean), scores, classifier.classes, batch.labels);
    if (predictions != nullptr)
      predictions->add(metrics.samples - batch.size, batch.size, scores, batch.labels, batch.pixels);
  }
  return metrics;
}

}  // namespace rnrun
