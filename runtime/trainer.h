// Trains a model on a data set, epoch by epoch.
#pragma once

#include <string>

#include "runtime/checkpoint.h"
#include "runtime/classifier.h"
#include "runtime/data/dataset.h"
#include "runtime/metrics.h"
#include "runtime/progress.h"
#include "runtime/session.h"

namespace rnrun {

struct TrainOutcome {
  int signal = 0;      // that stopped it; 0: it came to its end
  Metrics test;        // of the last evaluation; samples == 0: there was none
  double seconds = 0;  // in this process
  std::string checkpoint;
};

// Owns nothing it is given. The weights after a run are a function of the model, the settings and the data:
// neither the number of threads nor interruptions change a bit.
class Trainer {
 public:
  // `eval_every`: evaluate after that many epochs, and after the last; 0: never.
  Trainer(Session& session, const DataSplits& data, const TrainSettings& settings,
          const std::string& directory, int64_t eval_every);
  // Goes on from `position` to the last epoch. After each epoch, and when interrupted() after a batch, it
  // saves <directory>/checkpoint.safetensors; each epoch adds a line to metrics.jsonl and metrics.csv. Throws
  // Error when the loss is no longer finite.
  TrainOutcome run(TrainPosition position);

  static std::string checkpoint_path(const std::string& directory) {
    return directory + "/checkpoint.safetensors";
  }

 private:
  void train_epoch(TrainPosition& position, Progress& progress);
  void save(const TrainPosition& position) const;

  Session& session_;
  const DataSplits& data_;
  const TrainSettings& settings_;
  std::string directory_;
  int64_t eval_every_;
  Classifier classifier_;
  int64_t samples_per_epoch_;
  double epoch_seconds_ = 0;   // training time of the current epoch, in this process
  int64_t epoch_samples_ = 0;  // trained in that time
};

}  // namespace rnrun
