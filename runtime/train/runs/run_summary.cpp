#include "runtime/train/runs/run_summary.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <optional>
#include <string_view>

#include "runtime/report/json_file.h"
#include "runtime/support/error.h"
#include "runtime/task/classification/classification.h"
#include "runtime/task/task.h"
#include "runtime/train/runs/run_lock.h"

namespace rnrun {

using nlohmann::ordered_json;
namespace fs = std::filesystem;

namespace {

constexpr int kDeepest = 16;  // folders below the one that is searched

// What config.json has besides settings: what the table shows anyway, and on what and by what the training ran.
constexpr std::array<std::string_view, 13> kNoSettings = {
    "epochs", "inputs",   "model",  "hyper",    "train_images", "test_images", "started",
    "rnrun",  "compiler", "target", "features", "abi",          "graph_hash"};

template <class T>
T value_of(const ordered_json& json, std::string_view key, const std::string& path) {
  const auto found = json.find(key);
  if (found != json.end()) {
    if constexpr (std::is_same_v<T, std::string>) {
      if (found->is_string()) return found->get<T>();
    } else {
      if (found->is_number_integer()) return found->get<T>();
    }
  }
  throw Error(fmt::format("{} is not of a training: '{}' is missing or of another type", path, key));
}

ordered_json settings_of(const ordered_json& config) {
  ordered_json settings = ordered_json::object();
  for (const auto& [name, value] : config.items())
    if (std::ranges::find(kNoSettings, name) == kNoSettings.end()) settings[name] = value;
  for (const char* group : {"hyper", "inputs"})
    if (const auto found = config.find(group); found != config.end() && found->is_object())
      for (const auto& [name, value] : found->items()) settings[name] = value;
  return settings;
}

// The task's metrics as the report has them. Reports of before there were tasks are of classifications.
ordered_json metrics_of(const std::string& directory) {
  const std::string path = directory + "/report.json";
  if (!fs::exists(path)) return ordered_json::array();
  const ordered_json report = read_json(path);
  const ordered_json task =
      report.contains("task") ? report["task"] : task_json("classification", classification_metrics());
  return task.at("metrics");
}

std::optional<double> figure(const ordered_json& line, std::string_view split, const ordered_json& metric) {
  const auto found = line.find(fmt::format("{}_{}", split, metric.value("key", "")));
  if (found == line.end() || !found->is_number()) return std::nullopt;
  return found->get<double>();
}

// Sets best and figures.
void find_best(RunSummary& run, const std::vector<ordered_json>& lines, const ordered_json& metrics) {
  if (metrics.empty()) return;
  const ordered_json& first = metrics.front();
  const bool larger = first.value("larger_is_better", true);
  std::string_view split;
  for (const std::string_view candidate : {"test", "train"}) {
    std::optional<double> best;
    for (const ordered_json& line : lines) {
      const auto value = figure(line, candidate, first);
      if (!value || (best && !(larger ? *value > *best : *value < *best))) continue;
      best = value;
      split = candidate;
      run.best = line;
    }
    if (best) break;
  }
  if (run.best.is_null()) return;
  for (const ordered_json& metric : metrics)
    if (const auto value = figure(run.best, split, metric))
      run.figures += metric.value("share", false)
                         ? fmt::format("{} {:.2f} %, ", metric.value("name", ""), 100 * *value)
                         : fmt::format("{} {:.4g}, ", metric.value("name", ""), *value);
  run.figures +=
      fmt::format("{}epoch {}", split == "train" ? "in training, " : "", run.best.value("epoch", int64_t{0}));
}

std::string state_of(const RunSummary& run) {
  if (RunLock::is_held(run.directory)) return "running";
  const std::string outcome = run.directory + "/outcome.json";
  // Directories of before there were outcomes have come to their end when no epoch is left.
  if (!fs::exists(outcome)) return run.epochs_done >= run.epochs ? "finished" : "interrupted";
  return value_of<std::string>(read_json(outcome), "state", outcome);
}

bool is_run(const fs::path& directory) {
  std::error_code ignored;
  for (const char* file : {"config.json", "metrics.jsonl", "metrics.csv", "checkpoint-last.safetensors"})
    if (fs::is_regular_file(directory / file, ignored)) return true;
  return false;
}

}  // namespace

RunSummary read_summary(const std::string& directory) {
  const std::string config_path = directory + "/config.json";
  if (!fs::exists(config_path))
    throw Error(fmt::format("{} is not the directory of a training: there is no {}", directory, config_path));
  try {
    const ordered_json config = read_json(config_path);
    const std::vector<ordered_json> lines = read_json_lines(directory + "/metrics.jsonl");
    RunSummary run{.directory = directory,
                   .model = value_of<std::string>(config, "model", config_path),
                   .started = config.value("started", ""),
                   .epochs = value_of<int64_t>(config, "epochs", config_path),
                   .epochs_done = static_cast<int64_t>(lines.size()),
                   .settings = settings_of(config)};
    find_best(run, lines, metrics_of(directory));
    run.state = state_of(run);
    return run;
  } catch (const ordered_json::exception& error) {  // a value of another type than it should have
    throw Error(fmt::format("{} is damaged: {}", directory, error.what()));
  }
}

std::vector<std::string> find_runs(const std::string& directory) {
  if (!fs::is_directory(directory)) throw Error(fmt::format("there is no directory {}", directory));
  if (is_run(directory)) return {directory};
  std::vector<std::string> runs;
  std::error_code error;
  fs::recursive_directory_iterator it(directory, fs::directory_options::skip_permission_denied, error);
  for (; !error && it != fs::end(it); it.increment(error)) {
    if (!it->is_directory(error) || it->is_symlink(error)) continue;
    if (is_run(it->path())) {
      runs.push_back(it->path().string());
      it.disable_recursion_pending();
    } else if (it.depth() >= kDeepest) {
      it.disable_recursion_pending();
    }
  }
  if (error) throw Error(fmt::format("cannot read {}: {}", directory, error.message()));
  return runs;
}

std::vector<std::string> differing_settings(const std::vector<RunSummary>& runs) {
  std::vector<std::string> names;
  const auto differs = [&](const std::string& name) {
    return std::ranges::any_of(runs, [&](const RunSummary& run) {
      return !run.settings.contains(name) || run.settings[name] != runs.front().settings.at(name);
    });
  };
  for (const RunSummary& run : runs)
    for (const auto& [name, value] : run.settings.items()) {
      if (std::ranges::find(names, name) != names.end()) continue;
      if (!runs.front().settings.contains(name) || differs(name)) names.push_back(name);
    }
  return names;
}

}  // namespace rnrun
