// rnrun train: trains a model on a data set.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>

#include "runtime/attributes.h"
#include "runtime/commands/commands.h"
#include "runtime/error.h"
#include "runtime/file.h"
#include "runtime/interrupt.h"
#include "runtime/lr_schedule.h"
#include "runtime/trainer.h"

namespace rnrun {

namespace {

struct Options {
  std::string model;
  std::shared_ptr<const Model> carried;
  std::optional<std::string> data;
  std::optional<int64_t> epochs;
  std::optional<int64_t> batch_size;
  std::optional<double> lr;
  std::optional<std::string> lr_schedule;
  std::map<std::string, double> hyper;
  std::optional<uint64_t> seed;
  std::optional<int64_t> limit_batches;
  std::string output_dir;
  int64_t eval_every = 1;
  int threads = default_threads();
  bool resume = false;
  bool overwrite = false;
};

// The model's recipe; what it leaves open has the defaults of TrainSettings.
TrainSettings settings_of(const Model& model, const rn_entry& step) {
  const rn_attributes& recipe = model.descriptor().recipe;
  TrainSettings settings;
  settings.data = kFashionMnist;
  const auto natural = [&](std::string_view name, int64_t otherwise, int64_t largest) {
    const auto value = number(recipe, name);
    if (!value) return otherwise;
    if (!(*value >= 1 && *value <= static_cast<double>(largest)))
      throw Error(fmt::format("the recipe of the model {} has {} = {}; 1 to {} is possible", model.name(),
                              name, *value, largest));
    return static_cast<int64_t>(*value);
  };
  settings.epochs = natural("epochs", settings.epochs, kMaxEpochs);
  settings.batch_size = natural("batch_size", settings.batch_size, kMaxBatch);
  settings.lr = number(recipe, "lr").value_or(NAN);
  settings.lr_schedule = text(recipe, "lr_schedule", settings.lr_schedule);
  if (std::ranges::find(lr_schedules(), settings.lr_schedule) == lr_schedules().end())
    throw Error(fmt::format("the recipe of the model {} has lr_schedule = {}; possible are {}", model.name(),
                            settings.lr_schedule, fmt::join(lr_schedules(), ", ")));
  settings.seed = static_cast<uint64_t>(std::max(number(recipe, "seed").value_or(0), 0.0));
  for (const rn_value& v : inputs(step)) {
    const std::string_view name = v.name;
    if (v.type.rank == 0 && name != "lr" && name != "step") settings.hyper[v.name] = v.default_value;
  }
  return settings;
}

void override_settings(TrainSettings& settings, const Options& options, std::string_view model) {
  if (options.resume && options.seed && *options.seed != settings.seed)
    throw UsageError(fmt::format("--seed {} with --resume: the training began with seed {}", *options.seed,
                                 settings.seed));
  settings.data = options.data.value_or(settings.data);
  settings.epochs = options.epochs.value_or(settings.epochs);
  settings.batch_size = options.batch_size.value_or(settings.batch_size);
  settings.lr = options.lr.value_or(settings.lr);
  settings.lr_schedule = options.lr_schedule.value_or(settings.lr_schedule);
  settings.seed = options.seed.value_or(settings.seed);
  settings.limit_batches = options.limit_batches.value_or(settings.limit_batches);
  for (const auto& [name, value] : options.hyper) {
    if (!settings.hyper.contains(name)) {
      std::string flag = name;
      std::ranges::replace(flag, '_', '-');
      throw UsageError(fmt::format("--{}: the optimizer of the model {} has no {}", flag, model, name));
    }
    settings.hyper[name] = value;
  }
  if (std::isnan(settings.lr))
    throw UsageError(fmt::format("the recipe of the model {} has no lr: pass --lr", model));
}

// The checkpoint to go on from, or a start from initial values. What the command line says comes first, then
// the checkpoint, then the recipe.
Checkpoint begin(Session& session, const Options& options, const rn_entry& step,
                 const std::string& directory) {
  const std::string path = Trainer::checkpoint_path(directory);
  Checkpoint state;
  if (options.resume) {
    state = load_checkpoint(path, session);
  } else {
    if (std::filesystem::exists(path) && !options.overwrite)
      throw Error(fmt::format(
          "{} is there already: --resume continues that training, --overwrite begins a new one", path));
    state.settings = settings_of(session.model(), step);
  }
  override_settings(state.settings, options, session.model().name());
  if (!options.resume) session.initialize(state.settings.seed);
  return state;
}

int train(const Options& options) {
  const auto model = options.carried != nullptr ? options.carried : Model::load(options.model);
  if (*model->descriptor().optimizer == '\0' || model->find_entry("train_step") == nullptr)
    throw Error(
        fmt::format("the model {} cannot be trained: it was compiled without an optimizer", model->name()));
  const rn_entry& step = model->entry("train_step");
  const Classifier classifier = classifier_of(*model, "train_step");
  const std::string directory =
      options.output_dir.empty() ? fmt::format("runs/{}", model->name()) : options.output_dir;

  ThreadPool pool(options.threads);
  Session session(model, pool);
  const Checkpoint state = begin(session, options, step, directory);
  const TrainSettings& settings = state.settings;
  const DataSplits data = open_data(settings.data, classifier.shape, classifier.classes);
  make_directory(directory);

  fmt::print("{}: {} images of {} from {}, {} to test; batch {}, lr {} {}, {} threads; results in {}\n",
             model->name(), data.train->size(), str(classifier.shape), settings.data, data.test->size(),
             settings.batch_size, settings.lr, settings.lr_schedule, options.threads, directory);
  std::fflush(stdout);
  const InterruptGuard guard;
  const TrainOutcome outcome =
      Trainer(session, data, settings, directory, options.eval_every).run(state.position);
  if (outcome.signal != 0) return 128 + outcome.signal;
  if (outcome.test.samples > 0)
    fmt::print("test accuracy {:.2f} % (top-5 {:.2f} %) on {} images, ", 100 * outcome.test.top1_rate(),
               100 * outcome.test.top5_rate(), outcome.test.samples);
  fmt::print("{} epochs, {} in this run; weights in {}\n", std::max(settings.epochs, state.position.epoch),
             duration_text(outcome.seconds), outcome.checkpoint);
  return 0;
}

void add_options(CLI::App& app, const std::shared_ptr<Options>& options) {
  const auto hyper = [&](const std::string& flag, const std::string& name, const std::string& help) {
    app.add_option_function<double>(
           flag, [options, name](const double& value) { options->hyper[name] = value; }, help)
        ->check(CLI::Range(0.0, 1e6));
  };
  app.add_option(
      "--data", options->data,
      fmt::format("a directory of idx files (MNIST's names, gz or plain), or \"shapes\": generated images; "
                  "by default {}",
                  kFashionMnist));
  app.add_option("--epochs", options->epochs, "how often to go through the data")
      ->check(CLI::Range(int64_t{1}, kMaxEpochs));
  app.add_option("-b,--batch-size", options->batch_size, "images per step")
      ->check(CLI::Range(int64_t{1}, kMaxBatch));
  app.add_option("--lr", options->lr, "learning rate")->check(CLI::Range(0.0, 1e6));
  app.add_option("--lr-schedule", options->lr_schedule,
                 "how the learning rate goes: constant, or cosine (down to zero at the end)")
      ->check(CLI::IsMember(lr_schedules()));
  hyper("--momentum", "momentum", "the optimizer's momentum");
  hyper("--weight-decay", "weight_decay", "the optimizer's weight decay");
  app.add_option("--seed", options->seed, "of initial values and shuffling");
  add_threads_option(app, options->threads);
  app.add_option("--output-dir", options->output_dir,
                 "where checkpoint and metrics go; by default runs/<model>");
  app.add_option("--limit-batches", options->limit_batches,
                 "use only so many batches per epoch and evaluation")
      ->check(CLI::Range(int64_t{1}, int64_t{1} << 40));
  app.add_option("--eval-every", options->eval_every,
                 "evaluate after so many epochs, and after the last; 0: never")
      ->check(CLI::Range(int64_t{0}, kMaxEpochs));
  CLI::Option* resume = app.add_flag("--resume", options->resume,
                                     "go on from the checkpoint in the output directory, with its settings");
  app.add_flag("--overwrite", options->overwrite, "replace the training in the output directory")
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
