// An exponential moving average of parameters and buffers (running statistics), as torchvision's train.py keeps it with
// --model-ema: every model_ema_steps steps of an epoch, beginning with its first,
//
//   average = decay average + (1 - decay) value
//   1 - decay = (1 - model_ema_decay) batch_size model_ema_steps / epochs, but at most 1
//
// where batch_size is that of a step. The first update, and all those in warm-up epochs, copy.
#pragma once

#include <cstdint>
#include <string_view>

#include "runtime/model/session.h"
#include "runtime/support/memory.h"
#include "runtime/train/train_settings.h"

namespace rnrun {

// 1 - decay of one update.
double ema_share(const TrainSettings& settings);

// `session` must outlive it.
class ModelEma {
 public:
  // Begins with the session's values; `updates`: how many it has had.
  ModelEma(Session& session, const TrainSettings& settings, int64_t updates);
  // Sets the averages: parameters and buffers by their names. `source` is for messages. Throws Error when
  // they do not fit the model.
  void set(const Arrays& averages, std::string_view source);
  Arrays averages();

  // After step `step_of_epoch` (from 0) of epoch `epoch` (from 0).
  void after_step(int64_t epoch, int64_t step_of_epoch);
  int64_t updates() const { return updates_; }
  // Exchanges the session's parameters and buffers and the averages.
  void exchange();

 private:
  Session* session_;
  float share_;
  int64_t steps_;
  int64_t warmup_epochs_;
  int64_t updates_;
  Memory parameters_;
  Memory buffers_;
};

}  // namespace rnrun
