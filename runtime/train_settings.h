// What a training depends on besides the model and the data. Every setting is a row of one table, which gives
// it its name in a recipe and in checkpoints, its flag (with '-' for '_') and its range.
#pragma once

#include <cstdint>
#include <limits>
#include <map>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "runtime/data/augment.h"

namespace rnrun {

inline constexpr int64_t kMaxEpochs = 1'000'000;
inline constexpr int64_t kMaxBatch = int64_t{1} << 20;
inline constexpr int64_t kMaxCount = int64_t{1} << 40;  // of steps, samples and batches

// The same settings give the same weights, bit for bit. Names and meanings are those of torchvision's
// references/classification/train.py where it has them.
struct TrainSettings {
  std::string data;  // see open_data
  int64_t epochs = 10;
  int64_t batch_size = 64;
  int64_t accumulate = 1;  // batches per step
  double lr = std::numeric_limits<double>::quiet_NaN();
  std::map<std::string, double> hyper;  // the optimizer's other numbers: "momentum", ...

  // See lr_schedule.h.
  std::string lr_scheduler = "constant";
  std::string lr_interval = "epoch";
  int64_t lr_step_size = 30;
  double lr_gamma = 0.1;
  std::vector<int64_t> lr_milestones;
  double lr_min = 0;
  double lr_pct_start = 0.3;
  double lr_div_factor = 25;
  double lr_final_div_factor = 1e4;
  int64_t lr_warmup_epochs = 0;
  std::string lr_warmup_method = "linear";
  double lr_warmup_decay = 0.01;

  // See Augmentation in data/augment.h.
  bool random_resized_crop = false;
  int64_t random_crop = 0;
  double hflip = 0;
  int64_t cutout = 0;
  double mixup_alpha = 0;  // see data/mixup.h

  double clip_grad_norm = 0;  // largest norm of all gradients together; 0: any
  bool model_ema = false;     // see model_ema.h
  double model_ema_decay = 0.99998;
  int64_t model_ema_steps = 32;
  int64_t early_stop = 0;         // evaluations without a better top-1 before it ends; 0: never
  int64_t grad_norm_every = 100;  // steps between records of the gradients' norms; 0: none
  int64_t print_freq = 0;         // batches between lines; 0: one now and then
  uint64_t seed = 0;
  int64_t limit_batches = 0;  // per epoch and evaluation; 0: all
};

struct Setting {
  using Field = std::variant<int64_t TrainSettings::*, uint64_t TrainSettings::*, double TrainSettings::*,
                             bool TrainSettings::*, std::string TrainSettings::*,
                             std::vector<int64_t> TrainSettings::*>;
  std::string_view name;
  Field field;
  double smallest = 0;  // of numbers, and of each in a list
  double largest = 0;
  std::vector<std::string_view> choices;  // of a text; none: any
  std::string_view help;
};

Augmentation augmentation_of(const TrainSettings& settings);

// All settings but `data` and `hyper`.
const std::vector<Setting>& train_settings();
// "--lr-step-size" for "lr_step_size".
std::string flag_of(std::string_view setting);
// Sets it to what `text` says: a number, "true", a word, or integers as in "30, 60" with or without brackets.
// False when that is not allowed; nothing has changed then.
bool set(TrainSettings& settings, const Setting& setting, std::string_view text);
// Text that `set` reads as the same value.
std::string text_of(const TrainSettings& settings, const Setting& setting);
// What is allowed: "an integer from 1 to 1000000", "one of epoch, step".
std::string allowed(const Setting& setting);

}  // namespace rnrun
