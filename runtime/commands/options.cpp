#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <filesystem>

#include "runtime/commands/commands.h"
#include "runtime/contract/safetensors.h"
#include "runtime/data/companions.h"
#include "runtime/model/attributes.h"
#include "runtime/model/variants.h"
#include "runtime/support/error.h"
#include "runtime/support/output.h"
#include "runtime/support/thread_pool.h"
#include "runtime/train/checkpoint.h"
#include "runtime/train/weights/weights.h"

namespace rnrun {

void add_variant_option(CLI::App& app, std::string& variant) {
  app.add_option(
      "--variant", variant,
      "of a model for several CPUs, the code for this one (rnrun info lists them); by default that of "
      "RNRUN_VARIANT, or the best that this machine runs");
}

void add_model_options(CLI::App& app, ModelFlags& flags) {
  app.add_option("model", flags.path, "the model library")->required();
  add_variant_option(app, flags.variant);
}

std::shared_ptr<const Model> load_model(const ModelFlags& flags) {
  return chosen_variant(Model::load(flags.path), flags.variant);
}

void add_threads_option(CLI::App& app, int& threads) {
  app.add_option("-j,--threads", threads,
                 "threads; by default OMP_NUM_THREADS or the CPUs this process may use")
      ->check(CLI::Range(1, kMaxThreads));
}

CLI::Option* add_weights_options(CLI::App& app, WeightsFlags& flags, Positional positional) {
  const std::string names =
      positional == Positional::yes ? "weights,--weights,--params" : "--weights,--params";
  CLI::Option* weights = app.add_option(
      names, flags.path,
      "a checkpoint or the directory of a training; or a state_dict of PyTorch as safetensors, "
      "in one file or several (*.index.json), or as torch.save writes it");
  app.add_flag("--partial", flags.partial, "load what fits of the weights, and count it")->needs(weights);
  return weights;
}

void print_notes(const std::string& path, const WeightsMatch& match) {
  for (const std::string& note : match.notes) print_message(fmt::format("rnrun: note: {}: {}", path, note));
  if (!match.converted.empty())
    print_message(fmt::format("rnrun: note: {}: {}", path, contract::conversions_text(match.converted)));
}

WeightsNotes load_weights(const WeightsFlags& flags, Session& session) {
  const Model& model = session.model();
  if (!flags.path.empty()) {
    WeightsMatch match = load_weights(flags.path, session, {.partial = flags.partial, .inputs = true});
    if (flags.partial) print_message(weights_text(flags.path, match));
    print_notes(flags.path, match);
    const bool all = match.missing.empty() && match.misshapen.empty();
    return {all ? std::move(match.classes) : std::vector<std::string>(), std::move(match.parameters),
            std::move(match.settings)};
  }
  const bool empty = std::ranges::any_of(
      model.tensors(), [](const rn_tensor& t) { return t.kind == RN_PARAMETER && t.values == nullptr; });
  if (empty)
    throw UsageError(fmt::format("the model {} has no weights of its own: pass --weights", model.name()));
  session.initialize(0);  // with those that came with the model
  return {};
}

void add_input_option(CLI::App& app, ScalarInputs& inputs) {
  const auto add = [&inputs](const std::vector<std::string>& given) {
    for (const std::string& text : given) {
      const size_t equals = text.find('=');
      double value = 0;
      const char* end = text.data() + text.size();
      const auto [parsed, error] =
          std::from_chars(text.data() + std::min(equals + 1, text.size()), end, value);
      if (equals == std::string::npos || equals == 0 || error != std::errc() || parsed != end)
        throw UsageError(fmt::format("--input: must be NAME=NUMBER, not {}", text));
      inputs[text.substr(0, equals)] = value;
    }
  };
  app.add_option_function<std::vector<std::string>>("--input", add,
                                                    "NAME=NUMBER: the value of a scalar input of the model")
      ->expected(1)
      ->take_all();
}

void check_inputs(const Model& model, const rn_entry& entry, const ScalarInputs& inputs) {
  std::vector<std::string_view> known;
  for (const rn_value& v : rnrun::inputs(entry))
    if (v.type.rank == 0) known.emplace_back(v.name);
  for (const auto& [name, value] : inputs)
    if (std::ranges::find(known, name) == known.end())
      throw UsageError(fmt::format("--input {}: entry '{}' of the model {} has no such scalar input{}", name,
                                   entry.name, model.name(),
                                   known.empty() ? "" : fmt::format("; it has {}", fmt::join(known, ", "))));
}

void set_inputs(Session& session, const rn_entry& entry, const ScalarInputs& inputs) {
  const Model& model = session.model();
  check_inputs(model, entry, inputs);
  for (const auto& [name, value] : inputs) session.set_scalar(name, value);
  for (const rn_value& v : rnrun::inputs(entry))
    if (v.type.rank == 0 && !is_set_by_training(v) && std::isnan(session.scalar(v)))
      throw UsageError(missing_input(model, v.name));
}

std::string missing_input(const Model& model, std::string_view input) {
  return fmt::format(
      "the model {0} has no value for its input {1}: pass --input {1}=NUMBER, or give it a default "
      "where the model declares it, {1}: f32[] = NUMBER",
      model.name(), input);
}

void add_setting(CLI::App& app, const Setting& setting, GivenSettings& given) {
  const std::string name(setting.name);
  const std::string flag = (name == "batch_size" ? "-b," : "") + flag_of(name);
  const std::string help(setting.help);
  if (std::holds_alternative<bool TrainSettings::*>(setting.field)) {
    app.add_flag_function(
        fmt::format("{},!--no-{}", flag, flag.substr(2)),
        [&given, name](int64_t count) { given[name] = count > 0 ? "true" : "false"; }, help);
    return;
  }
  CLI::Option* option = app.add_option_function<std::string>(
      flag,
      [&given, name, &setting](const std::string& value) {
        const std::string text(value.empty() ? setting.without_value : value);
        TrainSettings scratch;
        if (!set(scratch, setting, text))
          throw UsageError(fmt::format("{}: must be {}, not {}", flag_of(name), allowed(setting), text));
        given[name] = text;
      },
      help);
  if (!setting.without_value.empty()) option->expected(0, 1);
}

void add_setting(CLI::App& app, std::string_view name, GivenSettings& given) {
  add_setting(app, *std::ranges::find(train_settings(), name, &Setting::name), given);
}

void apply(const GivenSettings& given, TrainSettings& settings) {
  for (const Setting& setting : train_settings()) {
    const auto found = given.find(std::string(setting.name));
    if (found != given.end()) set(settings, setting, found->second);
  }
}

void add_image_flags(CLI::App& app, ImageFlags& flags) {
  add_model_options(app, flags.model);
  app.add_option("images", flags.images,
                 "JPEG, PNG, WebP, TIFF, GIF or BMP files; directories, with all images in them; quoted "
                 "patterns such as '*.png'; @LIST, a file with a name on each line; - for such a list on "
                 "standard input")
      ->required();
  add_weights_options(app, flags.weights);
  add_input_option(app, flags.inputs);
  add_setting(app, "exif_transpose", flags.settings);
  add_threads_option(app, flags.threads);
}

void add_data_flags(CLI::App& app, DataFlags& flags) {
  app.add_flag("--skip-corrupt", flags.skip_corrupt,
               "leave out image files that cannot be decoded; decodes all of them once at the beginning");
  app.add_option("--cache-images", flags.cache_images,
                 "where decoded images are kept: no; ram, as many as fit into a quarter of what is free; "
                 "disk, in a file "
                 "in the directory --cache. By default ram, or disk with --cache")
      ->check(CLI::IsMember({"no", "ram", "disk"}));
  app.add_option("--cache", flags.cache,
                 "a directory that there is, for decoded images, which are decoded once at the beginning, "
                 "and taken again as long as "
                 "the files stay the same");
  app.add_option("--workers", flags.workers, "threads that read images; by default half as many as --threads")
      ->check(CLI::Range(1, kMaxThreads));
}

DataOptions data_options(const Model& model, const Task& task, const DataFlags& flags,
                         const TrainSettings& settings, const std::vector<std::string>& classes) {
  const bool disk = flags.cache_images.empty() ? !flags.cache.empty() : flags.cache_images == "disk";
  if (disk && flags.cache.empty())
    throw UsageError("--cache-images disk needs a directory: pass --cache DIR");
  if (!disk && !flags.cache.empty())
    throw UsageError(fmt::format("--cache is for --cache-images disk, not {}", flags.cache_images));
  // Made by the user: a name with a slip in it would fill the wrong disk.
  std::error_code ignored;
  if (disk && !std::filesystem::is_directory(flags.cache, ignored))
    throw UsageError(fmt::format("--cache: must be a directory that there is, not {}", flags.cache));
  DataOptions options{.fields = task.fields(),
                      .class_names = model_class_names(model),
                      .skip_corrupt = flags.skip_corrupt,
                      .exif_transpose = settings.exif_transpose,
                      .label_offset = settings.label_offset,
                      .val_split = settings.val_split,
                      .seed = settings.seed,
                      .degradation = {.noise = settings.noise},
                      .cache_images = disk                         ? CacheImages::disk
                                      : flags.cache_images == "no" ? CacheImages::no
                                                                   : CacheImages::ram,
                      .cache_directory = flags.cache};
  if (!classes.empty()) {
    options.class_names = classes;
    options.named_by = "the checkpoint";
    options.names_fixed = true;
  }
  return options;
}

bool divided_the_same(const TrainSettings& settings, const Dataset& data) {
  return settings.val_split_of == 0 || settings.val_split_of == data.whole_size();
}

std::string divided_otherwise(const TrainSettings& settings, const Dataset& data) {
  return fmt::format(
      "the data have {} samples, and had {} when --val-split {} divided them for the training: other samples "
      "are kept for validation now, and it has been trained with some of them",
      data.whole_size(), settings.val_split_of, settings.val_split);
}

std::string default_data(const Model& model, const Task& task) {
  const std::string_view named = text(model.descriptor().recipe, "data", "");
  if (!named.empty()) return std::string(named);
  constexpr int64_t kClasses = 10;
  std::string taken;
  bool fits = true;
  std::vector<Field> fields = task.fields();
  if (compares_pictures(fields)) fields = compared_fields(fields);
  for (const Field& field : fields) {
    taken += fmt::format("{}{} {}", taken.empty() ? "" : " and ", field.name, type_text(field));
    fits = fits && (field.is_picture() ? field.picture().channels == 1
                                       : field.dtype == DType::i32 && field.shape.empty() &&
                                             (field.classes == 0 || field.classes >= kClasses));
  }
  if (!fits)
    throw UsageError(
        fmt::format("the model {} takes {}, and its recipe names no data: pass --data PATH (without it, "
                    "Fashion-MNIST is taken, grey images of 10 classes, which do not fit)",
                    model.name(), taken));
  return kFashionMnist;
}

void print_other_names(const Dataset& data, const Model& model, const std::vector<std::string>& classes) {
  const std::vector<std::string> names = data.class_names(), own = model_class_names(model);
  if (classes.empty() && !names.empty() && !own.empty() && names != own)
    print_message(
        "the folders are not called like the model's classes: labels count them in the order of their names");
}

void print_left_out(const Dataset& data) {
  constexpr size_t kShown = 20;
  const std::vector<std::string> all = data.left_out();
  for (size_t i = 0; i < std::min(all.size(), kShown); ++i) print("left out: {}\n", all[i]);
  if (all.size() > kShown) print("left out: {} more\n", all.size() - kShown);
}

void print_notes(const Dataset* train, const Dataset* test) {
  std::vector<std::string> notes;
  for (const Dataset* data : {train, test})
    for (std::string& note : data != nullptr ? data->notes() : std::vector<std::string>())
      if (std::ranges::find(notes, note) == notes.end()) notes.push_back(std::move(note));
  for (const std::string& note : notes) print_message("rnrun: note: " + note);
}

void add_views_option(CLI::App& app, TestViews& views) {
  app.add_option_function<std::string>(
         "--tta",
         [&views](const std::string& name) {
           views = name == "flip" ? TestViews::flip : TestViews::ten_crop;
         },
         "average predictions (before softmax) over views of each image: it and its mirror image, or the "
         "corners and the centre of it, somewhat enlarged, and their mirror images")
      ->check(CLI::IsMember({"flip", "ten-crop"}));
}

CLI::Option* add_batch_option(CLI::App& app, int64_t& batch, const std::string& help) {
  return app.add_option("-b,--batch-size", batch, help)->check(CLI::Range(int64_t{1}, kMaxBatch));
}

}  // namespace rnrun
