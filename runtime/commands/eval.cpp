// rnrun eval: how well trained weights do on a data set.
#include <fmt/format.h>

#include <memory>
#include <nlohmann/json.hpp>

#include "runtime/commands/commands.h"
#include "runtime/measure/bootstrap.h"
#include "runtime/measure/evaluate.h"
#include "runtime/model/attributes.h"
#include "runtime/support/error.h"
#include "runtime/support/output.h"
#include "runtime/task/task.h"
#include "runtime/train/checkpoint.h"

namespace rnrun {

namespace {

struct EvalOptions {
  ModelFlags model;
  WeightsFlags weights;
  std::string data;  // empty: see default_data
  std::string split = "test";
  int64_t batch_size = 0;
  int64_t limit_batches = 0;
  int threads = default_threads();
  DataFlags data_flags;
  GivenSettings settings;  // of how the data are read
  ScalarInputs inputs;
  TestViews views = TestViews::one;
  bool json = false;
};

// How the data were read in the training, unless the command line says otherwise. Data that have images to test are not
// divided because those of the training were.
TrainSettings settings_of(const EvalOptions& options, const Model& model, const TrainSettings& trained,
                          const std::string& data) {
  TrainSettings settings = trained;
  if (settings.noise == 0) settings.noise = number(model.descriptor().recipe, "noise").value_or(0);
  apply(options.settings, settings);
  if (!options.settings.contains("val_split") && settings.val_split > 0 && has_own_test(data))
    settings.val_split = 0;
  if (settings.val_split > 0)
    print_message(fmt::format(
        "rnrun: note: of the images to train, those that --val-split {} --seed {} {} are evaluated",
        settings.val_split, settings.seed, options.split == "test" ? "keeps for validation" : "trains with"));
  return settings;
}

int eval(const EvalOptions& options) {
  const auto model = load_model(options.model);
  const rn_entry& entry = evaluated_entry(*model, options.views);
  const auto task = task_of(*model, entry);
  ThreadPool pool(options.threads);
  Session session(model, pool);
  const WeightsNotes notes = load_weights(options.weights, session);
  const auto& known_names = notes.classes;
  set_inputs(session, entry, options.inputs);
  const std::string path = options.data.empty() ? default_data(*model, *task) : options.data;
  const TrainSettings settings = settings_of(options, *model, notes.settings, path);
  DataOptions needs = data_options(*model, *task, options.data_flags, settings, known_names);
  needs.keep_size = options.views == TestViews::ten_crop;
  const auto data = open_split(path, options.split == "test" ? Split::test : Split::train, needs);
  if (settings.val_split > 0 && !divided_the_same(settings, *data))
    print_message("rnrun: note: " + divided_otherwise(settings, *data));
  print_other_names(*data, *model, known_names);
  if (!options.json) print_left_out(*data);
  print_notes(nullptr, data.get());
  const auto recipe_batch =
      static_cast<int64_t>(number(model->descriptor().recipe, "batch_size").value_or(64));
  const int64_t batch =
      options.batch_size > 0 ? options.batch_size : std::clamp<int64_t>(recipe_batch, 1, kMaxBatch);

  // Draws of the bootstrap do not depend on how the weights were trained.
  const uint64_t draws = options.settings.contains("seed") ? settings.seed : 0;
  const auto start = Clock::now();
  const auto findings = task->findings(0);
  const Metrics m = evaluate(session, *task, *data, batch, options.limit_batches,
                             options.data_flags.workers_for(options.threads), findings.get(), options.views);
  const double seconds = seconds_between(start, Clock::now());
  const double speed = static_cast<double>(m.samples) / seconds;
  const auto names = class_names(*task, *model, known_names.empty() ? data->class_names() : known_names);
  const auto intervals = bootstrap(*task, m, draws);
  if (options.json) {
    nlohmann::ordered_json json = {{"samples", m.samples}, {"loss", m.loss()}};
    for (size_t i = 0; i < task->metrics().size(); ++i) {
      json[task->metrics()[i].key] = task->value(m, i);
      if (const auto& interval = intervals[i])
        json["intervals"][task->metrics()[i].key] = {interval->low, interval->high};
    }
    json.update({{"seconds", seconds}, {"images_per_s", speed}});
    json.update(findings->json(names));
    print("{}\n", json.dump(2));
    return 0;
  }
  std::string figures;
  for (size_t i = 0; i < task->metrics().size(); ++i) {
    const Metric& metric = task->metrics()[i];
    const auto& interval = intervals[i];
    figures += fmt::format(
        "  {} {}{}{}", metric.name, metric.text(task->value(m, i)), metric.share ? " %" : "",
        interval ? fmt::format(" ({} to {})", metric.text(interval->low), metric.text(interval->high)) : "");
  }
  print("{} images: {} {:.4f}{}  {:.0f} images/s\n{}", m.samples,
        entry.role == RN_EVALUATE ? "loss" : task->own_loss_name(), m.loss(), figures, speed,
        findings->text(names));
  return 0;
}

}  // namespace

Command add_eval(CLI::App& app) {
  auto options = std::make_shared<EvalOptions>();
  CLI::App* command = app.add_subcommand("eval", "Evaluate trained weights");
  add_model_options(*command, options->model);
  add_weights_options(*command, options->weights, Positional::yes);
  command->add_option("--data", options->data,
                      fmt::format("{}; by default the recipe's, or {}", data_help(), kFashionMnist));
  add_data_flags(*command, options->data_flags);
  for (const char* name : {"val_split", "seed", "label_offset", "exif_transpose", "noise"})
    add_setting(*command, name, options->settings);
  add_input_option(*command, options->inputs);
  add_views_option(*command, options->views);
  command->add_option("--split", options->split, "test or train")
      ->check(CLI::IsMember({"test", "train"}))
      ->capture_default_str();
  add_batch_option(*command, options->batch_size, "images per call; by default the recipe's");
  command->add_option("--limit-batches", options->limit_batches, "use only so many batches")
      ->check(CLI::Range(int64_t{1}, int64_t{1} << 40));
  add_threads_option(*command, options->threads);
  command->add_flag("--json", options->json, "print JSON, with accuracy per class and confusion matrix");
  return {command, [options] { return eval(*options); }};
}

}  // namespace rnrun
