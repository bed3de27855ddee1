#include "runtime/train/runs/metrics_log.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <cmath>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>
#include <vector>

#include "runtime/support/error.h"
#include "runtime/support/file.h"

namespace rnrun {

using nlohmann::ordered_json;

namespace {

// The columns of metrics.csv: all that a line can have.
std::vector<std::string> csv_columns(const Task& task) {
  const ordered_json all = epoch_json({.test = Metrics()}, task);
  std::vector<std::string> names;
  for (const auto& [name, value] : all.items()) names.push_back(name);
  return names;
}

// One value as the CSV file has it.
std::string csv_cell(std::string_view name, const ordered_json& value) {
  if (value.is_number_integer()) return fmt::format("{}", value.get<int64_t>());
  const auto number = value.get<double>();
  if (name == "seconds") return fmt::format("{:.3f}", number);
  if (name == "images_per_s") return fmt::format("{:.1f}", number);
  if (name == "waiting") return fmt::format("{:.5f}", number);
  return fmt::format("{}", number);
}

// Rewrites `path` with its first `count` lines, after `header` if there are none.
void keep_lines(const std::string& path, int64_t count, std::string_view header) {
  std::string kept;
  std::istringstream in(file_text(path));
  std::string line;
  for (int64_t i = 0; i < count && std::getline(in, line); ++i) kept += line + "\n";
  if (kept.empty() && !header.empty()) kept = std::string(header) + "\n";
  replace_file(path, kept);
}

void append_line(const std::string& path, const std::string& line) {
  std::ofstream out(path, std::ios::app);
  out << line << '\n' << std::flush;
  if (!out) throw Error(fmt::format("cannot write {}", path));
}

}  // namespace

void add_figures(ordered_json& json, std::string_view split, const Metrics& counted, const Task& task) {
  json[fmt::format("{}_loss", split)] = counted.loss();
  for (size_t i = 0; i < task.metrics().size(); ++i)
    if (const double value = task.value(counted, i); !std::isnan(value))
      json[fmt::format("{}_{}", split, task.metrics()[i].key)] = value;
}

ordered_json epoch_json(const EpochRecord& record, const Task& task) {
  ordered_json json = {{"epoch", record.epoch}, {"step", record.step}, {"lr", record.lr}};
  add_figures(json, "train", record.train, task);
  if (record.test) add_figures(json, "test", *record.test, task);
  json["seconds"] = record.seconds;
  json["images_per_s"] = record.images_per_s;
  json["waiting"] = record.waiting;
  if (record.for_gradients > 0) {
    json["waiting_for_slowest"] = record.for_slowest;
    json["waiting_for_gradients"] = record.for_gradients;
  }
  return json;
}

MetricsLog::MetricsLog(std::string directory, const Task& task, int64_t epochs)
    : jsonl_(directory + "/metrics.jsonl"), csv_(directory + "/metrics.csv"), task_(task) {
  keep_lines(jsonl_, epochs, "");
  keep_lines(csv_, epochs + 1, fmt::format("{}", fmt::join(csv_columns(task), ",")));
}

void MetricsLog::epoch(const EpochRecord& record) {
  const ordered_json line = epoch_json(record, task_);
  std::vector<std::string> cells;
  for (const std::string& name : csv_columns(task_))
    cells.push_back(line.contains(name) ? csv_cell(name, line[name]) : "");
  append_line(jsonl_, line.dump());
  append_line(csv_, fmt::format("{}", fmt::join(cells, ",")));
}

}  // namespace rnrun
