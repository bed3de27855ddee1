// rnrun train: trains a model on a data set.
#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <ctime>
#include <filesystem>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>

#include "runtime/commands/commands.h"
#include "runtime/measure/evaluate.h"
#include "runtime/model/attributes.h"
#include "runtime/support/error.h"
#include "runtime/support/file.h"
#include "runtime/support/interrupt.h"
#include "runtime/support/output.h"
#include "runtime/train/run_checkpoints.h"
#include "runtime/train/run_directory.h"
#include "runtime/train/run_lock.h"
#include "runtime/train/trainer.h"

namespace rnrun {

namespace {

constexpr std::string_view kLabelSmoothing = "label_smoothing";
// Scalar inputs with a flag of their own.
constexpr std::array<std::string_view, 5> kHyperFlags = {"momentum", "weight_decay", "norm_weight_decay",
                                                         "bias_weight_decay", kLabelSmoothing};

struct Options {
  std::string model;
  std::shared_ptr<const Model> carried;
  std::optional<std::string> data;
  std::map<std::string, std::string> settings;  // by name, as given
  std::map<std::string, double> hyper;
  ScalarInputs inputs;
  std::string optimizer;
  std::string output_dir;
  RunLimits limits;
  int threads = default_threads();
  bool resume = false;
  std::string resume_from;  // empty: the output directory's checkpoint
  bool test_only = false;
  bool force = false;
  WeightsFlags weights;
  DataFlags data_flags;
};

// The model's recipe; what it leaves open has the defaults of TrainSettings.
TrainSettings settings_of(const Model& model, const rn_entry& step) {
  const rn_attributes& recipe = model.descriptor().recipe;
  TrainSettings settings;
  settings.data = text(recipe, "data", kFashionMnist);
  for (const Setting& setting : train_settings()) {
    const rn_attribute* given = find(recipe, setting.name);
    if (given != nullptr && !set(settings, setting, given->text))
      throw Error(fmt::format("the recipe of the model {} has {} = {}: must be {}", model.name(),
                              setting.name, given->text, allowed(setting)));
  }
  for (const rn_value& v : inputs(step))
    if (v.type.rank == 0 && !is_set_by_training(v)) settings.hyper[v.name] = v.default_value;
  return settings;
}

// What the command line says.
void override_settings(TrainSettings& settings, const Options& options, const Model& compiled) {
  const std::string_view model = compiled.name();
  const uint64_t seed = settings.seed;
  settings.data = options.data.value_or(settings.data);
  for (const Setting& setting : train_settings()) {
    const auto given = options.settings.find(std::string(setting.name));
    if (given != options.settings.end()) set(settings, setting, given->second);
  }
  if (options.resume && settings.seed != seed)
    throw UsageError(
        fmt::format("--seed {} with --resume: the training began with seed {}", settings.seed, seed));
  for (const auto& [name, value] : options.hyper) {
    if (!settings.hyper.contains(name))
      throw UsageError(
          name == kLabelSmoothing
              ? fmt::format("{}: the model {} has no input {}, so that its loss is compiled as "
                            "it is; rnc --set {}=... changes it where the model has such a constant",
                            flag_of(name), model, name, name)
              : fmt::format("{}: the optimizer of the model {} has no {}", flag_of(name), model, name));
    settings.hyper[name] = value;
  }
  const rn_entry& step = compiled.entry(RN_TRAIN_STEP);
  check_inputs(compiled, step, options.inputs);
  for (const auto& [name, value] : options.inputs) {
    const auto is_named = [&](const rn_value& v) { return v.name == name; };
    if (is_set_by_training(*std::ranges::find_if(inputs(step), is_named)))
      throw UsageError(fmt::format("--input {}: training sets this input itself", name));
    settings.hyper[name] = value;
  }
  for (const auto& [name, value] : settings.hyper) {
    if (!std::isnan(value)) continue;
    const bool has_flag = std::ranges::find(kHyperFlags, name) != kHyperFlags.end();
    throw UsageError(
        has_flag ? fmt::format("the recipe of the model {} has no {}: pass {}", model, name, flag_of(name))
                 : missing_input(compiled, name));
  }
  if (std::isnan(settings.lr))
    throw UsageError(fmt::format("the recipe of the model {} has no lr: pass --lr", model));
}

// The checkpoint to go on from, or a start from initial values. What the command line says comes first, then
// the checkpoint, then the recipe.
Checkpoint begin(Session& session, const Options& options, const rn_entry& step,
                 const std::string& directory) {
  Checkpoint state;
  if (options.resume)
    state = load_checkpoint(
        options.resume_from.empty() ? last_checkpoint(directory) : checkpoint_to_resume(options.resume_from),
        session);
  else
    state.settings = settings_of(session.model(), step);
  override_settings(state.settings, options, session.model());
  if (!options.resume) session.initialize(state.settings.seed);
  if (!options.weights.path.empty()) load_weights(options.weights, session);
  for (const auto& [name, value] : state.settings.hyper) session.set_scalar(name, value);
  return state;
}

// A run begins in a directory of its own.
void check_free(const Options& options, const std::string& directory) {
  std::error_code ignored;
  bool taken = false;
  for (const auto& entry : std::filesystem::directory_iterator(directory, ignored))
    taken = taken || entry.path().filename() != RunLock::kFile;
  if (taken && !options.resume && !options.force)
    throw Error(
        fmt::format("the directory {} is not empty: --resume continues the training in it, --force "
                    "begins a new one in its place",
                    directory));
}

// The directory, for this training alone; with --force what is in it makes room.
std::unique_ptr<const RunLock> take_directory(const Options& options, const std::string& directory) {
  check_free(options, directory);
  make_directory(directory);
  auto lock = std::make_unique<const RunLock>(directory);
  check_free(options, directory);  // by a training that has just ended
  if (!options.resume) RunDirectory::clear(directory);
  return lock;
}

// config.json: what the training depends on.
nlohmann::ordered_json config_json(const Model& model, const TrainSettings& settings, const DataSplits& data,
                                   const Options& options) {
  const rn_model_descriptor& d = model.descriptor();
  nlohmann::ordered_json config = {{"model", d.name},
                                   {"data", settings.data},
                                   {"train_images", data.train->size()},
                                   {"test_images", data.test == nullptr ? 0 : data.test->size()},
                                   {"optimizer", d.optimizer},
                                   {"hyper", settings.hyper}};
  for (const Setting& setting : train_settings())
    std::visit([&](auto field) { config[setting.name] = settings.*field; }, setting.field);
  if (!options.weights.path.empty()) config["weights"] = options.weights.path;
  config["threads"] = options.threads;
  config["started"] = fmt::format("{:%Y-%m-%d %H:%M:%S} UTC", fmt::gmtime(std::time(nullptr)));
  config["rnrun"] = RNC_VERSION;
  config["compiler"] = d.compiler;
  config["target"] = fmt::format("{} {}", d.triple, d.cpu);
  config["features"] = d.features;
  config["abi"] = d.version;
  config["graph_hash"] = model.graph_hash();
  return config;
}

const Model& check_trainable(const Model& model, const Options& options) {
  const std::string_view optimizer = model.descriptor().optimizer;
  if (optimizer.empty() || model.find_entry(RN_TRAIN_STEP) == nullptr)
    throw Error(
        fmt::format("the model {} cannot be trained: it was compiled without an optimizer", model.name()));
  if (!options.optimizer.empty() && options.optimizer != optimizer)
    throw UsageError(
        fmt::format("--opt {}: the model {} was compiled with {}, which is part of its code; compile it with "
                    "rnc --optimizer={}",
                    options.optimizer, model.name(), optimizer, options.optimizer));
  return model;
}

// Evaluates the weights of the checkpoint, or their averages if it has some.
int test_only(Session& session, const Task& task, const Checkpoint& state, const Dataset& data, int workers) {
  if (!state.ema.empty())
    session.set_tensors({RN_PARAMETER, RN_BUFFER}, state.ema, "the checkpoint's moving averages");
  const Metrics metrics =
      evaluate(session, task, data, state.settings.batch_size, state.settings.limit_batches, workers);
  print("Test: {}{}\n", state.ema.empty() ? "" : "EMA ", test_text(metrics, task));
  return 0;
}

// Where results go: a training that goes on from a directory stays in it.
std::string directory_of(const Options& options, const Model& model) {
  if (!options.output_dir.empty()) return options.output_dir;
  std::error_code ignored;
  if (std::filesystem::is_directory(options.resume_from, ignored)) return options.resume_from;
  return fmt::format("runs/{}", model.name());
}

int train(const Options& options) {
  const auto model = options.carried != nullptr ? options.carried : Model::load(options.model);
  check_trainable(*model, options);
  const auto task = task_of(*model, model->entry(RN_TRAIN_STEP));
  const std::string directory = directory_of(options, *model);

  ThreadPool pool(options.threads);
  Session session(model, pool);
  // What goes on is read with the directory locked.
  std::unique_ptr<const RunLock> lock;
  if (options.resume && !options.test_only && std::filesystem::is_directory(directory))
    lock = take_directory(options, directory);
  const Checkpoint state = begin(session, options, model->entry(RN_TRAIN_STEP), directory);
  const TrainSettings& settings = state.settings;
  DataOptions needs = data_options(*model, *task, options.data_flags, state.classes);
  RunLimits limits = options.limits;
  limits.workers = options.data_flags.workers_for(options.threads);
  if (options.test_only)
    return test_only(session, *task, state, *open_split(settings.data, Split::test, needs), limits.workers);
  needs.keep_size = settings.random_resized_crop;
  const DataSplits data = open_data(settings.data, needs);
  Trainer trainer(session, *task, data, settings, directory, limits);  // refuses what cannot be trained
  if (lock == nullptr) lock = take_directory(options, directory);

  print_left_out(*data.train);
  if (data.test != nullptr) print_left_out(*data.test);
  const bool one_batch = settings.batch_size > data.train->size();
  print("{}: {} {} from {}, {} to test; batch {}{}, {}, lr {} {}, {} threads; results in {}\n", model->name(),
        data.train->size(), data.train->description(), settings.data,
        data.test == nullptr ? 0 : data.test->size(), settings.batch_size,
        one_batch ? fmt::format(" (more than there are: batches of {})", data.train->size()) : "",
        model->descriptor().optimizer, settings.lr, settings.lr_scheduler, options.threads, directory);
  std::fflush(stdout);
  const InterruptGuard guard;
  RunDirectory log(directory, *model, *task,
                   class_names(*task, *model,
                               data.train->class_names().empty() ? state.classes : data.train->class_names()),
                   config_json(*model, state.settings, data, options), trainer.steps_per_epoch(),
                   state.position.epoch, state.position.step);
  const TrainOutcome outcome = trainer.run(state, log);
  log.write_report();
  if (outcome.signal != 0) return 128 + outcome.signal;
  if (outcome.out_of_time) return 0;
  if (outcome.test.samples > 0)
    print("test {} on {} images\n", task->summary(outcome.test), outcome.test.samples);
  print("Training time {}; weights in {}\n", duration_text(outcome.seconds), outcome.checkpoint);
  return 0;
}

// "90", "90s", "10m", "1.5h" in seconds.
double seconds_of(const std::string& text) {
  static const std::map<char, double> units = {{'s', 1}, {'m', 60}, {'h', 3600}};
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  const auto left = static_cast<size_t>(text.data() + text.size() - end);
  const auto unit = units.find(left == 0 ? 's' : *end);
  if (error != std::errc() || left > 1 || unit == units.end() || !(value > 0 && value <= 1e6))
    throw UsageError(fmt::format(
        "--time-limit: must be a time greater than 0 such as 90, 90s, 10m or 1.5h, not {}", text));
  return value * unit->second;
}

void add_setting(CLI::App& app, const Setting& setting, const std::shared_ptr<Options>& options) {
  const std::string name(setting.name);
  const std::string flag = (name == "batch_size" ? "-b," : "") + flag_of(name);
  const std::string help(setting.help);
  if (std::holds_alternative<bool TrainSettings::*>(setting.field)) {
    app.add_flag_function(
        fmt::format("{},!--no-{}", flag, flag.substr(2)),
        [options, name](int64_t count) { options->settings[name] = count > 0 ? "true" : "false"; }, help);
    return;
  }
  app.add_option_function<std::string>(
      flag,
      [options, name, flag, &setting](const std::string& text) {
        TrainSettings scratch;
        if (!set(scratch, setting, text))
          throw UsageError(fmt::format("{}: must be {}, not {}", flag_of(name), allowed(setting), text));
        options->settings[name] = text;
      },
      help);
}

void add_options(CLI::App& app, const std::shared_ptr<Options>& options) {
  const auto hyper = [&](const std::string& flag, const std::string& name, const std::string& help,
                         double largest = 1e6) {
    app.add_option_function<std::string>(
        flag,
        [options, name, largest](const std::string& text) {
          double value = -1;
          const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
          const bool number = error == std::errc() && end == text.data() + text.size();
          if (!number || !(value >= 0 && value <= largest))
            throw UsageError(
                fmt::format("{}: must be a number from 0 to {:.0f}, not {}", flag_of(name), largest, text));
          options->hyper[name] = value;
        },
        help);
  };
  app.add_option("--data,--data-path", options->data,
                 fmt::format("{}; by default {}", data_help(), kFashionMnist));
  add_data_flags(app, options->data_flags);
  app.add_option("--opt", options->optimizer, "the optimizer that the model must have been compiled with");
  hyper("--momentum", "momentum", "the optimizer's momentum");
  hyper("--weight-decay,--wd", "weight_decay", "the optimizer's weight decay");
  hyper("--norm-weight-decay", "norm_weight_decay", "the same for batch norm's weights and biases");
  hyper("--bias-weight-decay", "bias_weight_decay", "the same for all biases");
  hyper("--label-smoothing", std::string(kLabelSmoothing),
        "of a loss that takes it as an input f32[] label_smoothing", 1);
  add_input_option(app, options->inputs);
  for (const Setting& setting : train_settings()) add_setting(app, setting, options);
  add_threads_option(app, options->threads);
  app.add_option("--output-dir", options->output_dir,
                 "where checkpoint and metrics go; by default runs/<model>");
  app.add_option("--eval-every", options->limits.eval_every,
                 "evaluate after so many epochs, and after the last; 0: never")
      ->check(CLI::Range(int64_t{0}, kMaxEpochs));
  app.add_option_function<std::string>(
      "--time-limit", [options](const std::string& text) { options->limits.seconds = seconds_of(text); },
      "save and stop after this time, such as 90 (seconds), 10m or 1.5h; --resume goes on");
  CLI::Option* resume = app.add_option_function<std::string>(
      "--resume", [options](const std::string& path) { options->resume_from = path; },
      "go on from this checkpoint, or from the last one in this directory of a training or the output "
      "directory, with its settings");
  resume->expected(0, 1)->trigger_on_parse();
  app.parse_complete_callback([options, resume] { options->resume = resume->count() > 0; });
  add_weights_options(app, options->weights)->excludes(resume);
  app.add_flag("--test-only", options->test_only, "evaluate the checkpoint instead of training")
      ->needs(resume);
  app.add_flag("--force,--overwrite", options->force, "begin a new training in the output directory")
      ->excludes(resume);
}

}  // namespace

Command add_train(CLI::App& app) {
  auto options = std::make_shared<Options>();
  CLI::App* command = app.add_subcommand("train", "Train a model; what is not given comes from its recipe");
  command->add_option("model", options->model, "the model library")->required();
  add_options(*command, options);
  return {command, [options] { return train(*options); }};
}

Action make_trainer(CLI::App& app, std::shared_ptr<const Model> carried) {
  auto options = std::make_shared<Options>();
  options->carried = std::move(carried);
  add_options(app, options);
  return [options] { return train(*options); };
}

}  // namespace rnrun
