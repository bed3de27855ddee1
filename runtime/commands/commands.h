// rnrun's commands. Each adds its subcommand and options to the command line; its action runs when it is chosen.
#pragma once

#include <CLI/CLI.hpp>
#include <algorithm>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/data/open_data.h"
#include "runtime/model/model.h"
#include "runtime/model/session.h"
#include "runtime/support/thread_pool.h"
#include "runtime/task/task.h"
#include "runtime/train/weights/weights.h"

namespace rnrun {

// Runs a command, returns the exit status. Throws Error.
using Action = std::function<int()>;

// Adds a command to `app`; `action` is called when it was chosen on the command line.
struct Command {
  CLI::App* app = nullptr;
  Action action;
};

Command add_train(CLI::App& app);
Command add_eval(CLI::App& app);
Command add_predict(CLI::App& app);
Command add_explain(CLI::App& app);
Command add_report(CLI::App& app);
Command add_runs(CLI::App& app);
Command add_info(CLI::App& app);
Command add_call(CLI::App& app);
Command add_export(CLI::App& app);
Command add_bench(CLI::App& app);

// Makes `app` itself the command train, for a model that the executable carries.
Action make_trainer(CLI::App& app, std::shared_ptr<const Model> carried);

// Which model a command is about.
struct ModelFlags {
  std::string path;
  std::string variant;  // empty: the best that this CPU runs, or that of RNRUN_VARIANT
};
// The model's library, the first argument, and --variant.
void add_model_options(CLI::App& app, ModelFlags& flags);
void add_variant_option(CLI::App& app, std::string& variant);
std::shared_ptr<const Model> load_model(const ModelFlags& flags);

// -j/--threads with its default and range.
void add_threads_option(CLI::App& app, int& threads);
// Where weights come from.
struct WeightsFlags {
  std::string path;
  bool partial = false;
};
// --weights/--params, which is returned, and --partial. The weights may also be named without a flag where
// nothing else is.
enum class Positional { no, yes };
CLI::Option* add_weights_options(CLI::App& app, WeightsFlags& flags, Positional positional = Positional::no);
// What a checkpoint says besides the weights.
struct WeightsNotes {
  std::vector<std::string> classes;     // their names; none if it has none, or was loaded in part
  std::vector<std::string> parameters;  // those that were loaded
  TrainSettings settings;               // of its training; the defaults where it is no checkpoint
};
// Loads them, and prints what a partial load left out to standard error. Throws Error when they do not fit, UsageError
// when none are given and the model has none of its own.
WeightsNotes load_weights(const WeightsFlags& flags, Session& session);

// Values of scalar inputs by name.
using ScalarInputs = std::map<std::string, double>;
// --input NAME=VALUE, as often as there are inputs.
void add_input_option(CLI::App& app, ScalarInputs& inputs);
// Throws UsageError for an input that the entry has not.
void check_inputs(const Model& model, const rn_entry& entry, const ScalarInputs& inputs);
// Sets them in the session. Throws UsageError also where the entry would be left without a value.
void set_inputs(Session& session, const rn_entry& entry, const ScalarInputs& inputs);
// What is to be done about an input without a value.
std::string missing_input(const Model& model, std::string_view input);
// Says what the file of weights was taken for, and of weights that were not f32 that they are now.
void print_notes(const std::string& path, const WeightsMatch& match);

// Settings of a training as given on the command line, by name.
using GivenSettings = std::map<std::string, std::string>;
// The setting's flag, and --no-... of a boolean one. Wrong values are a UsageError.
void add_setting(CLI::App& app, const Setting& setting, GivenSettings& given);
// The same by its name, which is in the table.
void add_setting(CLI::App& app, std::string_view name, GivenSettings& given);
void apply(const GivenSettings& given, TrainSettings& settings);

// What a command is told that shows images to a model.
struct ImageFlags {
  ModelFlags model;
  std::vector<std::string> images;
  WeightsFlags weights;
  ScalarInputs inputs;
  GivenSettings settings;  // of how images are read; by default those of the checkpoint
  int threads = default_threads();
};
// They are named as data/files/named_images.h reads them.
void add_image_flags(CLI::App& app, ImageFlags& flags);

// How a command reads images.
struct DataFlags {
  bool skip_corrupt = false;
  std::string cache_images;  // see CacheImages; empty: disk if there is a directory for it, else ram
  std::string cache;         // this directory
  int workers = 0;           // 0: half as many as threads that compute, at least one
  int workers_for(int threads) const { return workers > 0 ? workers : std::max(1, threads / 2); }
};
void add_data_flags(CLI::App& app, DataFlags& flags);
// What `model` needs of a data set, read as `settings` say. `classes`: the names in the checkpoint that it has its weights
// from, or none. Throws UsageError where a cache is to be on disk but has no directory.
DataOptions data_options(const Model& model, const Task& task, const DataFlags& flags,
                         const TrainSettings& settings, const std::vector<std::string>& classes);
// Whether --val-split divides the data as it did in the training that the settings are of, which had as many samples; and
// what to say if not.
bool divided_the_same(const TrainSettings& settings, const Dataset& data);
std::string divided_otherwise(const TrainSettings& settings, const Dataset& data);
// The data set for a model where none is given: the recipe's, or Fashion-MNIST. Throws UsageError when the model cannot
// take that.
std::string default_data(const Model& model, const Task& task);
// Prints to standard error that labels count the folders of `data`, where these are called otherwise than the
// model's classes and weights have no names of their own.
void print_other_names(const Dataset& data, const Model& model, const std::vector<std::string>& classes);
// Prints which images were left out of a data set.
void print_left_out(const Dataset& data);
// Prints to standard error what there is to know of the data, each once; either may be null.
void print_notes(const Dataset* train, const Dataset* test);

// --tta with the views that it names.
void add_views_option(CLI::App& app, TestViews& views);

// -b/--batch-size with its range; `batch` stays as it is when the option is not given.
CLI::Option* add_batch_option(CLI::App& app, int64_t& batch, const std::string& help);

}  // namespace rnrun
