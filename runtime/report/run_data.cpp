#include "runtime/report/run_data.h"

#include <fmt/format.h>

#include <filesystem>
#include <vector>

#include "runtime/report/json_file.h"
#include "runtime/support/error.h"
#include "runtime/task/classification/classification.h"
#include "runtime/task/task.h"

namespace rnrun {

using nlohmann::ordered_json;

namespace {

constexpr size_t kMostSteps = 600;      // points of a curve
constexpr size_t kMostGradients = 240;  // columns of a picture

// At most `most` of the lines, evenly chosen, the first and the last among them.
std::vector<ordered_json> thinned(std::vector<ordered_json> lines, size_t most) {
  if (lines.size() <= most) return lines;
  std::vector<ordered_json> chosen;
  for (size_t i = 0; i < most; ++i) chosen.push_back(std::move(lines[i * (lines.size() - 1) / (most - 1)]));
  return chosen;
}

// Lines {step, epoch, total, norms: {name: norm}} with the names said once.
ordered_json gradients_json(const std::vector<ordered_json>& lines, const std::string& path) {
  ordered_json tensors = ordered_json::array();
  ordered_json records = ordered_json::array();
  for (const ordered_json& line : lines) {
    if (!line.contains("norms") || !line["norms"].is_object())
      throw Error(fmt::format("{} is damaged: a line without norms", path));
    ordered_json names = ordered_json::array();
    ordered_json norms = ordered_json::array();
    for (const auto& [name, norm] : line["norms"].items()) {
      names.push_back(name);
      norms.push_back(norm);
    }
    if (tensors.empty()) tensors = names;
    if (names != tensors) throw Error(fmt::format("{} is damaged: its lines have different tensors", path));
    ordered_json record = line;
    record["norms"] = norms;
    records.push_back(std::move(record));
  }
  return {{"tensors", tensors}, {"records", records}};
}

}  // namespace

ordered_json read_run(const std::string& directory) {
  const std::string config = directory + "/config.json";
  if (!std::filesystem::exists(config))
    throw Error(fmt::format("{} is not the directory of a training: there is no {}", directory, config));
  std::filesystem::path path = std::filesystem::absolute(directory).lexically_normal();
  if (!path.has_filename()) path = path.parent_path();
  const std::string gradients = directory + "/gradients.jsonl";
  ordered_json run = {
      {"name", path.filename().string()},
      {"config", read_json(config)},
      {"epochs", read_json_lines(directory + "/metrics.jsonl")},
      {"steps", thinned(read_json_lines(directory + "/steps.jsonl"), kMostSteps)},
      {"gradients", gradients_json(thinned(read_json_lines(gradients), kMostGradients), gradients)}};
  const std::string rest = directory + "/report.json";
  if (!std::filesystem::exists(rest))
    throw Error(
        fmt::format("{} has no report.json: its training has not come to the end of an epoch", directory));
  run.update(read_json(rest));
  // Runs of before there were tasks are classifications.
  if (!run.contains("task")) run["task"] = task_json("classification", classification_metrics());
  return run;
}

}  // namespace rnrun
