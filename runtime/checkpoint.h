// Checkpoints: a safetensors file with all tensors of a model in plain layout under their names, and in its
// metadata where the training stood. Also reads files with parameters and buffers only, from anywhere.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "runtime/metrics.h"
#include "runtime/session.h"

namespace rnrun {

inline constexpr int64_t kMaxEpochs = 1'000'000;
inline constexpr int64_t kMaxBatch = int64_t{1} << 20;

// What a training depends on besides the model; the same settings and seed give the same weights, bit for
// bit.
struct TrainSettings {
  std::string data;
  int64_t epochs = 10;
  int64_t batch_size = 64;
  double lr = 0;
  std::string lr_schedule = "constant";  // see lr_schedule.h
  std::map<std::string, double> hyper;   // other scalar inputs of entry train_step: "momentum", ...
  uint64_t seed = 0;
  int64_t limit_batches = 0;  // per epoch and evaluation; 0: all
};

// Where it stands.
struct TrainPosition {
  int64_t epoch = 0;     // epochs finished
  int64_t position = 0;  // samples of the current epoch already seen
  int64_t step = 0;      // steps done since the beginning
  Metrics metrics;       // of the current epoch
};

struct Checkpoint {
  TrainSettings settings;
  TrainPosition position;
};

// Atomic and synced: see replace_file.
void save_checkpoint(const std::string& path, const Session& session, const Checkpoint& checkpoint);
// Sets the session's parameters, buffers and slots. Throws Error naming what differs when the file is not a
// checkpoint of this model.
Checkpoint load_checkpoint(const std::string& path, Session& session);
// Sets parameters and buffers, and slots if the file has them. The file may also be one that other programs
// wrote.
void load_weights(const std::string& path, Session& session);

}  // namespace rnrun
