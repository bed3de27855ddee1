// rnrun train: trains a model on a data set.
#include <fmt/chrono.h>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <ctime>
#include <filesystem>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>

#include "runtime/commands/commands.h"
#include "runtime/commands/lr_find.h"
#include "runtime/commands/preview.h"
#include "runtime/commands/train_options.h"
#include "runtime/measure/evaluate.h"
#include "runtime/model/attributes.h"
#include "runtime/model/variants.h"
#include "runtime/support/error.h"
#include "runtime/support/file.h"
#include "runtime/support/interrupt.h"
#include "runtime/support/output.h"
#include "runtime/task/classification/class_weights.h"
#include "runtime/train/recipe_settings.h"
#include "runtime/train/runs/json_log.h"
#include "runtime/train/runs/metrics_log.h"
#include "runtime/train/runs/run_checkpoints.h"
#include "runtime/train/runs/run_directory.h"
#include "runtime/train/runs/run_lock.h"
#include "runtime/train/runs/run_logs.h"
#include "runtime/train/trainer.h"

namespace rnrun {

namespace {

// What the command line says.
void override_settings(TrainSettings& settings, const TrainOptions& options, const Model& compiled) {
  const std::string_view model = compiled.name();
  const TrainSettings before = settings;
  settings.data = options.data.value_or(settings.data);
  apply(options.settings, settings);
  if (options.resume && settings.seed != before.seed)
    throw UsageError(
        fmt::format("--seed {} with --resume: the training began with seed {}", settings.seed, before.seed));
  if (options.resume && settings.val_split != before.val_split)
    throw UsageError(
        fmt::format("--val-split {} with --resume: the training began with --val-split {}, and would be "
                    "validated with images that it has been trained with",
                    settings.val_split, before.val_split));
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
  for (const auto& [name, field] : text_settings())
    if (const auto given = options.texts.find(name); given != options.texts.end())
      settings.*field = given->second;
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
  if (std::isnan(settings.lr) && !options.lr_find)
    throw UsageError(fmt::format("the recipe of the model {} has no lr: pass --lr", model));
}

// What --freeze-epochs is about, where --freeze does not say it: the parameters that --partial has loaded.
void choose_frozen(TrainSettings& settings, const TrainOptions& options,
                   const std::vector<std::string>& loaded) {
  if (options.texts.contains("freeze") && settings.freeze_epochs == 0)
    throw UsageError("--freeze: for how many epochs? Pass --freeze-epochs; rnc --freeze does it for good");
  if (settings.freeze_epochs == 0 || !settings.freeze.empty()) return;
  if (!options.weights.partial || loaded.empty())
    throw UsageError(
        "--freeze-epochs: what is to stay as it is? Pass --freeze with the names of layers, or --weights and "
        "--partial, "
        "of which it is what they have");
  settings.freeze = fmt::format("{}", fmt::join(loaded, ","));
}

// The checkpoint to go on from, or a start from initial values. What the command line says comes first, then
// the checkpoint, then the recipe.
Checkpoint begin(Session& session, const TrainOptions& options, const rn_entry& step, const Task& task,
                 const std::string& directory) {
  Checkpoint state;
  if (options.resume)
    state = load_checkpoint(
        options.resume_from.empty() ? last_checkpoint(directory) : checkpoint_to_resume(options.resume_from),
        session);
  else
    state.settings = recipe_settings(session.model(), step);
  override_settings(state.settings, options, session.model());
  if (state.settings.data.empty()) state.settings.data = default_data(session.model(), task);
  if (!options.resume) session.initialize(state.settings.seed);
  std::vector<std::string> loaded;
  if (!options.weights.path.empty()) loaded = load_weights(options.weights, session).parameters;
  choose_frozen(state.settings, options, loaded);
  for (const auto& [name, value] : state.settings.hyper) session.set_scalar(name, value);
  for (const auto& [name, values] : state.settings.shared_inputs) session.set_shared_input(name, values);
  return state;
}

// A run begins in a directory of its own.
void check_free(const TrainOptions& options, const std::string& directory) {
  std::error_code ignored;
  bool taken = false;
  for (const auto& entry : std::filesystem::directory_iterator(directory, ignored))
    taken = taken || (entry.path().filename() != RunLock::kFile &&
                      !entry.path().filename().string().starts_with("lr_find."));
  if (taken && !options.resume && !options.force)
    throw Error(
        fmt::format("the directory {} is not empty: --resume continues the training in it, --force "
                    "begins a new one in its place",
                    directory));
}

// The directory, for this training alone; with --force what is in it makes room.
std::unique_ptr<const RunLock> take_directory(const TrainOptions& options, const std::string& directory) {
  check_free(options, directory);
  make_directory(directory);
  auto lock = std::make_unique<const RunLock>(directory);
  check_free(options, directory);  // by a training that has just ended
  if (!options.resume) RunDirectory::clear(directory);
  return lock;
}

// config.json: what the training depends on.
nlohmann::ordered_json config_json(const Model& model, const TrainSettings& settings, const DataSplits& data,
                                   const TrainOptions& options) {
  const rn_model_descriptor& d = model.descriptor();
  nlohmann::ordered_json config = {{"model", d.name},
                                   {"data", settings.data},
                                   {"train_images", data.train->size()},
                                   {"test_images", data.test == nullptr ? 0 : data.test->size()},
                                   {"optimizer", d.optimizer},
                                   {"hyper", settings.hyper}};
  for (const auto& [name, field] : text_settings())
    if (!(settings.*field).empty()) config[name] = settings.*field;
  for (const auto& [name, values] : settings.shared_inputs) config["inputs"][name] = values;
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

const Model& check_trainable(const Model& model, const TrainOptions& options) {
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
int test_only(Session& session, const Task& task, const Checkpoint& state, const Dataset& data, int workers,
              LineOutput* lines) {
  if (!state.ema.empty())
    session.set_tensors({RN_PARAMETER, RN_BUFFER}, state.ema, "the checkpoint's moving averages");
  const Metrics metrics =
      evaluate(session, task, data, state.settings.batch_size, state.settings.limit_batches, workers);
  print("Test: {}{}\n", state.ema.empty() ? "" : "EMA ", test_text(metrics, task));
  if (lines == nullptr) return 0;
  nlohmann::ordered_json event = {{"event", "test"}};
  add_figures(event, "test", metrics, task);
  lines->line(event.dump());
  lines->finish();
  return 0;
}

// Where results go: a training that goes on from a directory stays in it.
std::string directory_of(const TrainOptions& options, const Model& model) {
  if (!options.output_dir.empty()) return options.output_dir;
  std::error_code ignored;
  if (std::filesystem::is_directory(options.resume_from, ignored)) return options.resume_from;
  return fmt::format("runs/{}", model.name());
}

// Those of the command line, then those of the checkpoint; without any, all weigh 1.
void set_class_weights(TrainSettings& settings, const TrainOptions& options, Session& session,
                       const Task& task, const Dataset& data) {
  const std::string input(task.class_weight_input());
  if (!options.class_weights.empty())
    settings.shared_inputs[input] = class_weights(options.class_weights, session.model(), task, data);
  else if (!input.empty() && !settings.shared_inputs.contains(input))
    settings.shared_inputs[input] = std::vector<float>(static_cast<size_t>(task.class_count()), 1);
  for (const auto& [name, values] : settings.shared_inputs) session.set_shared_input(name, values);
}

// What listens is told when an error is the end of it, too.
TrainOutcome run(Trainer& trainer, const Checkpoint& start, RunLog& log) {
  try {
    return trainer.run(start, log);
  } catch (const Error& error) {
    try {
      log.failed(error.what());
    } catch (const Error&) {  // a full disk, say, which is the first error likewise
    }
    throw;
  }
}

int train(const TrainOptions& options) {
  const auto model = options.carried != nullptr ? chosen_variant(options.carried, options.model.variant)
                                                : load_model(options.model);
  check_trainable(*model, options);
  const auto task = task_of(*model, model->entry(RN_TRAIN_STEP));
  const std::string directory = directory_of(options, *model);
  const auto lines = options.log_json ? std::make_unique<LineOutput>() : nullptr;

  ThreadPool pool(options.threads);
  Session session(model, pool);
  // What goes on is read with the directory locked.
  std::unique_ptr<const RunLock> lock;
  if (options.resume && !options.test_only && options.preview == 0 &&
      std::filesystem::is_directory(directory))
    lock = take_directory(options, directory);
  Checkpoint state = begin(session, options, model->entry(RN_TRAIN_STEP), *task, directory);
  const TrainSettings& settings = state.settings;
  DataOptions needs = data_options(*model, *task, options.data_flags, settings, state.classes);
  RunLimits limits = options.limits;
  limits.workers = options.data_flags.workers_for(options.threads);
  if (options.test_only)
    return test_only(session, *task, state, *open_split(settings.data, Split::test, needs), limits.workers,
                     lines.get());
  needs.keep_size = settings.random_resized_crop;
  const DataSplits data = open_data(settings.data, needs);
  if (settings.val_split > 0) {
    if (options.resume && !divided_the_same(settings, *data.train))
      throw Error(divided_otherwise(settings, *data.train));
    state.settings.val_split_of = data.train->whole_size();
  }
  set_class_weights(state.settings, options, session, *task, *data.train);
  Trainer trainer(session, *task, data, settings, directory, limits);  // refuses what cannot be trained
  if (options.lr_find)
    return find_lr(session, *task, *data.train, settings, directory, limits.workers, lines.get());
  if (options.preview > 0) {
    write_preview(options.preview_path, options.preview, *data.train, *task, settings, state.position.epoch,
                  limits.workers);
    print("{}\n", options.preview_path);
    return 0;
  }
  if (lock == nullptr) lock = take_directory(options, directory);

  print_left_out(*data.train);
  if (data.test != nullptr) print_left_out(*data.test);
  print_notes(data.train.get(), data.test.get());
  const bool one_batch = settings.batch_size > data.train->size() * settings.repeat_augment;
  print("{}: {} {} from {}, {} to test; batch {}{}, {}, lr {} {}, {} threads; results in {}\n", model->name(),
        data.train->size(), data.train->description(), settings.data,
        data.test == nullptr ? 0 : data.test->size(), settings.batch_size,
        one_batch ? fmt::format(" (more than there are: batches of {})",
                                data.train->size() * settings.repeat_augment)
                  : "",
        model->descriptor().optimizer, settings.lr, settings.lr_scheduler, options.threads, directory);
  std::fflush(stdout);
  const InterruptGuard guard;
  const nlohmann::ordered_json config = config_json(*model, state.settings, data, options);
  RunDirectory log(directory, *model, *task,
                   class_names(*task, *model,
                               data.train->class_names().empty() ? state.classes : data.train->class_names()),
                   config, trainer.steps_per_epoch(), state.position.epoch, state.position.step);
  std::vector<RunLog*> logs = {&log};
  std::optional<JsonLog> json_log;
  if (lines != nullptr) {
    logs.push_back(&json_log.emplace(*lines, *task));
    json_log->start(config, state.position.epoch, state.position.step);
  }
  RunLogs all(logs);
  const TrainOutcome outcome = run(trainer, state, all);
  log.write_report();
  if (lines != nullptr) lines->finish();
  if (outcome.signal != 0) return 128 + outcome.signal;
  if (outcome.out_of_time) return 0;
  if (outcome.test.samples > 0)
    print("test {} on {} images\n", task->summary(outcome.test), outcome.test.samples);
  print("Training time {}; weights in {}\n", duration_text(outcome.seconds), outcome.checkpoint);
  return 0;
}

}  // namespace

Command add_train(CLI::App& app) {
  auto options = std::make_shared<TrainOptions>();
  CLI::App* command = app.add_subcommand("train", "Train a model; what is not given comes from its recipe");
  add_model_options(*command, options->model);
  add_train_options(*command, options);
  return {command, [options] { return train(*options); }};
}

Action make_trainer(CLI::App& app, std::shared_ptr<const Model> carried) {
  auto options = std::make_shared<TrainOptions>();
  options->carried = std::move(carried);
  add_variant_option(app, options->model.variant);
  add_train_options(app, options);
  return [options] { return train(*options); };
}

}  // namespace rnrun
