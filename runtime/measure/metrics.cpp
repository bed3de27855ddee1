#include "runtime/measure/metrics.h"

#include <cmath>

namespace rnrun {

void Metrics::add(int64_t batch, double mean_loss, const float* scores, int64_t classes,
                  const int32_t* labels) {
  samples += batch;
  loss_sum += mean_loss * static_cast<double>(batch);
  for (int64_t n = 0; n < batch; ++n, scores += classes) {
    const int64_t label = labels[n];
    const float score = scores[label];
    int64_t higher = std::isnan(score) ? classes : 0;
    for (int64_t k = 0; k < classes; ++k) {
      const bool ahead = scores[k] > score || std::isnan(scores[k]) || (scores[k] == score && k < label);
      if (k != label && ahead) ++higher;
    }
    top1 += higher < 1 ? 1 : 0;
    top5 += higher < 5 ? 1 : 0;
  }
}

void Metrics::add(const Metrics& other) {
  samples += other.samples;
  loss_sum += other.loss_sum;
  top1 += other.top1;
  top5 += other.top5;
}

}  // namespace rnrun
