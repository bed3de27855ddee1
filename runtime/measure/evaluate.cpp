#include "runtime/measure/evaluate.h"

#include <algorithm>
#include <cmath>
#include <span>
#include <vector>

#include "runtime/data/loader.h"
#include "runtime/model/bound_entry.h"
#include "runtime/support/interrupt.h"
#include "runtime/task/classifier.h"

namespace rnrun {

namespace {

// At most `most` of `size` samples, evenly chosen: data are often sorted by class.
std::vector<uint32_t> chosen(int64_t size, int64_t most) {
  const int64_t count = std::min(size, most);
  std::vector<uint32_t> indices;
  for (int64_t i = 0; i < count; ++i) indices.push_back(static_cast<uint32_t>(i * size / count));
  return indices;
}

// The mean over the batch of -log softmax(scores)[label], as PyTorch's cross_entropy.
double cross_entropy(const float* scores, const int32_t* labels, int64_t batch, int64_t classes) {
  double sum = 0;
  for (int64_t n = 0; n < batch; ++n) {
    const float* row = scores + n * classes;
    const double shift = *std::max_element(row, row + classes);
    double total = 0;
    for (int64_t k = 0; k < classes; ++k) total += std::exp(row[k] - shift);
    sum += std::log(total) - (row[labels[n]] - shift);
  }
  return sum / static_cast<double>(batch);
}

}  // namespace

bool has_loss(const Model& model) { return model.find_entry(RN_EVALUATE) != nullptr; }

const rn_entry& evaluated_entry(const Model& model) {
  return model.entry(has_loss(model) ? RN_EVALUATE : RN_INFER);
}

Classifier evaluated_classifier(const Model& model) {
  return has_loss(model) ? classifier_of(model, evaluated_entry(model)) : predictor_of(model);
}

Metrics evaluate(Session& session, const Dataset& data, int64_t batch_size, int64_t limit_batches,
                 int workers, Predictions* predictions) {
  const Classifier classifier = evaluated_classifier(session.model());
  const std::vector<uint32_t> order =
      limit_batches > 0 ? chosen(data.size(), limit_batches * batch_size) : chosen(data.size(), data.size());
  BoundEntry entry(session, evaluated_entry(session.model()),
                   std::min(batch_size, static_cast<int64_t>(order.size())));
  session.prepare_for(entry.entry());
  const auto* scores = entry.output<float>(classifier.predict);
  const auto* mean = classifier.loss.empty() ? nullptr : entry.output<float>(classifier.loss);

  Loader loader(data, {.order = order, .batch_size = batch_size, .shape = classifier.shape}, workers);
  Metrics metrics;
  while (interrupted() == 0) {
    const Batch batch = loader.next();
    if (batch.size == 0) break;
    bind_batch(entry, classifier, batch);
    entry.run(batch.size);
    if (predictions != nullptr) {
      const auto indices =
          std::span(order).subspan(static_cast<size_t>(metrics.samples), static_cast<size_t>(batch.size));
      predictions->add(indices, scores, batch.labels, batch.pixels);
    }
    const double loss = mean != nullptr ? static_cast<double>(*mean)
                                        : cross_entropy(scores, batch.labels, batch.size, classifier.classes);
    metrics.add(batch.size, loss, scores, classifier.classes, batch.labels);
  }
  return metrics;
}

}  // namespace rnrun
