// What a training depends on besides the model and the data. Each setting is a row of the table in
// contract/settings.h, which gives it its name in a recipe and in checkpoints, its flag (with '-' for '_'),
// its default and its range; its value is kept here.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "runtime/contract/settings.h"
#include "runtime/data/loader.h"
#include "runtime/data/sampler.h"

namespace rnrun {

using contract::kMaxBatch;
using contract::kMaxCount;
using contract::kMaxEpochs;

// The same settings give the same weights, bit for bit.
struct TrainSettings {
  std::string data;  // see open_data
  int64_t epochs = contract::initial<int64_t>("epochs");
  int64_t batch_size = contract::initial<int64_t>("batch_size");
  bool drop_last = contract::initial<bool>("drop_last");
  std::string sampler{contract::initial_word("sampler")};  // see data/sampler.h
  int64_t repeat_augment = contract::initial<int64_t>("repeat_augment");
  int64_t accumulate = contract::initial<int64_t>("accumulate");        // batches per step
  int64_t micro_batches = contract::initial<int64_t>("micro_batches");  // see step_parts.h
  double lr = contract::initial<double>("lr");
  std::string lr_mult;  // see lr_factors.h, as are the three below
  double layer_decay = contract::initial<double>("layer_decay");
  int64_t freeze_epochs = contract::initial<int64_t>("freeze_epochs");
  std::string freeze;
  std::map<std::string, double> hyper;  // the optimizer's other numbers: "momentum", ...
  std::map<std::string, std::vector<float>>
      shared_inputs;  // by name, of those without a batch: weights of classes

  // See lr_schedule.h.
  std::string lr_scheduler{contract::initial_word("lr_scheduler")};
  std::string lr_interval{contract::initial_word("lr_interval")};
  int64_t lr_step_size = contract::initial<int64_t>("lr_step_size");
  double lr_gamma = contract::initial<double>("lr_gamma");
  std::vector<int64_t> lr_milestones;
  double lr_min = contract::initial<double>("lr_min");
  double lr_pct_start = contract::initial<double>("lr_pct_start");
  double lr_div_factor = contract::initial<double>("lr_div_factor");
  double lr_final_div_factor = contract::initial<double>("lr_final_div_factor");
  int64_t lr_warmup_epochs = contract::initial<int64_t>("lr_warmup_epochs");
  std::string lr_warmup_method{contract::initial_word("lr_warmup_method")};
  double lr_warmup_decay = contract::initial<double>("lr_warmup_decay");

  // See DataOptions in data/data_options.h.
  int64_t val_split_of = 0;  // the samples that val_split has divided; 0: not known
  double val_split = contract::initial<double>("val_split");
  int64_t label_offset = contract::initial<int64_t>("label_offset");
  bool exif_transpose = contract::initial<bool>("exif_transpose");

  // See Augmentation in data/augment/augment.h.
  bool random_resized_crop = contract::initial<bool>("random_resized_crop");
  int64_t random_crop = contract::initial<int64_t>("random_crop");
  double hflip = contract::initial<double>("hflip");
  double vflip = contract::initial<double>("vflip");
  std::string auto_augment{contract::initial_word("auto_augment")};
  std::vector<int64_t> randaugment;
  bool trivial_augment = contract::initial<bool>("trivial_augment");
  std::vector<double> color_jitter;
  double rotation = contract::initial<double>("rotation");
  std::vector<double> random_affine;
  std::vector<double> random_perspective;
  int64_t gaussian_blur = contract::initial<int64_t>("gaussian_blur");
  double random_erasing = contract::initial<double>("random_erasing");
  int64_t cutout = contract::initial<int64_t>("cutout");
  double noise = contract::initial<double>("noise");              // see data/degrade.h
  double mixup_alpha = contract::initial<double>("mixup_alpha");  // see data/augment/mixture.h
  double cutmix_alpha = contract::initial<double>("cutmix_alpha");

  double clip_grad_norm = contract::initial<double>("clip_grad_norm");  // of all gradients; 0: any
  bool model_ema = contract::initial<bool>("model_ema");                // see model_ema.h
  double model_ema_decay = contract::initial<double>("model_ema_decay");
  int64_t model_ema_steps = contract::initial<int64_t>("model_ema_steps");
  int64_t eval_every = contract::initial<int64_t>("eval_every");            // epochs; 0: never
  int64_t early_stop = contract::initial<int64_t>("early_stop");            // evaluations; 0: never
  int64_t grad_norm_every = contract::initial<int64_t>("grad_norm_every");  // steps; 0: never
  int64_t print_freq = contract::initial<int64_t>("print_freq");            // batches; 0: now and then
  uint64_t seed = contract::initial<uint64_t>("seed");
  int64_t limit_batches = contract::initial<int64_t>("limit_batches");  // per epoch and evaluation; 0: all
};

// A row of the table, and where its value is kept.
struct Setting : contract::Setting {
  using Field = std::variant<int64_t TrainSettings::*, uint64_t TrainSettings::*, double TrainSettings::*,
                             bool TrainSettings::*, std::string TrainSettings::*,
                             std::vector<int64_t> TrainSettings::*, std::vector<double> TrainSettings::*>;
  Field field;
};

SamplerOptions sampler_of(const TrainSettings& settings);
// Whether training images are changed at random.
bool changes_images(const TrainSettings& settings);
// Those that are any text, by name.
const std::vector<std::pair<std::string, std::string TrainSettings::*>>& text_settings();
// How the samples of an epoch, at these places of the data set, are made.
LoaderPlan training_plan(const TrainSettings& settings, std::vector<Field> fields,
                         std::vector<uint32_t> order, int64_t epoch);

// All settings but `data`, `hyper`, `shared_inputs` and texts that may be anything, text_settings().
const std::vector<Setting>& train_settings();
// "--lr-step-size" for "lr_step_size".
std::string flag_of(std::string_view setting);
// Sets it to what `text` says: a number, "true", a word, or integers as in "30, 60" with or without brackets.
// False when that is not allowed; nothing has changed then.
bool set(TrainSettings& settings, const Setting& setting, std::string_view text);
// Text that `set` reads as the same value.
std::string text_of(const TrainSettings& settings, const Setting& setting);

}  // namespace rnrun
