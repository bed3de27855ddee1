#include "runtime/train/runs/run_directory.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <vector>

#include "runtime/report/describe.h"
#include "runtime/report/page.h"
#include "runtime/report/run_data.h"
#include "runtime/support/error.h"
#include "runtime/support/file.h"

namespace rnrun {

using nlohmann::ordered_json;

namespace {

constexpr int64_t kLinesPerEpoch = 40;
constexpr double kSecondsBetweenReports = 10;

void append_line(const std::string& path, const ordered_json& line) {
  std::ofstream out(path, std::ios::app);
  out << line.dump() << '\n' << std::flush;
  if (!out) throw Error(fmt::format("cannot write {}", path));
}

// Rewrites a file of lines {"step": ...} with those of the first `steps` steps.
void keep_steps(const std::string& path, int64_t steps) {
  std::string kept;
  std::istringstream in(file_text(path));
  for (std::string line; std::getline(in, line);) {
    const ordered_json json = ordered_json::parse(line, nullptr, false);
    const auto step = json.is_object() ? json.find("step") : json.end();
    if (step == json.end() || !step->is_number_integer() || step->get<int64_t>() > steps) break;
    kept += line + "\n";
  }
  replace_file(path, kept);
}

// What a report of this directory had of its last evaluation and its kernels.
ordered_json earlier_report(const std::string& path) {
  ordered_json json = ordered_json::parse(file_text(path), nullptr, false);
  return json.is_object() ? json : ordered_json::object();
}

}  // namespace

RunDirectory::RunDirectory(std::string directory, const Model& model, const Task& task,
                           const std::vector<std::string>& classes, ordered_json config,
                           int64_t steps_per_epoch, int64_t epochs_done, int64_t steps_done)
    : directory_(std::move(directory)),
      task_(task),
      metrics_(directory_, task, epochs_done),
      events_(directory_),
      steps_per_epoch_(steps_per_epoch),
      steps_per_line_(std::max<int64_t>(1, steps_per_epoch / kLinesPerEpoch)) {
  std::error_code ignored;
  std::filesystem::remove(path("outcome.json"), ignored);
  replace_file(path("config.json"), config.dump(2) + "\n");
  for (const char* name : {"steps.jsonl", "gradients.jsonl"}) keep_steps(path(name), steps_done);
  report_ = {{"task", task_json(task.name(), task.metrics())},
             {"classes", classes},
             {"network", network_json(model)},
             {"memory", nullptr},
             {"kernels", nullptr},
             {"evaluation", nullptr}};
  if (steps_done > 0) report_.update(earlier_report(path("report.json")));
}

void RunDirectory::step(const StepRecord& record) {
  since_line_.metrics.add(record.metrics);
  if (record.step % steps_per_line_ == 0 || record.step % steps_per_epoch_ == 0) write_steps(record);
}

void RunDirectory::write_steps(const StepRecord& last) {
  const Metrics& m = since_line_.metrics;
  const Metric& first = task_.criterion();
  const double progress = static_cast<double>(last.step) / static_cast<double>(steps_per_epoch_);
  const double value = task_.criterion_value(m);
  ordered_json line = {{"step", last.step}, {"progress", progress}, {"loss", m.loss()}};
  std::vector<EventValue> values = {{"loss/train", m.loss()}};
  if (!std::isnan(value) && first.key != "loss") {
    line[first.key] = value;
    values.push_back({fmt::format("{}/train", first.key), value});
  }
  line["lr"] = last.lr;
  values.push_back({"lr", last.lr});
  append_line(path("steps.jsonl"), line);
  events_.add(last.step, values);
  since_line_ = {};
}

void RunDirectory::gradients(const GradientRecord& record) {
  ordered_json norms = ordered_json::object();
  std::vector<EventValue> values = {{"gradient_norm", record.total}};
  for (size_t i = 0; i < record.norms.size(); ++i) {
    const std::string& parameter = record.parameters[i];
    norms[parameter] = record.norms[i];
    values.push_back({"gradient_norm/" + parameter, record.norms[i]});
  }
  append_line(path("gradients.jsonl"),
              {{"step", record.step}, {"epoch", record.epoch}, {"total", record.total}, {"norms", norms}});
  events_.add(record.step, values);
}

void RunDirectory::profile(const EntryProfile& profile) {
  if (profile.runs == 0) return;
  report_["kernels"] = kernels_json(profile);
  report_["memory"] = memory_json(*profile.entry, profile.batch);
}

void RunDirectory::epoch(const EpochRecord& record) {
  metrics_.epoch(record);
  std::vector<EventValue> values = {{"images_per_s", record.images_per_s}};
  const auto add = [&](const std::optional<Metrics>& m, std::string_view split) {
    if (!m) return;
    values.push_back({fmt::format("loss/{}", split), m->loss()});
    for (size_t i = 0; i < task_.metrics().size(); ++i)
      if (const double value = task_.value(*m, i); !std::isnan(value))
        values.push_back({fmt::format("{}/{}", task_.metrics()[i].key, split), value});
  };
  add(record.test, "test");
  add(record.test_ema, "test_ema");
  events_.add(record.step, values);
  if (record.findings != nullptr) report_["evaluation"] = record.findings->report(record.epoch);
  news_ = true;
}

void RunDirectory::saved() {
  if (written_ && seconds_between(*written_, Clock::now()) < kSecondsBetweenReports) return;
  write_report();
}

void RunDirectory::write_report() {
  if (!news_) return;
  replace_file(path("report.json"), report_.dump());
  const ordered_json run = read_run(directory_);
  replace_file(path("report.html"), report_page({run}, run["name"].get<std::string>()));
  written_ = Clock::now();
  news_ = false;
}

void RunDirectory::ended(const TrainOutcome& outcome) {
  const ordered_json json = {{"state", state_text(outcome)}, {"seconds", outcome.seconds}};
  replace_file(path("outcome.json"), json.dump() + "\n");
}

void RunDirectory::failed(const std::string& why) {
  const ordered_json json = {{"state", kFailed}, {"error", why}};
  const auto invalid = ordered_json::error_handler_t::replace;
  replace_file(path("outcome.json"), json.dump(-1, ' ', false, invalid) + "\n");
}

RunDirectory::~RunDirectory() {
  try {
    write_report();
  } catch (const Error&) {  // what ended the training is told already
  }
}

void RunDirectory::clear(const std::string& directory) {
  std::error_code ignored;
  for (const auto& entry : std::filesystem::directory_iterator(directory, ignored)) {
    const std::string name = entry.path().filename().string();
    const bool ours = name.starts_with("checkpoint-") || name.starts_with("metrics.") ||
                      name == "config.json" || name == "outcome.json" || name == "steps.jsonl" ||
                      name == "gradients.jsonl" || name.starts_with("report.") ||
                      name.starts_with("events.out.tfevents.");
    if (ours) std::filesystem::remove(entry.path(), ignored);
  }
}

}  // namespace rnrun
