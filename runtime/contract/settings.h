// The settings of a training: one table for what a recipe may say, for rnrun's flags and for what checkpoints
// keep, so that what compiles is what runs. Names and meanings are those of torchvision's
// references/classification/train.py where it has them.
#pragma once

#include <array>
#include <cstdint>
#include <limits>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>

namespace contract {

inline constexpr int64_t kMaxEpochs = 1'000'000;
inline constexpr int64_t kMaxBatch = int64_t{1} << 20;
inline constexpr int64_t kMaxCount = int64_t{1} << 40;  // of steps, samples and batches

enum class SettingKind : uint8_t { integer, real, boolean, word, integers, reals };

struct Bounds {
  double smallest = 0;
  double largest = 0;
};

struct Setting {
  std::string_view name;  // in a recipe and in checkpoints; a flag has '-' for '_'
  SettingKind kind = SettingKind::real;
  double initial = 0;   // the default; NaN: none. Of words the first is it, of lists the empty one.
  double smallest = 0;  // of numbers, and of each in a list
  double largest = 0;
  std::string_view help = {};
  std::array<std::string_view, 8> words = {};
  std::array<Bounds, 5> each = {};      // a list that is empty or has an element for each of these
  std::string_view without_value = {};  // what the flag means without a value; empty: it needs one
  bool odd = false;                     // of integers: even ones are not allowed
};

namespace table {

inline constexpr double kNone = std::numeric_limits<double>::quiet_NaN();
inline constexpr double kLargest = 1e6;         // of learning rates and the like
inline constexpr double kLargestSide = 10'000;  // of a part of an image, in pixels
inline constexpr double kLargestLabel = 0x1p31;
inline constexpr double kLargestSeed = 0x1p64;
inline constexpr double kLargestBlur = 255;
inline constexpr double kEpochs = kMaxEpochs, kBatch = kMaxBatch, kCount = kMaxCount;

using enum SettingKind;
inline constexpr Setting kSettings[] = {
    {"epochs", integer, 10, 1, kEpochs, "how often to go through the data"},
    {"batch_size", integer, 64, 1, kBatch, "images per batch"},
    {"drop_last", boolean, 0, 0, 1, "leave out an epoch's last batch where it is smaller than the others"},
    {"sampler",
     word,
     0,
     0,
     0,
     "what an epoch's images are: each once, or as many drawn with each class equally likely, with "
     "replacement",
     {"random", "balanced"}},
    {"repeat_augment", integer, 1, 1, 64,
     "how often each image comes in an epoch, one after the other, changed at random in another way each "
     "time"},
    {"accumulate", integer, 1, 1, kBatch, "batches whose gradients make one step"},
    {"micro_batches", integer, 0, 0, kBatch,
     "parts that each batch is cut into, whose gradients make one step and which the ranks under mpirun "
     "share; "
     "results depend on their number and not on that of the ranks. 0: 8 under mpirun, else 1"},
    {"lr", real, kNone, 0, kLargest, "learning rate"},
    {"layer_decay", real, 1, 1e-3, 1,
     "by what the rate of each block of layers is multiplied against the next one's; the last has lr"},
    {"freeze_epochs", integer, 0, 0, kEpochs,
     "epochs at the beginning in which parameters stay as they are: those that --freeze names, or that "
     "--partial has "
     "loaded"},
    {"lr_scheduler",
     word,
     0,
     0,
     0,
     "how the learning rate goes; PyTorch's names are known too: steplr, cosineannealinglr, ...",
     {"constant", "step", "multistep", "exponential", "cosine", "onecycle"}},
    {"lr_interval",
     word,
     0,
     0,
     0,
     "when the learning rate changes: after an epoch, or after every step",
     {"epoch", "step"}},
    {"lr_step_size", integer, 30, 1, kEpochs, "step: epochs until the rate falls by --lr-gamma"},
    {"lr_gamma", real, 0.1, 0, 1, "step, multistep, exponential: by what the rate is multiplied"},
    {"lr_milestones", integers, 0, 1, kEpochs,
     "multistep: epochs after the warm-up after which the rate falls; one given twice counts twice"},
    {"lr_min", real, 0, 0, kLargest, "cosine: the last rate"},
    {"lr_pct_start", real, 0.3, 0, 1, "onecycle: the part of the steps in which the rate grows"},
    {"lr_div_factor", real, 25, 1, kLargest, "onecycle: the first rate is lr by this"},
    {"lr_final_div_factor", real, 1e4, 1, 1e12, "onecycle: the last rate is the first by this"},
    {"lr_warmup_epochs", integer, 0, 0, kEpochs, "epochs before the schedule begins"},
    {"lr_warmup_method",
     word,
     0,
     0,
     0,
     "how the rate goes in them: up to lr, or constant",
     {"linear", "constant"}},
    {"lr_warmup_decay", real, 0.01, 0, 1, "the warm-up begins with lr times this"},
    // What a model is for, where its types do not say it: compiled, as rnrun's commands need it that do not train.
    {"task",
     word,
     0,
     0,
     0,
     "what predictions are compared with, and so which figures there are",
     {"auto", "classification", "segmentation", "images", "multi_label", "similarity", "regression"}},
    // The default of the model's input of that name: see README, Recipes.
    {"label_smoothing", real, kNone, 0, 1, "share of the label that is spread over all classes"},
    {"val_split", real, 0, 0, 0.99,
     "keep this share of the training images for validation, of each class the same; 0: the data have a "
     "split for it"},
    {"label_offset", integer, 0, -kLargestLabel, kLargestLabel,
     "add this to labels: -1 where they count from 1"},
    {"exif_transpose", boolean, 0, 0, 1, "turn and mirror image files as their EXIF orientation says"},
    {"random_resized_crop", boolean, 0, 0, 1,
     "train on random parts of the images, scaled (8 to 100 % of the area, sides 3:4 to 4:3)"},
    {"random_crop", integer, 0, 0, kLargestSide, "shift images by up to so many pixels; black comes in"},
    {"hflip", real, 0, 0, 1, "mirror images with this probability"},
    {"vflip", real, 0, 0, 1, "turn images upside down with this probability"},
    {"auto_augment",
     word,
     0,
     0,
     0,
     "AutoAugment: a pair of operations, of 25 that were found for these data",
     {"none", "imagenet", "cifar10", "svhn"}},
    {.name = "randaugment",
     .kind = integers,
     .help = "RandAugment: so many random operations of this magnitude of 0 to 30; 2,9 without a value",
     .each = {{{0, 100}, {0, 30}}},
     .without_value = "2,9"},
    {"trivial_augment", boolean, 0, 0, 1, "TrivialAugmentWide: one random operation of any magnitude"},
    {.name = "color_jitter",
     .kind = reals,
     .help = "change brightness, contrast, saturation and hue by up to so much: 0.4,0.4,0.4,0.1",
     .each = {{{0, 100}, {0, 100}, {0, 100}, {0, 0.5}}}},
    {"rotation", real, 0, 0, 180, "turn images by up to so many degrees either way"},
    {.name = "random_affine",
     .kind = reals,
     .help =
         "turn images by up to so many degrees, move them by up to this part of their sides, scale them by a "
         "factor between these two and shear them by up to so many degrees: 10,0.1,0.9,1.1,5",
     .each = {{{0, 180}, {0, 1}, {0.01, 100}, {0.01, 100}, {0, 89}}}},
    {.name = "random_perspective",
     .kind = reals,
     .help = "move the corners inwards by up to this part of half a side, with this probability; 0.5,0.5 "
             "without a value",
     .each = {{{0, 1}, {0, 1}}},
     .without_value = "0.5,0.5"},
    {.name = "gaussian_blur",
     .kind = integer,
     .initial = 1,
     .smallest = 1,
     .largest = kLargestBlur,
     .help = "blur images with so many weights in each direction, sigma 0.1 to 2; 1: not at all",
     .odd = true},
    {"random_erasing", real, 0, 0, 1,
     "make a random rectangle grey (as cutout does) with this probability: 2 to 33 % of the area, sides 0.3 "
     "to 3.3"},
    {"cutout", integer, 0, 0, kLargestSide,
     "make a random square with this side grey (128 of 255, which normalisation takes to about 0, the value "
     "torchvision and the paper fill in after it); 0: none"},
    {"noise", real, 0, 0, 255,
     "of a model that makes images of images, with data that have only those to be made: the standard "
     "deviation of "
     "Gaussian noise, of 255, that is added to what it is given"},
    {"mixup_alpha", real, 0, 0, 1000,
     "mix pairs of images, with shares Beta(alpha, alpha) distributed; 0: no mixtures"},
    {"cutmix_alpha", real, 0, 0, 1000,
     "put a rectangle of another image in each, of a part of the area that is Beta(alpha, alpha) "
     "distributed; 0: none. With mixup-alpha, each batch has one of the two, at random"},
    {"clip_grad_norm", real, 0, 0, 1e12, "scale gradients down to this norm, all together; 0: as they are"},
    {"model_ema", boolean, 0, 0, 1, "keep and evaluate a moving average of the weights"},
    {"model_ema_decay", real, 0.99998, 0, 1, "its decay per update, as torchvision's"},
    {"model_ema_steps", integer, 32, 1, kCount, "steps between its updates"},
    {"eval_every", integer, 1, 0, kEpochs, "evaluate after so many epochs, and after the last; 0: never"},
    {"early_stop", integer, 0, 0, kEpochs,
     "end when so many evaluations were no better than the best; 0: never"},
    {"grad_norm_every", integer, 100, 0, kCount,
     "record the norm of each gradient every so many steps; 0: never"},
    {"print_freq", integer, 0, 0, kCount, "batches between lines; 0: a line now and then"},
    {"seed", integer, 0, 0, kLargestSeed, "of initial values and shuffling"},
    {"limit_batches", integer, 0, 0, kCount, "use only so many batches per epoch and evaluation; 0: all"},
};

}  // namespace table

constexpr std::span<const Setting> settings() { return table::kSettings; }

// Null when there is none.
constexpr const Setting* find_setting(std::string_view name) {
  for (const Setting& setting : settings())
    if (setting.name == name) return &setting;
  return nullptr;
}

// A setting that there is, at compile time. (By value: with UBSan, gcc takes no comparison of a pointer with
// null for a constant.)
consteval Setting setting_named(std::string_view name) {
  for (const Setting& setting : settings())
    if (setting.name == name) return setting;
  throw std::logic_error("no such setting");
}
// Its default.
template <class T>
consteval T initial(std::string_view name) {
  return static_cast<T>(setting_named(name).initial);
}
consteval std::string_view initial_word(std::string_view name) { return setting_named(name).words[0]; }

// Those there are.
std::span<const std::string_view> words(const Setting& setting);
// "cosine" for "cosineannealinglr" and the like; other words as they are.
std::string_view lr_scheduler_of(std::string_view name);
bool allows(const Setting& setting, double number);
bool allows(const Setting& setting, std::string_view word);
bool allows(const Setting& setting, std::span<const double> list);
// What is allowed: "an integer from 1 to 1000000", "one of epoch, step".
std::string allowed(const Setting& setting);

}  // namespace contract
