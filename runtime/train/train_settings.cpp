#include "runtime/train/train_settings.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>
#include <optional>

namespace rnrun {

namespace {

template <class T>
std::optional<T> parse_number(std::string_view text) {
  T value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

template <class T>
std::optional<T> parse(std::string_view text, const Setting& setting) {
  const auto value = parse_number<T>(text);
  return value && allows(setting, static_cast<double>(*value)) ? value : std::nullopt;
}

template <class T>
std::optional<std::vector<T>> parse_list(std::string_view text, const Setting& setting) {
  if (text.starts_with('[') && text.ends_with(']')) text = text.substr(1, text.size() - 2);
  std::vector<T> values;
  while (!text.empty()) {
    const size_t end = std::min(text.find_first_of(", "), text.size());
    if (end > 0) {
      const auto value = parse_number<T>(text.substr(0, end));
      if (!value) return std::nullopt;
      values.push_back(*value);
    }
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  if (!allows(setting, std::vector<double>(values.begin(), values.end()))) return std::nullopt;
  return values;
}

std::optional<bool> parse_boolean(std::string_view text) {
  if (text == "true" || text == "1") return true;
  if (text == "false" || text == "0") return false;
  return std::nullopt;
}

// Sets the field it is called with; false when the text is not allowed.
struct Assign {
  TrainSettings& settings;
  const Setting& s;
  std::string_view text;

  bool operator()(int64_t TrainSettings::*f) const { return to(f, parse<int64_t>(text, s)); }
  bool operator()(uint64_t TrainSettings::*f) const { return to(f, parse<uint64_t>(text, s)); }
  bool operator()(double TrainSettings::*f) const { return to(f, parse<double>(text, s)); }
  bool operator()(bool TrainSettings::*f) const { return to(f, parse_boolean(text)); }
  bool operator()(std::vector<int64_t> TrainSettings::*f) const {
    return to(f, parse_list<int64_t>(text, s));
  }
  bool operator()(std::vector<double> TrainSettings::*f) const { return to(f, parse_list<double>(text, s)); }
  bool operator()(std::string TrainSettings::*f) const {
    return to(f, allows(s, text) ? std::optional(std::string(text)) : std::nullopt);
  }

 private:
  template <class T>
  bool to(T TrainSettings::*f, std::optional<T> value) const {
    if (!value) return false;
    settings.*f = *std::move(value);
    return true;
  }
};

struct TextOf {
  const TrainSettings& settings;
  template <class T>
  std::string operator()(std::vector<T> TrainSettings::*f) const {
    return fmt::format("{}", fmt::join(settings.*f, ","));
  }
  std::string operator()(auto f) const { return fmt::format("{}", settings.*f); }
};

Augmentation augmentation_of(const TrainSettings& s) {
  Augmentation a{.random_resized_crop = s.random_resized_crop,
                 .random_crop = s.random_crop,
                 .hflip = s.hflip,
                 .vflip = s.vflip,
                 .auto_augment = auto_augment_policy(s.auto_augment),
                 .trivial_augment = s.trivial_augment,
                 .rotation = s.rotation,
                 .gaussian_blur = s.gaussian_blur,
                 .random_erasing = s.random_erasing,
                 .cutout = s.cutout};
  if (const auto& n = s.randaugment; !n.empty()) a.randaugment = {n.at(0), n.at(1)};
  if (const auto& n = s.color_jitter; !n.empty()) a.color_jitter = {n.at(0), n.at(1), n.at(2), n.at(3)};
  if (const auto& n = s.random_affine; !n.empty())
    a.random_affine = {n.at(0), n.at(1), n.at(2), n.at(3), n.at(4)};
  if (const auto& n = s.random_perspective; !n.empty()) a.random_perspective = {n.at(0), n.at(1)};
  return a;
}

}  // namespace

const std::vector<Setting>& train_settings() {
  using S = TrainSettings;
  const auto of = [](std::string_view name, Setting::Field field) {
    return Setting{*contract::find_setting(name), field};
  };
  static const std::vector<Setting> table = {of("epochs", &S::epochs),
                                             of("batch_size", &S::batch_size),
                                             of("drop_last", &S::drop_last),
                                             of("sampler", &S::sampler),
                                             of("repeat_augment", &S::repeat_augment),
                                             of("accumulate", &S::accumulate),
                                             of("micro_batches", &S::micro_batches),
                                             of("lr", &S::lr),
                                             of("layer_decay", &S::layer_decay),
                                             of("freeze_epochs", &S::freeze_epochs),
                                             of("lr_scheduler", &S::lr_scheduler),
                                             of("lr_interval", &S::lr_interval),
                                             of("lr_step_size", &S::lr_step_size),
                                             of("lr_gamma", &S::lr_gamma),
                                             of("lr_milestones", &S::lr_milestones),
                                             of("lr_min", &S::lr_min),
                                             of("lr_pct_start", &S::lr_pct_start),
                                             of("lr_div_factor", &S::lr_div_factor),
                                             of("lr_final_div_factor", &S::lr_final_div_factor),
                                             of("lr_warmup_epochs", &S::lr_warmup_epochs),
                                             of("lr_warmup_method", &S::lr_warmup_method),
                                             of("lr_warmup_decay", &S::lr_warmup_decay),
                                             of("val_split", &S::val_split),
                                             of("label_offset", &S::label_offset),
                                             of("exif_transpose", &S::exif_transpose),
                                             of("random_resized_crop", &S::random_resized_crop),
                                             of("random_crop", &S::random_crop),
                                             of("hflip", &S::hflip),
                                             of("vflip", &S::vflip),
                                             of("auto_augment", &S::auto_augment),
                                             of("randaugment", &S::randaugment),
                                             of("trivial_augment", &S::trivial_augment),
                                             of("color_jitter", &S::color_jitter),
                                             of("rotation", &S::rotation),
                                             of("random_affine", &S::random_affine),
                                             of("random_perspective", &S::random_perspective),
                                             of("gaussian_blur", &S::gaussian_blur),
                                             of("random_erasing", &S::random_erasing),
                                             of("cutout", &S::cutout),
                                             of("noise", &S::noise),
                                             of("mixup_alpha", &S::mixup_alpha),
                                             of("cutmix_alpha", &S::cutmix_alpha),
                                             of("clip_grad_norm", &S::clip_grad_norm),
                                             of("model_ema", &S::model_ema),
                                             of("model_ema_decay", &S::model_ema_decay),
                                             of("model_ema_steps", &S::model_ema_steps),
                                             of("eval_every", &S::eval_every),
                                             of("early_stop", &S::early_stop),
                                             of("grad_norm_every", &S::grad_norm_every),
                                             of("print_freq", &S::print_freq),
                                             of("seed", &S::seed),
                                             of("limit_batches", &S::limit_batches)};
  return table;
}

const std::vector<std::pair<std::string, std::string TrainSettings::*>>& text_settings() {
  static const std::vector<std::pair<std::string, std::string TrainSettings::*>> table = {
      {"lr_mult", &TrainSettings::lr_mult}, {"freeze", &TrainSettings::freeze}};
  return table;
}

SamplerOptions sampler_of(const TrainSettings& s) {
  return {.balanced = s.sampler == "balanced", .repeats = s.repeat_augment};
}

bool changes_images(const TrainSettings& settings) { return augmentation_of(settings) != Augmentation{}; }

LoaderPlan training_plan(const TrainSettings& settings, std::vector<Field> fields,
                         std::vector<uint32_t> order, int64_t epoch) {
  return {.order = std::move(order),
          .batch_size = settings.batch_size,
          .fields = std::move(fields),
          .augmentation = augmentation_of(settings),
          .seed = settings.seed,
          .epoch = epoch,
          .mixup_alpha = settings.mixup_alpha,
          .cutmix_alpha = settings.cutmix_alpha};
}

std::string flag_of(std::string_view setting) {
  std::string flag = fmt::format("--{}", setting);
  std::ranges::replace(flag, '_', '-');
  return flag;
}

bool set(TrainSettings& settings, const Setting& setting, std::string_view text) {
  if (setting.name == "lr_scheduler") text = contract::lr_scheduler_of(text);
  return std::visit(Assign{settings, setting, text}, setting.field);
}

std::string text_of(const TrainSettings& settings, const Setting& setting) {
  return std::visit(TextOf{settings}, setting.field);
}

}  // namespace rnrun
