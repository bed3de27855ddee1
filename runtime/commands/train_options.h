// What the command line of rnrun train says.
#pragma once

#include <CLI/CLI.hpp>
#include <array>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "runtime/commands/commands.h"
#include "runtime/commands/preview.h"
#include "runtime/model/model.h"
#include "runtime/support/thread_pool.h"
#include "runtime/train/trainer.h"

namespace rnrun {

inline constexpr std::string_view kLabelSmoothing = "label_smoothing";
// Scalar inputs with a flag of their own.
inline constexpr std::array<std::string_view, 5> kHyperFlags = {
    "momentum", "weight_decay", "norm_weight_decay", "bias_weight_decay", kLabelSmoothing};

struct TrainOptions {
  ModelFlags model;
  std::shared_ptr<const Model> carried;
  std::optional<std::string> data;
  GivenSettings settings;
  std::map<std::string, double> hyper;
  std::map<std::string, std::string> texts;  // of text_settings, by name
  ScalarInputs inputs;
  std::string optimizer;
  std::string class_weights;  // empty: none, or those of the checkpoint
  std::string output_dir;
  RunLimits limits;
  int threads = default_threads();
  bool resume = false;
  std::string resume_from;  // empty: the output directory's checkpoint
  bool test_only = false;
  bool force = false;
  bool log_json = false;
  bool lr_find = false;
  int64_t preview = 0;  // images; 0: train
  std::string preview_path = "preview.png";
  WeightsFlags weights;
  DataFlags data_flags;
};

// Adds them all but the model.
void add_train_options(CLI::App& app, const std::shared_ptr<TrainOptions>& options);

}  // namespace rnrun
