// Checkpoints: a safetensors file with all tensors of a model in plain layout under their names, moving
// averages as "ema.<name>", and in its metadata how far the training had come.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/model/session.h"
#include "runtime/support/safetensors.h"
#include "runtime/task/metrics.h"
#include "runtime/train/train_settings.h"

namespace rnrun {

// Where a training stands.
struct TrainPosition {
  int64_t epoch = 0;        // epochs finished
  int64_t position = 0;     // samples of the current epoch already seen
  int64_t step = 0;         // steps done since the beginning
  Metrics metrics;          // of the current epoch
  int64_t ema_updates = 0;  // that the moving averages have had
  double best = -1;         // the task's first metric, of the evaluations so far
  int64_t best_epoch = 0;   // after which it was reached, from 1; 0: none yet
  int64_t not_better = 0;   // evaluations since then
};

// In the metadata of a checkpoint: TrainSettings::val_split_of.
inline constexpr std::string_view kValSplitOf = "val_split_of";

struct Checkpoint {
  TrainSettings settings;
  TrainPosition position;
  Arrays ema;  // moving averages of parameters and buffers by name; empty if there are none
  std::vector<std::string>
      classes;  // the names that the training data have for the classes, if they have some
};

// The file, and what is in it: `path` is for messages.
TensorFile checkpoint_file(const Session& session, const Checkpoint& checkpoint);
Checkpoint take_checkpoint(TensorFile file, const std::string& path, Session& session);

// Atomic and synced: see replace_file.
void save_checkpoint(const std::string& path, const Session& session, const Checkpoint& checkpoint);
// Sets the session's parameters, buffers and slots. Throws Error naming what differs when the file is not a
// checkpoint of this model.
Checkpoint load_checkpoint(const std::string& path, Session& session);

// The names of classes in a checkpoint's metadata; none if there are none. Throws Error, naming `path`, when
// what is there is none.
std::vector<std::string> checkpoint_classes(const std::map<std::string, std::string>& metadata,
                                            const std::string& path);

// The values of inputs without a batch that a checkpoint was trained with, by name; none if there are none. Throws as
// checkpoint_classes.
std::map<std::string, std::vector<float>> checkpoint_inputs(
    const std::map<std::string, std::string>& metadata, const std::string& path);

}  // namespace rnrun
