// rnrun explain: where in images a network looks.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>
#include <iostream>
#include <memory>
#include <numeric>
#include <optional>

#include "runtime/commands/commands.h"
#include "runtime/commands/explanations.h"
#include "runtime/data/files/named_images.h"
#include "runtime/data/files/picture_files.h"
#include "runtime/measure/class_activation.h"
#include "runtime/support/error.h"
#include "runtime/support/output.h"
#include "runtime/task/thumbnail.h"

namespace rnrun {

namespace {

constexpr double kSecondsPerLine = 5;

struct ExplainOptions : ImageFlags {
  std::string out;
  std::string layer;
  std::string chosen;  // --class
  int64_t batch_size = 16;
  size_t top = 3;
};

// The class of a name, or of a number. Throws UsageError.
int64_t class_of(const std::string& text, const std::vector<std::string>& names) {
  constexpr size_t kShown = 20;
  const auto named = std::ranges::find(names, text);
  if (named != names.end()) return named - names.begin();
  int64_t number = -1;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  const auto count = static_cast<int64_t>(names.size());
  if (error == std::errc() && end == text.data() + text.size() && number >= 0 && number < count)
    return number;
  const std::vector<std::string> shown(names.begin(), names.begin() + std::min<long>(count, kShown));
  throw UsageError(fmt::format("--class {}: must be one of {}{}, or a number from 0 to {}", text,
                               fmt::join(shown, ", "), names.size() > kShown ? ", ..." : "", count - 1));
}

int64_t largest(std::span<const float> values) { return std::ranges::max_element(values) - values.begin(); }

// What a run is made of, and when it has last told how far it is.
struct Run {
  const Task& task;
  const PictureFiles& files;
  const std::vector<std::string>& paths;
  const Field& picture;
  AnswerOptions asked;
  std::optional<int64_t> chosen;
  BoundEntry& infer;
  Explainer& explainer;
  Explanations& explanations;
  Clock::time_point told = Clock::now();
};

// What is to be explained of each sample of the batch that has been inferred.
std::vector<int64_t> places_of(const Run& run, int64_t samples) {
  const rn_value& scores = *find(outputs(run.infer.entry()), RN_PREDICTION);
  const auto each = static_cast<size_t>(run.explainer.predicted());
  const std::span all = run.infer.rows(scores.name, samples);
  std::vector<int64_t> places;
  for (size_t i = 0; i < static_cast<size_t>(samples); ++i)
    places.push_back(run.chosen.value_or(largest(all.subspan(i * each, each))));
  return places;
}

// Explains the images of a batch, of which the first is number `first`. Returns how many could not be read.
int64_t explain_batch(Run& run, const Batch& batch, size_t first) {
  run.task.bind(run.infer, batch);
  run.infer.run(batch.size);
  const std::vector<int64_t> places = places_of(run, batch.size);
  run.explainer.run(batch, places);
  const ImageShape shape = run.picture.picture();
  int64_t unread = 0;
  for (int64_t i = 0; i < batch.size; ++i) {
    const size_t number = first + static_cast<size_t>(i);
    if (const std::string fault = run.files.fault(number); !fault.empty()) {
      ++unread;
      print_message(fmt::format("rnrun: error: {}", fault));
      continue;
    }
    const int64_t place = places[static_cast<size_t>(i)];
    run.explanations.add({.name = run.paths[number],
                          .picture = picture_in(batch.values[0], run.picture.dtype, shape, i),
                          .map = resized(run.explainer.map(i), shape.height, shape.width),
                          .place = place,
                          .place_name = run.asked.class_names[static_cast<size_t>(place)],
                          .answer = run.task.answer(run.infer, i, run.asked)});
  }
  return unread;
}

// Returns how many could not be read.
int64_t explain_all(Run& run, int64_t batch_size, int workers) {
  LoaderPlan plan{
      .order = std::vector<uint32_t>(run.paths.size()), .batch_size = batch_size, .fields = {run.picture}};
  std::iota(plan.order.begin(), plan.order.end(), 0u);
  Loader loader(run.files, std::move(plan), workers);
  int64_t unread = 0;
  size_t done = 0;
  for (Batch batch = loader.next(); batch.size > 0; batch = loader.next()) {
    unread += explain_batch(run, batch, done);
    done += static_cast<size_t>(batch.size);
    const auto now = Clock::now();
    if (seconds_between(run.told, now) < kSecondsPerLine) continue;
    run.told = now;
    print_message(fmt::format("{} of {} images", done, run.paths.size()));
  }
  return unread;
}

// Writes what there is of the images that could be read. Returns the exit status.
int finish(Run& run, const std::string& path, int64_t unread) {
  const int64_t read = run.files.size() - unread;
  if (read > 0) {
    run.explanations.write();
    print("{}: {} image{}, layer {}\n", path, read, read == 1 ? "" : "s", run.explainer.layer());
  }
  if (unread == 0) return 0;
  print_message(fmt::format("rnrun: error: {} of {} images could not be read", unread, run.files.size()));
  finish_output();
  return 1;
}

int explain(const ExplainOptions& options) {
  check_explanations_name(options.out);
  const auto model = load_model(options.model);
  const rn_entry& entry = model->entry(RN_INFER);
  const auto task = task_of(*model, entry);
  const std::vector<Field> fields = task->sample_fields();
  if (fields.size() != 1 || !fields[0].is_picture())
    throw Error(
        fmt::format("the model {} does not take one picture: use rnrun call with its entry that explains",
                    model->name()));
  ThreadPool pool(options.threads);
  Session session(model, pool);
  const std::vector<std::string> paths = image_files(options.images, std::cin);
  const WeightsNotes notes = load_weights(options.weights, session);
  TrainSettings settings = notes.settings;
  apply(options.settings, settings);
  set_inputs(session, entry, options.inputs);

  const int64_t batch_size = std::min(options.batch_size, static_cast<int64_t>(paths.size()));
  BoundEntry infer(session, entry, batch_size);
  Explainer explainer(session, *task, options.layer, batch_size);
  const auto explanations =
      explanations_file(options.out, {std::string(model->name()), explainer.layer()}, paths.size());
  std::vector<std::string> names = class_names(*task, *model, notes.classes);
  if (static_cast<int64_t>(names.size()) != explainer.predicted()) names = numbers_of(explainer.predicted());
  std::optional<int64_t> chosen;
  if (!options.chosen.empty()) chosen = class_of(options.chosen, names);

  const PictureFiles files(paths, fields[0], settings.exif_transpose);
  session.prepare_for(entry);
  explainer.prepare();
  Run run{*task, files, paths, fields[0], {names, options.top}, chosen, infer, explainer, *explanations};
  const int64_t unread = explain_all(run, batch_size, DataFlags{}.workers_for(options.threads));
  return finish(run, options.out, unread);
}

}  // namespace

Command add_explain(CLI::App& app) {
  auto options = std::make_shared<ExplainOptions>();
  CLI::App* command = app.add_subcommand(
      "explain", "Show where in images a model looks (Grad-CAM), for one that rnc --explain has compiled");
  add_image_flags(*command, *options);
  command
      ->add_option("-o,--output", options->out,
                   "what is written: a page, .html; a picture of each image and its map, .png; or numbers, "
                   ".npz, with map f32[M, H, W] and class i32[M]")
      ->required();
  command->add_option(
      "--layer", options->layer,
      "the layer whose activations are weighed, one of those that rnc --explain=LAYER was given; by "
      "default the first");
  command->add_option("--class", options->chosen,
                      "the class to explain, by its name or number; by default the one that is predicted");
  command->add_option("--top", options->top, "predictions shown per image")
      ->check(CLI::Range(size_t{1}, size_t{1000}))
      ->capture_default_str();
  add_batch_option(*command, options->batch_size, "images per call")->capture_default_str();
  return {command, [options] { return explain(*options); }};
}

}  // namespace rnrun
