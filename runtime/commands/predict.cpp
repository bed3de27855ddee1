// rnrun predict: what a model says of images.
#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <nlohmann/json.hpp>
#include <numeric>
#include <span>
#include <vector>

#include "runtime/commands/commands.h"
#include "runtime/data/decode.h"
#include "runtime/data/loader.h"
#include "runtime/measure/test_views.h"
#include "runtime/model/bound_entry.h"
#include "runtime/support/error.h"
#include "runtime/support/output.h"
#include "runtime/task/task.h"
#include "runtime/train/weights.h"

namespace rnrun {

namespace {

struct Options {
  std::string model;
  std::vector<std::string> images;
  WeightsFlags weights;
  ScalarInputs inputs;
  GivenSettings settings;  // of how images are read; by default those of the checkpoint
  int64_t batch_size = 64;
  size_t top = 5;
  int threads = default_threads();
  TestViews views = TestViews::one;
  bool json = false;
};

// Image files, with the channels that a model takes.
class Files : public Dataset {
 public:
  Files(const std::vector<std::string>& paths, const Field& picture, bool exif_transpose)
      : paths_(paths), picture_(picture), exif_transpose_(exif_transpose) {}
  int64_t size() const override { return static_cast<int64_t>(paths_.size()); }
  std::string description() const override { return "image files"; }
  std::vector<std::string> fields() const override { return {picture_.name}; }
  void read(int64_t index, Sample& sample) const override {
    const std::string& path = paths_[static_cast<size_t>(index)];
    Image image = read_image(path, {.exif_transpose = exif_transpose_});
    convert_channels(image, picture_.picture().channels, path);
    sample.resize(1);
    sample[0].set(std::move(image));
  }

 private:
  const std::vector<std::string>& paths_;
  Field picture_;
  bool exif_transpose_;
};

int predict(const Options& options) {
  const auto model = Model::load(options.model);
  const rn_entry& entry = model->entry(RN_INFER);
  const auto task = task_of(*model, entry);
  const std::vector<Field> fields = task->sample_fields();
  if (fields.size() != 1 || !fields[0].is_picture())
    throw Error(fmt::format("the model {} does not take one picture: use rnrun call", model->name()));
  ThreadPool pool(options.threads);
  Session session(model, pool);
  const auto [known_names, trained] = load_weights(options.weights, session);
  TrainSettings settings = trained;
  apply(options.settings, settings);
  set_inputs(session, entry, options.inputs);

  const Files files(options.images, fields[0], settings.exif_transpose);
  std::vector<uint32_t> order(options.images.size());
  std::iota(order.begin(), order.end(), 0u);
  LoaderPlan plan =
      with_views({.order = std::move(order),
                  .batch_size = std::min(options.batch_size, files.size() * view_count(options.views)),
                  .fields = fields},
                 options.views);
  ViewAverage average(*task, options.views);
  BoundEntry infer(session, entry, plan.batch_size);
  Loader loader(files, std::move(plan), DataFlags{}.workers_for(options.threads));
  session.prepare_for(infer.entry());
  const AnswerOptions asked{.class_names = class_names(*task, *model, known_names), .top = options.top};
  nlohmann::ordered_json results = nlohmann::ordered_json::array();
  size_t done = 0;
  for (Batch batch = loader.next(); batch.size > 0; batch = loader.next()) {
    const int64_t samples = average.run(infer, batch).size;
    for (int64_t i = 0; i < samples; ++i, ++done) {
      const Answer answer = task->answer(infer, i, asked);
      if (options.json) {
        results.push_back({{"image", options.images[done]}});
        results.back().update(answer.json);
      } else {
        print("{}\n{}", options.images[done], answer.text);
      }
    }
  }
  if (options.json) print("{}\n", results.dump(2, ' ', false, nlohmann::json::error_handler_t::replace));
  return 0;
}

}  // namespace

Command add_predict(CLI::App& app) {
  auto options = std::make_shared<Options>();
  CLI::App* command = app.add_subcommand("predict", "Tell what images show");
  command->add_option("model", options->model, "the model library")->required();
  command->add_option("images", options->images, "JPEG, PNG, WebP, TIFF, GIF or BMP files")->required();
  add_weights_options(*command, options->weights);
  add_input_option(*command, options->inputs);
  add_setting(*command, "exif_transpose", options->settings);
  add_views_option(*command, options->views);
  command->add_option("--top", options->top, "classes per image")
      ->check(CLI::Range(size_t{1}, size_t{1'000'000}))
      ->capture_default_str();
  add_batch_option(*command, options->batch_size, "images per call")->capture_default_str();
  add_threads_option(*command, options->threads);
  command->add_flag("--json", options->json, "print JSON");
  return {command, [options] { return predict(*options); }};
}

}  // namespace rnrun
