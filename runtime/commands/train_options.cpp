#include "runtime/commands/train_options.h"

#include <fmt/format.h>

#include <charconv>

#include "runtime/support/error.h"

namespace rnrun {

namespace {

// "90", "90s", "10m", "1.5h" in seconds.
double seconds_of(std::string_view flag, const std::string& text) {
  static const std::map<char, double> units = {{'s', 1}, {'m', 60}, {'h', 3600}};
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  const auto left = static_cast<size_t>(text.data() + text.size() - end);
  const auto unit = units.find(left == 0 ? 's' : *end);
  if (error != std::errc() || left > 1 || unit == units.end() || !(value > 0 && value <= 1e6))
    throw UsageError(
        fmt::format("{}: must be a time greater than 0 such as 90, 90s, 10m or 1.5h, not {}", flag, text));
  return value * unit->second;
}

}  // namespace

void add_train_options(CLI::App& app, const std::shared_ptr<TrainOptions>& options) {
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
                 fmt::format("{}; by default the recipe's, or {}", data_help(), kFashionMnist));
  add_data_flags(app, options->data_flags);
  app.add_option("--opt", options->optimizer, "the optimizer that the model must have been compiled with");
  hyper("--momentum", "momentum", "the optimizer's momentum");
  hyper("--weight-decay,--wd", "weight_decay", "the optimizer's weight decay");
  hyper("--norm-weight-decay", "norm_weight_decay", "the same for batch norm's weights and biases");
  hyper("--bias-weight-decay", "bias_weight_decay", "the same for all biases");
  hyper("--label-smoothing", std::string(kLabelSmoothing),
        "of a loss that takes it as an input f32[] label_smoothing", 1);
  add_input_option(app, options->inputs);
  const auto text = [&](const char* flag, const char* name, const char* help) {
    app.add_option_function<std::string>(
        flag, [options, name](const std::string& value) { options->texts[name] = value; }, help);
  };
  text("--lr-mult", "lr_mult",
       "'layer4.*=0.1,fc=1': by what the rate of the parameters that match, or are in a layer of that name, "
       "is "
       "multiplied; the last that matches counts");
  text("--freeze", "freeze", "the parameters that --freeze-epochs is about, in the same way: 'layer1,bn1.*'");
  app.add_option(
      "--class-weights", options->class_weights,
      "weights of the classes in a loss that takes them as an input, class_weight: f32[classes]: balanced "
      "(samples / (classes * samples of the class)), or a file with a number for each");
  for (const Setting& setting : train_settings()) add_setting(app, setting, options->settings);
  add_threads_option(app, options->threads);
  app.add_option("--output-dir", options->output_dir,
                 "where checkpoint and metrics go; by default runs/<model>");
  app.add_option_function<std::string>(
      "--time-limit",
      [options](const std::string& text) { options->limits.seconds = seconds_of("--time-limit", text); },
      "save and stop after this time, such as 90 (seconds), 10m or 1.5h; --resume goes on");
  app.add_option_function<std::string>(
      "--rank-timeout",
      [options](const std::string& text) { options->rank_timeout = seconds_of("--rank-timeout", text); },
      "under mpirun: how long a rank waits for the others before it gives up; 10m by default");
  CLI::Option* resume = app.add_option_function<std::string>(
      "--resume", [options](const std::string& path) { options->resume_from = path; },
      "go on from this checkpoint, or from the last one in this directory of a training or the output "
      "directory, with its settings");
  resume->expected(0, 1)->trigger_on_parse();
  app.parse_complete_callback([options, resume] { options->resume = resume->count() > 0; });
  add_weights_options(app, options->weights)->excludes(resume);
  app.add_flag("--test-only", options->test_only, "evaluate the checkpoint instead of training")
      ->needs(resume);
  app.add_flag("--log-json", options->log_json,
               "print one JSON object per line to standard output: the start with all settings, each epoch's "
               "figures, the end; the text for people goes to standard error");
  app.add_flag(
      "--lr-find", options->lr_find,
      "instead of training, a step with each of 100 learning rates from 1e-7 to 10 (Smith 2017, as fastai): "
      "prints the one at which the loss falls fastest, and writes lr_find.csv and lr_find.html to the output "
      "directory");
  CLI::Option* preview =
      app.add_option(
             "--preview-data", options->preview,
             "write a picture of so many training images, as they are and below them as they are trained on, "
             "and end")
          ->check(CLI::Range(int64_t{1}, kMaxPreview));
  app.add_option("-o", options->preview_path, "where it goes")->needs(preview)->capture_default_str();
  app.add_flag("--force,--overwrite", options->force, "begin a new training in the output directory")
      ->excludes(resume);
}

}  // namespace rnrun
