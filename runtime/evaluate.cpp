#include "runtime/evaluate.h"

#include <algorithm>
#include <numeric>
#include <vector>

#include "runtime/bound_entry.h"
#include "runtime/classifier.h"
#include "runtime/interrupt.h"

namespace rnrun {

Metrics evaluate(Session& session, const Dataset& data, int64_t batch_size, int64_t limit_batches,
                 Predictions* predictions) {
  const Classifier classifier = classifier_of(session.model(), "loss");
  int64_t count = data.size();
  if (limit_batches > 0) count = std::min(count, limit_batches * batch_size);
  BoundEntry loss(session, "loss", std::min(batch_size, count));
  session.prepare_for(loss.entry());
  auto* pixels = loss.input<uint8_t>(classifier.image);
  auto* labels = loss.input<int32_t>(classifier.label);
  const auto* scores = loss.output<float>(classifier.predict);
  const auto* mean = loss.output<float>("loss");

  Metrics metrics;
  std::vector<uint32_t> indices;
  for (int64_t first = 0; first < count && interrupted() == 0; first += batch_size) {
    indices.resize(static_cast<size_t>(std::min(batch_size, count - first)));
    std::iota(indices.begin(), indices.end(), static_cast<uint32_t>(first));
    const auto batch = static_cast<int64_t>(indices.size());
    read_batch(data, indices, session.pool(), pixels, labels);
    loss.run(batch);
    metrics.add(batch, static_cast<double>(*mean), scores, classifier.classes, labels);
    if (predictions != nullptr) predictions->add(first, batch, scores, labels, pixels);
  }
  return metrics;
}

}  // namespace rnrun
