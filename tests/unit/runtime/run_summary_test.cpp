#include "runtime/train/runs/run_summary.h"

#include <doctest/doctest.h>

#include "runtime/train/runs/run_lock.h"
#include "tests/unit/runtime/support.h"

namespace rnrun {

namespace {

// A directory as a training leaves it after two epochs of three.
void write_summarised_run(const std::string& directory) {
  std::filesystem::create_directories(directory);
  write_text(directory + "/config.json",
             R"({"model": "net", "data": "shapes", "hyper": {"momentum": 0.9}, "epochs": 3, "lr": 0.1,
                 "started": "2026-01-02 03:04:05 UTC", "graph_hash": "1"})");
  write_text(directory + "/metrics.jsonl",
             "{\"epoch\":1,\"train_top1\":0.5,\"test_top1\":0.7}\n{\"epoch\":2,\"train_top1\":0.9,\"test_"
             "top1\":0.6}\n");
  write_text(directory + "/report.json",
             R"({"task": {"name": "classification",
                 "metrics": [{"key": "top1", "name": "top-1", "share": true, "larger_is_better": true}]}})");
}

}  // namespace

TEST_CASE("the summary of a training has its best evaluation, its state and its settings") {
  const TemporaryDirectory directory;
  const std::string run = directory / "run";
  write_summarised_run(run);
  const RunSummary summary = read_summary(run);
  CHECK(summary.model == "net");
  CHECK(summary.epochs == 3);
  CHECK(summary.epochs_done == 2);
  CHECK(summary.best["epoch"] == 1);
  CHECK(summary.figures == "top-1 70.00 %, epoch 1");
  CHECK(summary.state == "interrupted");
  CHECK(summary.settings.dump() == R"({"data":"shapes","lr":0.1,"momentum":0.9})");

  write_text(run + "/outcome.json", R"({"state": "finished"})");  // stopped early
  CHECK(read_summary(run).state == "finished");
  {
    const RunLock lock(run);
    CHECK(read_summary(run).state == "running");
  }
  CHECK(read_summary(run).state == "finished");
  const RunLock again(run);  // looking takes nothing away
}

TEST_CASE("a smaller figure is better where the task says so; without evaluations training counts") {
  const TemporaryDirectory directory;
  const std::string run = directory / "run";
  write_summarised_run(run);
  write_text(
      run + "/report.json",
      R"({"task": {"metrics": [{"key": "top1", "name": "error", "share": false, "larger_is_better": false}]}})");
  CHECK(read_summary(run).figures == "error 0.6, epoch 2");
  write_text(run + "/metrics.jsonl", "{\"epoch\":1,\"train_top1\":0.25}\n");
  CHECK(read_summary(run).figures == "error 0.25, in training, epoch 1");
  std::filesystem::remove(run + "/report.json");
  CHECK(read_summary(run).figures.empty());
}

TEST_CASE(
    "directories of trainings are found wherever they are; damaged ones are errors that name the file") {
  const TemporaryDirectory directory;
  for (const char* name : {"a", "b/c", "b/d/e"}) write_summarised_run(directory / name);
  std::filesystem::create_directories(directory / "empty/folder");
  std::filesystem::create_directory_symlink(directory / "a", directory / "link");
  std::vector<std::string> found = find_runs(directory.path());
  std::sort(found.begin(), found.end());
  CHECK(found == std::vector<std::string>{directory / "a", directory / "b/c", directory / "b/d/e"});
  CHECK(find_runs(directory / "a") == std::vector<std::string>{directory / "a"});
  CHECK(error_of([&] { find_runs(directory / "none"); }) == "there is no directory " + directory / "none");

  const std::string run = directory / "a";
  const auto message = [&](const std::string& file, const std::string& text) {
    write_summarised_run(run);
    write_text(run + "/" + file, text);
    const std::string error = error_of([&] { read_summary(run); });
    write_summarised_run(run);
    return error;
  };
  const std::string damaged = " is damaged: not a JSON object where one should be";
  CHECK(message("config.json", "{\"model\": ") == run + "/config.json" + damaged);
  CHECK(message("config.json", "{\"model\": 7}") ==
        run + "/config.json is not of a training: 'model' is missing or of another type");
  CHECK(message("metrics.jsonl", "{\"epoch\":1}\n{\"ep") == run + "/metrics.jsonl" + damaged);
  CHECK(message("report.json", "[]") == run + "/report.json" + damaged);
  CHECK(message("report.json", R"({"task": {"metrics": [1]}})").starts_with(run + " is damaged: "));
  CHECK(message("config.json", std::string(100000, '[')) == run + "/config.json" + damaged);
}

TEST_CASE("settings that differ are those that another training has otherwise or not at all") {
  std::vector<RunSummary> runs(2);
  runs[0].settings = {{"data", "shapes"}, {"lr", 0.1}, {"old", 1}};
  runs[1].settings = {{"data", "shapes"}, {"lr", 0.2}, {"fresh", true}};
  CHECK(differing_settings(runs) == std::vector<std::string>{"lr", "old", "fresh"});
  CHECK(differing_settings({runs[0]}).empty());
  CHECK(differing_settings({}).empty());
}

}  // namespace rnrun
