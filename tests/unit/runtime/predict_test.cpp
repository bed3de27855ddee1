// rnrun predict, and that eval aggregates what it gives.
#include <doctest/doctest.h>

#include <map>
#include <nlohmann/json.hpp>

#include "runtime/data/decode/encode_png.h"
#include "runtime/data/readers/shapes.h"
#include "tests/unit/runtime/process.h"
#include "tests/unit/runtime/samples.h"

namespace rnrun {

namespace {

using nlohmann::json;

// Generated images as PNG files: <directory>/test/c<label>/<index>.png. Returns their paths.
std::vector<std::string> write_images(const std::string& directory, int64_t count) {
  const auto data = make_shapes({1, 28, 28}, 10, "test");
  std::vector<std::string> paths;
  for (int64_t k = 0; k < 10; ++k)
    for (const char* split : {"train", "test"})
      std::filesystem::create_directories(directory + "/" + split + "/c" + std::to_string(k));
  for (int64_t i = 0; i < count; ++i) {
    const auto [image, label] = read_labelled(*data, i);
    const std::string folder = "/c" + std::to_string(label) + "/";
    const std::string file = png_file(image.shape, image.pixels);
    write_text(directory + "/train" + folder + std::to_string(i) + ".png", file);
    paths.push_back(directory + "/test" + folder + std::to_string(i) + ".png");
    write_text(paths.back(), file);
  }
  return paths;
}

std::vector<std::string> command(std::vector<std::string> first, const std::vector<std::string>& more) {
  first.insert(first.end(), more.begin(), more.end());
  return first;
}

}  // namespace

TEST_CASE("eval is the aggregate of predict, whatever the batches") {
  const TemporaryDirectory directory;
  const std::string model = model_path("linear"), weights = directory / "run/checkpoint-last.safetensors";
  const auto images = write_images(directory / "data", 97);
  REQUIRE(run_rnrun({"train", model, "--data", "shapes", "--epochs", "1", "--limit-batches", "3", "-b", "32",
                     "--output-dir", directory / "run"})
              .status == 0);
  std::vector<std::vector<int64_t>> expected(10, std::vector<int64_t>(10));
  std::string first_predictions;
  for (const char* batch : {"1", "13", "200"}) {
    const ProcessResult result = run_rnrun(
        command({"predict", model, "--weights", weights, "--json", "-b", batch, "-j", "2"}, images));
    REQUIRE_MESSAGE(result.status == 0, result.err);
    if (first_predictions.empty()) {
      first_predictions = result.out;
      const json predictions = json::parse(result.out);
      REQUIRE(predictions.size() == images.size());
      for (size_t i = 0; i < images.size(); ++i) {
        CHECK(predictions[i]["image"] == images[i]);
        CHECK(predictions[i]["top"].size() == 5);
        const int64_t label = images[i][images[i].find("/c") + 2] - '0';
        ++expected[static_cast<size_t>(label)][predictions[i]["top"][0]["index"].get<size_t>()];
      }
    }
    CHECK(result.out == first_predictions);

    const json eval = json::parse(
        run_rnrun({"eval", model, "--weights", weights, "--data", directory / "data", "-b", batch, "--json"})
            .out);
    CHECK(eval["samples"] == 97);
    CHECK(eval["confusion"] == expected);
    int64_t right = 0;
    for (size_t k = 0; k < 10; ++k) right += expected[k][k];
    CHECK(right > 20);
    CHECK(eval["top1"].get<double>() == doctest::Approx(static_cast<double>(right) / 97));
  }
}

TEST_CASE("predict prints the most probable classes") {
  const TemporaryDirectory directory;
  const std::string model = model_path("linear"), weights = directory / "run/checkpoint-last.safetensors";
  const std::string image = write_images(directory / "data", 1).front();
  REQUIRE(run_rnrun({"train", model, "--data", "shapes", "--epochs", "1", "--limit-batches", "1", "--lr", "0",
                     "--output-dir", directory / "run"})
              .status == 0);
  const ProcessResult result = run_rnrun({"predict", model, "--weights", weights, "--top", "10", image});
  CHECK(result.out.starts_with(image + "\n  "));
  CHECK(result.out.find(" %  Ankle boot\n") != std::string::npos);
  CHECK(std::ranges::count(result.out, '\n') == 11);
  const json all =
      json::parse(run_rnrun({"predict", model, "--weights", weights, "--top", "10", image, "--json"}).out);
  double sum = 0;
  for (const json& guess : all[0]["top"]) sum += guess["probability"].get<double>();
  CHECK(sum == doctest::Approx(1));
  CHECK(all[0]["top"][0]["probability"] >= all[0]["top"][1]["probability"]);

  CHECK(run_rnrun({"predict", model, image}).err ==
        "rnrun: error: the model linear has no weights of its own: pass --weights\n");
  const std::string none = directory / "none.png";
  const ProcessResult missing = run_rnrun({"predict", model, "--weights", weights, none});
  CHECK(missing.status == 1);
  CHECK(missing.err.find(none) != std::string::npos);
}

}  // namespace rnrun
