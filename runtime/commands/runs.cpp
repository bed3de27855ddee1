// rnrun runs: a table of trainings.
#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <vector>

#include "runtime/commands/commands.h"
#include "runtime/support/error.h"
#include "runtime/support/output.h"
#include "runtime/train/runs/run_summary.h"

namespace rnrun {

namespace {

using nlohmann::ordered_json;

struct RunsOptions {
  std::string directory = "runs";
  bool json = false;
};

// A directory that looks like that of a training, and cannot be read as one.
struct Unreadable {
  std::string directory;
  std::string problem;
};

std::string cell(const RunSummary& run, const std::string& setting) {
  if (!run.settings.contains(setting)) return "-";
  const ordered_json& value = run.settings[setting];
  return value.is_string() ? value.get<std::string>() : value.dump();
}

// Characters on the screen: of UTF-8, those bytes that begin one.
size_t width_of(std::string_view text) {
  return static_cast<size_t>(
      std::ranges::count_if(text, [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; }));
}

void print_table(const std::vector<std::vector<std::string>>& rows) {
  std::vector<size_t> widths(rows.front().size());
  for (const auto& row : rows)
    for (size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], width_of(row[i]));
  for (const auto& row : rows) {
    std::string line;
    for (size_t i = 0; i < row.size(); ++i)
      line += row[i] + std::string(widths[i] - width_of(row[i]) + 2, ' ');
    print("{}\n", line.substr(0, line.find_last_not_of(' ') + 1));
  }
}

void print_text(const std::vector<RunSummary>& runs, const std::vector<Unreadable>& unreadable) {
  const std::vector<std::string> settings = differing_settings(runs);
  std::vector<std::vector<std::string>> rows = {{"run", "model", "started", "epochs", "best", "state"}};
  rows.front().insert(rows.front().end(), settings.begin(), settings.end());
  for (const RunSummary& run : runs) {
    rows.push_back({run.directory, run.model, run.started, fmt::format("{}/{}", run.epochs_done, run.epochs),
                    run.figures.empty() ? "-" : run.figures, run.state});
    for (const std::string& setting : settings) rows.back().push_back(cell(run, setting));
  }
  if (!runs.empty()) print_table(rows);
  for (const Unreadable& u : unreadable) print("not readable: {}: {}\n", u.directory, u.problem);
}

void print_json(const std::vector<RunSummary>& runs, const std::vector<Unreadable>& unreadable) {
  const std::vector<std::string> names = differing_settings(runs);
  ordered_json json = {{"runs", ordered_json::array()}, {"unreadable", ordered_json::array()}};
  for (const RunSummary& run : runs) {
    ordered_json settings = ordered_json::object();
    for (const std::string& name : names)
      settings[name] = run.settings.contains(name) ? run.settings[name] : ordered_json();
    json["runs"].push_back({{"directory", run.directory},
                            {"model", run.model},
                            {"started", run.started},
                            {"state", run.state},
                            {"epochs_done", run.epochs_done},
                            {"epochs", run.epochs},
                            {"best", run.best},
                            {"settings", settings}});
  }
  for (const Unreadable& u : unreadable)
    json["unreadable"].push_back({{"directory", u.directory}, {"problem", u.problem}});
  print("{}\n", json.dump(2, ' ', false, ordered_json::error_handler_t::replace));
}

int list_runs(const RunsOptions& options) {
  std::vector<RunSummary> runs;
  std::vector<Unreadable> unreadable;
  for (const std::string& directory : find_runs(options.directory)) {
    try {
      runs.push_back(read_summary(directory));
    } catch (const Error& error) {
      unreadable.push_back({directory, error.what()});
    }
  }
  std::ranges::sort(runs, [](const RunSummary& a, const RunSummary& b) {
    return a.started != b.started ? a.started > b.started : a.directory < b.directory;
  });
  std::ranges::sort(unreadable, {}, &Unreadable::directory);
  if (options.json) {
    print_json(runs, unreadable);
    return 0;
  }
  if (runs.empty() && unreadable.empty())
    print_message(fmt::format("there are no trainings below {}", options.directory));
  print_text(runs, unreadable);
  return 0;
}

}  // namespace

Command add_runs(CLI::App& app) {
  auto options = std::make_shared<RunsOptions>();
  CLI::App* command = app.add_subcommand(
      "runs",
      "List the trainings below a directory, the newest first, with the settings in which they differ");
  command->add_option("directory", options->directory, "where to look; by default runs");
  command->add_flag("--json", options->json, "print JSON");
  return {command, [options] { return list_runs(*options); }};
}

}  // namespace rnrun
