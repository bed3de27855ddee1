// What a training leaves in its directory, including when it is interrupted and resumed.
#include "runtime/train/runs/run_directory.h"

#include <doctest/doctest.h>

#include "runtime/report/run_data.h"
#include "runtime/support/safetensors.h"
#include "tests/unit/runtime/process.h"

namespace rnrun {

namespace {

using nlohmann::ordered_json;

std::vector<ordered_json> lines(const std::string& path) {
  std::vector<ordered_json> result;
  std::istringstream in(read_text(path));
  for (std::string line; std::getline(in, line);) result.push_back(ordered_json::parse(line));
  return result;
}

ProcessResult train(const std::string& directory, std::vector<std::string> more) {
  std::vector<std::string> all = {
      "train",   model_path("linear"), "--data", "shapes", "--limit-batches", "6", "-b", "8", "--output-dir",
      directory, "--grad-norm-every",  "4"};
  all.insert(all.end(), more.begin(), more.end());
  const ProcessResult result = run_rnrun(all);
  CHECK_MESSAGE(result.status == 0, result.err);
  return result;
}

int64_t event_files(const std::string& directory) {
  int64_t count = 0;
  for (const auto& file : std::filesystem::directory_iterator(directory))
    count += file.path().filename().string().starts_with("events.out.tfevents.") ? 1 : 0;
  return count;
}

}  // namespace

TEST_CASE("a training leaves settings, figures, checkpoints and a report") {
  const TemporaryDirectory directory;
  const std::string run = directory / "run";
  train(run, {"--epochs", "3", "--lr", "0.05"});
  const ordered_json config = ordered_json::parse(read_text(run + "/config.json"));
  CHECK(config["model"] == "linear");
  CHECK(config["lr"] == 0.05);
  CHECK(config["batch_size"] == 8);
  CHECK(config["hyper"]["momentum"] == 0.9);
  CHECK(config["graph_hash"] == "000000000000123e");
  CHECK(config.contains("rnrun"));

  CHECK(lines(run + "/metrics.jsonl").size() == 3);
  const auto steps = lines(run + "/steps.jsonl");
  REQUIRE(steps.size() == 18);
  CHECK(steps[5]["progress"] == 1.0);
  CHECK(steps[17]["step"] == 18);
  const auto gradients = lines(run + "/gradients.jsonl");
  REQUIRE(gradients.size() == 5);  // steps 1, 5, 9, 13, 17
  CHECK(gradients[1]["step"] == 5);
  const double weight = gradients[1]["norms"]["fc.weight"], bias = gradients[1]["norms"]["fc.bias"];
  CHECK(gradients[1]["total"].get<double>() == doctest::Approx(std::hypot(weight, bias)));
  CHECK(event_files(run) == 1);

  const ordered_json report = read_run(run);
  CHECK(report["classes"][1] == "Trouser");
  CHECK(report["kernels"]["entry"] == "train_step");
  CHECK(report["kernels"]["batch"] == 8);
  CHECK(report["kernels"]["step_ms"] > 0);
  CHECK(report["kernels"]["calls"].size() == 2);
  CHECK(report["memory"]["arena"] == 8 * 16 * 4);
  CHECK(report["evaluation"]["epoch"] == 3);
  int64_t right = 0, samples = 0;
  for (const ordered_json& cell : report["evaluation"]["confusion"]) {
    samples += cell[2].get<int64_t>();
    right += cell[0] == cell[1] ? cell[2].get<int64_t>() : 0;
  }
  CHECK(samples == 48);
  const double top1 = lines(run + "/metrics.jsonl")[2]["test_top1"];
  CHECK(static_cast<double>(right) / static_cast<double>(samples) == doctest::Approx(top1));
  CHECK(read_text(run + "/report.html").starts_with("<!DOCTYPE html>"));
}

TEST_CASE("checkpoint-best is that of the epoch with the best evaluation") {
  const TemporaryDirectory directory;
  const std::string run = directory / "run";
  train(run, {"--epochs", "6", "--lr", "0.3"});
  int64_t best = 0;
  double top1 = -1;
  for (const ordered_json& epoch : lines(run + "/metrics.jsonl")) {
    if (epoch["test_top1"] <= top1) continue;
    top1 = epoch["test_top1"];
    best = epoch["epoch"];
  }
  CHECK(read_safetensors(run + "/checkpoint-best.safetensors").metadata.at("epoch") == std::to_string(best));
  CHECK(read_safetensors(run + "/checkpoint-last.safetensors").metadata.at("epoch") == "6");
}

TEST_CASE("a resumed training has every line once; a new one in its place has none of the old") {
  const TemporaryDirectory directory;
  const std::string whole = directory / "whole", parts = directory / "parts";
  train(whole, {"--epochs", "4"});
  train(parts, {"--epochs", "2"});
  train(parts, {"--epochs", "4", "--resume"});
  for (const char* name : {"/steps.jsonl", "/gradients.jsonl"})
    CHECK(read_text(whole + name) == read_text(parts + name));
  CHECK(event_files(parts) == 2);
  write_text(parts + "/mine.txt", "x");
  train(parts, {"--epochs", "1", "--force"});
  CHECK(lines(parts + "/steps.jsonl").size() == 6);
  CHECK(event_files(parts) == 1);
  CHECK(std::filesystem::exists(parts + "/mine.txt"));
}

TEST_CASE("a training may begin with weights") {
  const TemporaryDirectory directory;
  train(directory / "a", {"--epochs", "2"});
  const std::string weights = directory / "a/checkpoint-last.safetensors";
  const ProcessResult result =
      train(directory / "b", {"--epochs", "1", "--lr", "0", "--weights", weights, "--partial"});
  CHECK(result.err == weights + ": 3 of 3 tensors loaded\n");
  CHECK(read_safetensors(weights).tensors.at("fc.weight") ==
        read_safetensors(directory / "b/checkpoint-last.safetensors").tensors.at("fc.weight"));
}

}  // namespace rnrun
