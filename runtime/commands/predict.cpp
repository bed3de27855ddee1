// rnrun predict: which classes a model sees in images.
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
#include "runtime/measure/predictions.h"
#include "runtime/model/bound_entry.h"
#include "runtime/support/error.h"
#include "runtime/support/output.h"
#include "runtime/task/classifier.h"
#include "runtime/train/weights.h"

namespace rnrun {

namespace {

struct Options {
  std::string model;
  std::vector<std::string> images;
  WeightsFlags weights;
  ScalarInputs inputs;
  int64_t batch_size = 64;
  size_t top = 5;
  int threads = default_threads();
  bool json = false;
};

// Image files without labels, made to fit a model.
class Files : public Dataset {
 public:
  Files(const std::vector<std::string>& paths, ImageShape shape) : paths_(paths), shape_(shape) {}
  int64_t size() const override { return static_cast<int64_t>(paths_.size()); }
  std::string description() const override { return "image files"; }
  int32_t read(int64_t index, Image& image) const override {
    const std::string& path = paths_[static_cast<size_t>(index)];
    image = read_image(path);
    fit(image, shape_, path);
    return 0;
  }

 private:
  const std::vector<std::string>& paths_;
  ImageShape shape_;
};

struct Guess {
  std::string name;
  int64_t index;
  double probability;
};

std::vector<Guess> guesses_of(std::span<const float> scores, const std::vector<std::string>& names,
                              size_t top) {
  const std::vector<double> probabilities = softmax(scores);
  std::vector<Guess> guesses;
  for (const int64_t k : top_classes(scores, top))
    guesses.push_back({names[static_cast<size_t>(k)], k, probabilities[static_cast<size_t>(k)]});
  return guesses;
}

nlohmann::ordered_json to_json(const std::string& path, const std::vector<Guess>& guesses) {
  nlohmann::ordered_json top = nlohmann::ordered_json::array();
  for (const Guess& g : guesses)
    top.push_back({{"class", g.name}, {"index", g.index}, {"probability", g.probability}});
  return {{"image", path}, {"top", top}};
}

void print_guesses(const std::string& path, const std::vector<Guess>& guesses) {
  print("{}\n", path);
  for (const Guess& g : guesses) print("  {:6.2f} %  {}\n", 100 * g.probability, g.name);
}

int predict(const Options& options) {
  const auto model = Model::load(options.model);
  const Classifier classifier = predictor_of(*model);
  ThreadPool pool(options.threads);
  Session session(model, pool);
  const auto known_names = load_weights(options.weights, session);
  const rn_entry& entry = model->entry(RN_INFER);
  set_inputs(session, entry, options.inputs);

  const Files files(options.images, classifier.shape);
  std::vector<uint32_t> order(options.images.size());
  std::iota(order.begin(), order.end(), 0u);
  const int64_t batch_size = std::min(options.batch_size, files.size());
  Loader loader(files, {.order = std::move(order), .batch_size = batch_size, .shape = classifier.shape},
                DataFlags{}.workers_for(options.threads));
  BoundEntry infer(session, entry, batch_size);
  session.prepare_for(infer.entry());
  const auto* scores = infer.output<float>(classifier.predict);
  const auto classes = static_cast<size_t>(classifier.classes);
  const auto names = class_names(known_names, *model, classifier.classes);
  nlohmann::ordered_json results = nlohmann::ordered_json::array();
  size_t done = 0;
  for (Batch batch = loader.next(); batch.size > 0; batch = loader.next()) {
    infer.bind(classifier.image, batch.pixels);
    infer.run(batch.size);
    for (size_t i = 0; i < static_cast<size_t>(batch.size); ++i, ++done) {
      const auto guesses = guesses_of({scores + i * classes, classes}, names, options.top);
      if (options.json)
        results.push_back(to_json(options.images[done], guesses));
      else
        print_guesses(options.images[done], guesses);
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
  command->add_option("images", options->images, "JPEG or PNG files")->required();
  add_weights_options(*command, options->weights);
  add_input_option(*command, options->inputs);
  command->add_option("--top", options->top, "classes per image")
      ->check(CLI::Range(size_t{1}, size_t{1'000'000}))
      ->capture_default_str();
  add_batch_option(*command, options->batch_size, "images per call")->capture_default_str();
  add_threads_option(*command, options->threads);
  command->add_flag("--json", options->json, "print JSON");
  return {command, [options] { return predict(*options); }};
}

}  // namespace rnrun
