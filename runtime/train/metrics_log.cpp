#include "runtime/train/metrics_log.h"

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

// What an epoch's line has, {name, value}. Without an evaluation, its figures are null, as are those that cannot be said.
ordered_json figures(const EpochRecord& m, const Task& task) {
  ordered_json json = {{"epoch", m.epoch}, {"step", m.step}, {"lr", m.lr}};
  const auto add = [&](std::string_view split, const std::optional<Metrics>& counted) {
    const auto name = [&](std::string_view key) { return fmt::format("{}_{}", split, key); };
    json[name("loss")] = counted ? ordered_json(counted->loss()) : ordered_json();
    for (size_t i = 0; i < task.metrics().size(); ++i) {
      const double value = counted ? task.value(*counted, i) : std::nan("");
      json[name(task.metrics()[i].key)] = std::isnan(value) ? ordered_json() : ordered_json(value);
    }
  };
  add("train", m.train);
  add("test", m.test);
  json["seconds"] = m.seconds;
  json["images_per_s"] = m.images_per_s;
  json["waiting"] = m.waiting;
  return json;
}

std::string csv_header(const Task& task) {
  const ordered_json none = figures({}, task);
  std::vector<std::string> names;
  for (const auto& [name, value] : none.items()) names.push_back(name);
  return fmt::format("{}", fmt::join(names, ","));
}

// One value as the CSV file has it.
std::string csv_cell(std::string_view name, const ordered_json& value) {
  if (value.is_null()) return "";
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

MetricsLog::MetricsLog(std::string directory, const Task& task, int64_t epochs)
    : jsonl_(directory + "/metrics.jsonl"), csv_(directory + "/metrics.csv"), task_(task) {
  keep_lines(jsonl_, epochs, "");
  keep_lines(csv_, epochs + 1, csv_header(task));
}

void MetricsLog::epoch(const EpochRecord& record) {
  const ordered_json all = figures(record, task_);
  ordered_json known;
  std::vector<std::string> cells;
  for (const auto& [name, value] : all.items()) {
    if (!value.is_null()) known[name] = value;
    cells.push_back(csv_cell(name, value));
  }
  append_line(jsonl_, known.dump());
  append_line(csv_, fmt::format("{}", fmt::join(cells, ",")));
}

}  // namespace rnrun
