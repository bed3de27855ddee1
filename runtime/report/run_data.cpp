#include "runtime/report/run_data.h"

#include <fmt/format.h>

#include <filesystem>
#include <sstream>
#include <vector>

#include "runtime/support/error.h"
#include "runtime/support/file.h"
#include "runtime/task/classification/classification.h"
#include "runtime/task/task.h"

namespace rnrun {

using nlohmann::ordered_json;

namespace {

constexpr size_t kMostSteps = 600;      // points of a curve
constexpr size_t kMostGradients = 240;  // columns of a picture

ordered_json parse_json(std::string_view text, const std::string& path) {
  ordered_json value = ordered_json::parse(text, nullptr, false);
  if (!value.is_object())
    throw Error(fmt::format("{} is damaged: not a JSON object where one should be", path));
  return value;
}

// The objects of a file with one per line; none if there is no such file.
std::vector<ordered_json> read_lines(const std::string& path) {
  std::vector<ordered_json> lines;
  std::istringstream in(file_text(path));
  for (std::string line; std::getline(in, line);) lines.push_back(parse_json(line, path));
  return lines;
}

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
      {"config", parse_json(file_text(config), config)},
      {"epochs", read_lines(directory + "/metrics.jsonl")},
      {"steps", thinned(read_lines(directory + "/steps.jsonl"), kMostSteps)},
      {"gradients", gradients_json(thinned(read_lines(gradients), kMostGradients), gradients)}};
  const std::string rest = directory + "/report.json";
  if (!std::filesystem::exists(rest))
    throw Error(
        fmt::format("{} has no report.json: its training has not come to the end of an epoch", directory));
  run.update(parse_json(file_text(rest), rest));
  // Runs of before there were tasks are classifications.
  if (!run.contains("task")) run["task"] = task_json("classification", classification_metrics());
  return run;
}

}  // namespace rnrun
