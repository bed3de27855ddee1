#include "runtime/train_settings.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>
#include <optional>

#include "runtime/lr_schedule.h"

namespace rnrun {

namespace {

constexpr double kLargest = 1e6;         // of learning rates and the like
constexpr double kLargestSide = 10'000;  // of a part of an image, in pixels
constexpr double kLargestSeed = 0x1p64;

template <class T>
std::optional<T> parse(std::string_view text, double smallest, double largest) {
  T value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  const bool inside = static_cast<double>(value) >= smallest && static_cast<double>(value) <= largest;
  if (error != std::errc() || end != text.data() + text.size() || !inside) return std::nullopt;
  return value;
}

std::optional<std::vector<int64_t>> parse_list(std::string_view text, double smallest, double largest) {
  if (text.starts_with('[') && text.ends_with(']')) text = text.substr(1, text.size() - 2);
  std::vector<int64_t> values;
  while (!text.empty()) {
    const size_t end = std::min(text.find_first_of(", "), text.size());
    if (end > 0) {
      const auto value = parse<int64_t>(text.substr(0, end), smallest, largest);
      if (!value || (!values.empty() && *value <= values.back())) return std::nullopt;
      values.push_back(*value);
    }
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return values;
}

std::optional<bool> parse_boolean(std::string_view text) {
  if (text == "true" || text == "1") return true;
  if (text == "false" || text == "0") return false;
  return std::nullopt;
}

std::string number_text(double value) {
  return value >= 1e15 ? fmt::format("{:.3g}", value) : fmt::format("{}", value);
}

// Sets the field it is called with; false when the text is not allowed.
struct Assign {
  TrainSettings& settings;
  const Setting& s;
  std::string_view text;

  bool operator()(int64_t TrainSettings::*f) const {
    return to(f, parse<int64_t>(text, s.smallest, s.largest));
  }
  bool operator()(uint64_t TrainSettings::*f) const {
    return to(f, parse<uint64_t>(text, s.smallest, s.largest));
  }
  bool operator()(double TrainSettings::*f) const {
    return to(f, parse<double>(text, s.smallest, s.largest));
  }
  bool operator()(bool TrainSettings::*f) const { return to(f, parse_boolean(text)); }
  bool operator()(std::vector<int64_t> TrainSettings::*f) const {
    return to(f, parse_list(text, s.smallest, s.largest));
  }
  bool operator()(std::string TrainSettings::*f) const {
    const bool known = s.choices.empty() || std::ranges::find(s.choices, text) != s.choices.end();
    return to(f, known ? std::optional(std::string(text)) : std::nullopt);
  }

 private:
  template <class T>
  bool to(T TrainSettings::*f, std::optional<T> value) const {
    if (value) settings.*f = *std::move(value);
    return value.has_value();
  }
};

struct TextOf {
  const TrainSettings& settings;
  std::string operator()(std::vector<int64_t> TrainSettings::*f) const {
    return fmt::format("{}", fmt::join(settings.*f, ","));
  }
  std::string operator()(auto f) const { return fmt::format("{}", settings.*f); }
};

struct Allowed {
  const Setting& s;
  std::string range() const {
    return fmt::format("from {} to {}", number_text(s.smallest), number_text(s.largest));
  }
  std::string operator()(double TrainSettings::*) const { return "a number " + range(); }
  std::string operator()(bool TrainSettings::*) const { return "true or false"; }
  std::string operator()(std::vector<int64_t> TrainSettings::*) const {
    return "growing integers " + range();
  }
  std::string operator()(std::string TrainSettings::*) const {
    return fmt::format("one of {}", fmt::join(s.choices, ", "));
  }
  std::string operator()(auto) const { return "an integer " + range(); }
};

}  // namespace

const std::vector<Setting>& train_settings() {
  using S = TrainSettings;
  static const std::vector<Setting> table = {
      {"epochs", &S::epochs, 1, kMaxEpochs, {}, "how often to go through the data"},
      {"batch_size", &S::batch_size, 1, kMaxBatch, {}, "images per batch"},
      {"accumulate", &S::accumulate, 1, kMaxBatch, {}, "batches whose gradients make one step"},
      {"lr", &S::lr, 0, kLargest, {}, "learning rate"},
      {"lr_scheduler", &S::lr_scheduler, 0, 0, lr_schedulers(),
       "how the learning rate goes; PyTorch's names are known too: steplr, cosineannealinglr, ..."},
      {"lr_interval",
       &S::lr_interval,
       0,
       0,
       {"epoch", "step"},
       "when the learning rate changes: after an epoch, or after every step"},
      {"lr_step_size",
       &S::lr_step_size,
       1,
       kMaxEpochs,
       {},
       "step: epochs until the rate falls by --lr-gamma"},
      {"lr_gamma", &S::lr_gamma, 0, 1, {}, "step, multistep, exponential: by what the rate is multiplied"},
      {"lr_milestones", &S::lr_milestones, 1, kMaxEpochs, {}, "multistep: epochs after which the rate falls"},
      {"lr_min", &S::lr_min, 0, kLargest, {}, "cosine: the last rate"},
      {"lr_pct_start", &S::lr_pct_start, 0, 1, {}, "onecycle: the part of the steps in which the rate grows"},
      {"lr_div_factor", &S::lr_div_factor, 1, kLargest, {}, "onecycle: the first rate is lr by this"},
      {"lr_final_div_factor",
       &S::lr_final_div_factor,
       1,
       1e12,
       {},
       "onecycle: the last rate is the first by this"},
      {"lr_warmup_epochs", &S::lr_warmup_epochs, 0, kMaxEpochs, {}, "epochs before the schedule begins"},
      {"lr_warmup_method",
       &S::lr_warmup_method,
       0,
       0,
       {"linear", "constant"},
       "how the rate goes in them: up to lr, or constant"},
      {"lr_warmup_decay", &S::lr_warmup_decay, 0, 1, {}, "the warm-up begins with lr times this"},
      {"random_resized_crop",
       &S::random_resized_crop,
       0,
       1,
       {},
       "train on random parts of the images, scaled (8 to 100 % of the area, sides 3:4 to 4:3)"},
      {"random_crop",
       &S::random_crop,
       0,
       kLargestSide,
       {},
       "shift images by up to so many pixels; black comes in"},
      {"hflip", &S::hflip, 0, 1, {}, "mirror images with this probability"},
      {"cutout",
       &S::cutout,
       0,
       kLargestSide,
       {},
       "make a random square with this side grey (128 of 255, which normalisation takes to about 0, the "
       "value "
       "torchvision and the paper fill in after it); 0: none"},
      {"mixup_alpha",
       &S::mixup_alpha,
       0,
       1000,
       {},
       "mix pairs of images, with shares Beta(alpha, alpha) distributed; 0: no mixtures"},
      {"clip_grad_norm",
       &S::clip_grad_norm,
       0,
       1e12,
       {},
       "scale gradients down to this norm, all together; 0: as they are"},
      {"model_ema", &S::model_ema, 0, 1, {}, "keep and evaluate a moving average of the weights"},
      {"model_ema_decay", &S::model_ema_decay, 0, 1, {}, "its decay per update, as torchvision's"},
      {"model_ema_steps", &S::model_ema_steps, 1, kMaxCount, {}, "steps between its updates"},
      {"early_stop",
       &S::early_stop,
       0,
       kMaxEpochs,
       {},
       "end when so many evaluations were no better than the best; 0: never"},
      {"grad_norm_every",
       &S::grad_norm_every,
       0,
       kMaxCount,
       {},
       "record the norm of each gradient every so many steps; 0: never"},
      {"print_freq", &S::print_freq, 0, kMaxCount, {}, "batches between lines; 0: a line now and then"},
      {"seed", &S::seed, 0, kLargestSeed, {}, "of initial values and shuffling"},
      {"limit_batches",
       &S::limit_batches,
       0,
       kMaxCount,
       {},
       "use only so many batches per epoch and evaluation; 0: all"},
  };
  return table;
}

Augmentation augmentation_of(const TrainSettings& s) {
  return {.random_resized_crop = s.random_resized_crop,
          .random_crop = s.random_crop,
          .hflip = s.hflip,
          .cutout = s.cutout};
}

std::string flag_of(std::string_view setting) {
  std::string flag = fmt::format("--{}", setting);
  std::ranges::replace(flag, '_', '-');
  return flag;
}

bool set(TrainSettings& settings, const Setting& setting, std::string_view text) {
  if (setting.name == "lr_scheduler") text = lr_scheduler_of(text);
  return std::visit(Assign{settings, setting, text}, setting.field);
}

std::string text_of(const TrainSettings& settings, const Setting& setting) {
  return std::visit(TextOf{settings}, setting.field);
}

std::string allowed(const Setting& setting) { return std::visit(Allowed{setting}, setting.field); }

}  // namespace rnrun
