// rnrun predict: what a model says of images.
#include <fmt/format.h>

#include <algorithm>
#include <iostream>
#include <memory>
#include <numeric>
#include <span>
#include <vector>

#include "runtime/commands/commands.h"
#include "runtime/commands/predictions_format.h"
#include "runtime/data/files/named_images.h"
#include "runtime/data/files/picture_files.h"
#include "runtime/data/loader.h"
#include "runtime/measure/test_views.h"
#include "runtime/model/bound_entry.h"
#include "runtime/support/error.h"
#include "runtime/support/output.h"
#include "runtime/task/task.h"
#include "runtime/train/weights/weights.h"

namespace rnrun {

namespace {

constexpr int64_t kFewImages = 10;  // whose time tells nothing

struct PredictOptions : ImageFlags {
  int64_t batch_size = 64;
  size_t top = 5;
  TestViews views = TestViews::one;
  PredictionsKind kind = PredictionsKind::text;
};

// Runs all images and prints the answers in their order. Returns how many could not be read.
int64_t run(Session& session, const Task& task, const PictureFiles& files,
            const std::vector<std::string>& paths, const PredictOptions& options,
            const AnswerOptions& asked) {
  std::vector<uint32_t> order(paths.size());
  std::iota(order.begin(), order.end(), 0u);
  LoaderPlan plan =
      with_views({.order = std::move(order),
                  .batch_size = std::min(options.batch_size, files.size() * view_count(options.views)),
                  .fields = task.sample_fields()},
                 options.views);
  ViewAverage average(task, options.views);
  BoundEntry infer(session, session.model().entry(RN_INFER), plan.batch_size);
  Loader loader(files, std::move(plan), DataFlags{}.workers_for(options.threads));
  session.prepare_for(infer.entry());
  const auto format = predictions_format(options.kind);
  int64_t unread = 0;
  size_t done = 0;
  for (Batch batch = loader.next(); batch.size > 0; batch = loader.next()) {
    const int64_t samples = average.run(infer, batch).size;
    for (int64_t i = 0; i < samples; ++i, ++done) {
      if (const std::string fault = files.fault(done); !fault.empty()) {
        ++unread;
        print_message(fmt::format("rnrun: error: {}", fault));
        format->failed(paths[done], fault);
      } else {
        format->answer(paths[done], task.answer(infer, i, asked));
      }
    }
  }
  format->finish();
  return unread;
}

int predict(const PredictOptions& options) {
  const auto model = load_model(options.model);
  const rn_entry& entry = model->entry(RN_INFER);
  const auto task = task_of(*model, entry);
  const std::vector<Field> fields = task->sample_fields();
  if (fields.size() != 1 || !fields[0].is_picture())
    throw Error(fmt::format("the model {} does not take one picture: use rnrun call", model->name()));
  ThreadPool pool(options.threads);
  Session session(model, pool);
  const WeightsNotes notes = load_weights(options.weights, session);
  TrainSettings settings = notes.settings;
  apply(options.settings, settings);
  set_inputs(session, entry, options.inputs);

  const std::vector<std::string> paths = image_files(options.images, std::cin);
  const PictureFiles files(paths, fields[0], settings.exif_transpose);
  const auto start = Clock::now();
  const int64_t unread = run(session, *task, files, paths, options,
                             {.class_names = class_names(*task, *model, notes.classes), .top = options.top});
  const double seconds = seconds_between(start, Clock::now());
  if (files.size() > kFewImages)
    print_message(fmt::format("{} images in {:.2f} s, {:.0f} images/s", files.size() - unread, seconds,
                              static_cast<double>(files.size() - unread) / seconds));
  if (unread == 0) return 0;
  if (files.size() > 1)
    print_message(fmt::format("rnrun: error: {} of {} images could not be read", unread, files.size()));
  finish_output();
  return 1;
}

}  // namespace

Command add_predict(CLI::App& app) {
  auto options = std::make_shared<PredictOptions>();
  CLI::App* command = app.add_subcommand("predict", "Tell what images show");
  add_image_flags(*command, *options);
  add_views_option(*command, options->views);
  command->add_option("--top", options->top, "classes per image")
      ->check(CLI::Range(size_t{1}, size_t{1'000'000}))
      ->capture_default_str();
  add_batch_option(*command, options->batch_size, "images per call")->capture_default_str();
  const auto add_kind = [&](const std::string& flag, PredictionsKind kind, const std::string& help) {
    return command->add_flag_callback(
        flag, [options, kind] { options->kind = kind; }, help);
  };
  CLI::Option* json = add_kind("--json", PredictionsKind::json, "print JSON: one array");
  CLI::Option* jsonl = add_kind("--jsonl", PredictionsKind::jsonl, "print a line of JSON for each image");
  add_kind("--csv", PredictionsKind::csv, "print a line of comma-separated values for each image")
      ->excludes(json)
      ->excludes(jsonl);
  json->excludes(jsonl);
  return {command, [options] { return predict(*options); }};
}

}  // namespace rnrun
