// Weights from files: checkpoints of rnrun, and state_dicts of PyTorch as torch.save or safetensors write them
// (weights_file.h). Tensors are found by name; names and shapes are the same on both sides. f16, bf16 and f64
// are converted to f32.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "runtime/model/session.h"
#include "runtime/train/train_settings.h"

namespace rnrun {

struct WeightsOptions {
  bool partial = false;  // load what fits, whatever else the file has or lacks
  bool slots = false;    // also the optimizer's state, if the file has some of this model's
  bool inputs = false;   // also the values of scalar and shared inputs that a checkpoint was trained with
};

// How a file and a model compare.
struct WeightsMatch {
  int64_t loaded = 0;                   // tensors set
  std::vector<std::string> parameters;  // those of the model among them
  std::vector<std::string> missing;     // the model has them, the file not
  std::vector<std::string> extra;       // the file has them, the model not
  std::vector<std::string> misshapen;   // "fc.weight: f32[10, 512], the model has f32[1000, 512]"
  std::vector<std::string> classes;     // that a checkpoint has names for
  TrainSettings settings;               // that a checkpoint was trained with; else the defaults
  std::map<DType, int64_t> converted;   // how many of those loaded were of another element type
  std::vector<std::string> notes;       // what is to be said of the file, a sentence each
};

// `path` is a file or a directory. Sets parameters and buffers; where a checkpoint has moving averages, to these. PyTorch's counters
// "num_batches_tracked" and "n_averaged" and the optimizer state in a checkpoint of rnrun are no part of the comparison.
// Throws Error, and has changed nothing then: listing every name that differs, and telling the
// numbers of classes where that is the difference; naming the model a checkpoint
// is of when it computes something else with the same tensors; and with `partial`, when no tensor fits.
WeightsMatch load_weights(const std::string& path, Session& session, const WeightsOptions& options = {});

// "W: 120 of 122 tensors loaded" and, where there are any, lines naming the others. No newline at the end.
std::string weights_text(const std::string& path, const WeightsMatch& match);

}  // namespace rnrun
