// The commands of rnrun as a user meets them.
#include <doctest/doctest.h>
#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <random>
#include <set>

#include "runtime/contract/abi.h"
#include "runtime/support/safetensors.h"
#include "tests/unit/runtime/idx_files.h"
#include "tests/unit/runtime/process.h"

namespace rnrun {

namespace {

const std::string kModel = model_path("linear");

// The error that rnrun prints, without "rnrun: error: " and the newline, after its status: "2 the message".
std::string failure(const std::vector<std::string>& arguments) {
  const ProcessResult r = run_rnrun(arguments);
  const std::string prefix = "rnrun: error: ";
  CHECK(r.err.starts_with(prefix));
  CHECK(r.err.ends_with("\n"));
  if (r.err.size() <= prefix.size()) return r.err;
  return std::to_string(r.status) + " " + r.err.substr(prefix.size(), r.err.size() - prefix.size() - 1);
}

// A small data set of MNIST's form: bright rows, one per class.
void write_data(const std::string& directory, uint32_t train, uint32_t test) {
  std::filesystem::create_directories(directory);
  for (const auto& [split, count] : {std::pair{"train", train}, {"t10k", test}}) {
    std::string pixels;
    std::string labels;
    for (uint32_t i = 0; i < count; ++i) {
      const uint32_t label = i * 7 % 10;
      labels += static_cast<char>(label);
      for (uint32_t p = 0; p < 784; ++p)
        pixels += static_cast<char>(p / 56 == label ? 200 + i % 50 : (i * 31 + p * 17) % 100);
    }
    write_text(directory + "/" + split + "-images-idx3-ubyte", idx_images(count, 28, 28, pixels));
    write_text(directory + "/" + split + "-labels-idx1-ubyte", idx_labels(count, labels));
  }
}

}  // namespace

TEST_CASE("usage errors have status 2 and say what is allowed") {
  CHECK(failure({}) ==
        "2 a command is required: train, eval, predict, explain, report, runs, info, call, bench or export; "
        "--help tells more");
  CHECK(failure({"dance"}) == "2 The following argument was not expected: dance");
  CHECK(failure({"train"}) == "2 model is required");
  CHECK(failure({"train", kModel, "--epochs", "0"}) ==
        "2 --epochs: must be an integer from 1 to 1000000, not 0");
  CHECK(failure({"train", kModel, "-b", "-3"}) ==
        "2 --batch-size: must be an integer from 1 to 1048576, not -3");
  CHECK(failure({"train", kModel, "-j", "9999"}) == "2 --threads: Value 9999 not in range 1 to 1024");
  CHECK(failure({"train", kModel, "--lr", "-1"}) == "2 --lr: must be a number from 0 to 1000000, not -1");
  CHECK(failure({"train", kModel, "--weight-decay", "0.1"}) ==
        "2 --weight-decay: the optimizer of the model linear has no weight_decay");
  CHECK(failure({"train", kModel, "--resume", "--force"}) == "2 --resume excludes --force");
  CHECK(failure({"bench", kModel, "--mode", "fly"}) == "2 --mode: fly not in {train,infer}");
  CHECK(failure({"call", kModel, "infer", "--out", "x", "--steps", "2"}) ==
        "2 --steps is for entries train_step and update, not 'infer'");
  CHECK(failure({"call", kModel, "infer", "--out", "x", "--lr", "2"}) ==
        "2 --lr: entry 'infer' has no learning rate");
  CHECK(run_rnrun({"--version"}).out.starts_with("rnrun "));
  CHECK(run_rnrun({"train", "--help"}).status == 0);
}

TEST_CASE("errors have status 1") {
  const TemporaryDirectory directory;
  CHECK(failure({"info", directory / "none.so"}) ==
        "1 cannot load the model " + directory / "none.so" + ": no such file");
  CHECK(
      failure({"train", kModel, "--data", directory.path(), "--output-dir", directory / "o"}) ==
      "1 no data set in " + directory.path() +
          ": looked for idx files (train-images-idx3-ubyte), or CIFAR-10's data_batch_1.bin, or CIFAR-100's "
          "train.bin, or folders train/images and masks, or train/input and target, or train.safetensors, or "
          "train.csv, or folders train/<class> or <class> of images");
  CHECK(failure({"train", kModel, "--data", "idx:" + directory / "none", "--output-dir", directory / "o"}) ==
        "1 no data set in " + directory / "none" + ": no such file or directory");
  CHECK(failure({"train", kModel, "--resume", "--output-dir", directory / "o"}) ==
        "1 cannot read " + directory / "o/checkpoint-last.safetensors" + ": No such file or directory");
}

TEST_CASE("models that cannot be trained so are refused") {
  const std::string untrained = model_path("linear_untrained");
  CHECK(failure({"train", untrained}) ==
        "1 the model linear cannot be trained: it was compiled without an optimizer");
  CHECK(failure({"train", model_path("linear_odd_recipe")}) ==
        "1 the recipe of the model linear has batch_size = 0: must be an integer from 1 to 1048576");
  CHECK(failure({"train", model_path("linear_no_lr")}) ==
        "2 the recipe of the model linear has no lr: pass --lr");
}

TEST_CASE("train, eval and resume on the command line") {
  const TemporaryDirectory directory;
  write_data(directory / "data", 300, 50);
  const std::vector<std::string> train = {"train",        kModel,
                                          "--data",       directory / "data",
                                          "--output-dir", directory / "o",
                                          "-b",           "64",
                                          "--epochs",     "2",
                                          "--seed",       "3",
                                          "-j",           "2"};
  const ProcessResult first = run_rnrun(train);
  CHECK(first.status == 0);
  CHECK(first.out.starts_with("linear: 300 images of 1x28x28 from " + directory / "data" +
                              ", 50 to test; batch 64, sgd, lr 0.1 constant, 2 threads; results in " +
                              directory / "o" + "\nEpoch: [1/2]  [5/5]  eta: "));
  CHECK(first.out.find("\ntest accuracy ") != std::string::npos);
  CHECK(failure(train) ==
        "1 the directory " + directory / "o" +
            " is not empty: --resume continues the training in it, --force begins a new one in its place");
  CHECK(failure({"train", kModel, "--resume", "--seed", "4", "--output-dir", directory / "o"}) ==
        "2 --seed 4 with --resume: the training began with seed 3");

  // Two epochs and then two more are the same as four.
  CHECK(run_rnrun({"train", kModel, "--resume", "--epochs", "4", "--output-dir", directory / "o"}).status ==
        0);
  std::vector<std::string> whole = train;
  whole[5] = directory / "whole";
  whole[9] = "4";
  CHECK(run_rnrun(whole).status == 0);
  CHECK(read_text(directory / "o/checkpoint-last.safetensors") ==
        read_text(directory / "whole/checkpoint-last.safetensors"));

  const ProcessResult eval =
      run_rnrun({"eval", kModel, "--params", directory / "o/checkpoint-last.safetensors", "--data",
                 directory / "data", "--json"});
  const auto json = nlohmann::json::parse(eval.out);
  CHECK(json["samples"] == 50);
  CHECK(json["top1"] == 1.0);
  CHECK(json["loss"] < 0.5);
  CHECK(json["top5"] == 1.0);
}

TEST_CASE("folders of images on the command line") {
  const TemporaryDirectory directory;
  const std::string images = RNC_SOURCE_DIR "/tests/images/";
  for (int label = 0; label < 10; ++label) {
    const std::string folder = directory / fmt::format("data/train/class{}", label);
    std::filesystem::create_directories(folder);
    for (const char* name : {"rgb.jpg", "grey.png", "large.png"})
      std::filesystem::copy_file(images + name, folder + "/" + name);
  }
  std::vector<std::string> train = {"train",         kModel,     "--data", directory / "data", "--output-dir",
                                    directory / "o", "--epochs", "1",      "--workers",        "3"};
  const ProcessResult good = run_rnrun(train);
  CHECK(good.status == 0);
  CHECK(good.out.find("30 images in 10 folders from " + directory / "data" + ", 0 to test;") !=
        std::string::npos);
  CHECK(good.out.find("Test: ") == std::string::npos);

  const std::string bad = directory / "data/train/class4/rgb.jpg";
  write_text(bad, read_text(bad).substr(0, 600));
  train.back() = "1";
  train.push_back("--overwrite");
  CHECK(failure(train) == "1 " + bad + ": damaged JPEG image: Premature end of JPEG file");
  train.push_back("--skip-corrupt");
  const ProcessResult skipped = run_rnrun(train);
  CHECK(skipped.status == 0);
  CHECK(skipped.out.starts_with("left out: " + bad + ": damaged JPEG image: Premature end of JPEG file\n"));
  CHECK(skipped.out.find(" 29 images in 10 folders") != std::string::npos);

  const std::string checkpoint = directory / "o/checkpoint-last.safetensors";
  CHECK(failure({"eval", kModel, "--params", checkpoint, "--data", directory / "data"}) ==
        "1 " + directory / "data" +
            " has no images to test: --val-split takes the part of those to train that a training with it "
            "has kept for validation, --split train takes all of them");
  std::filesystem::rename(directory / "data/train", directory / "data/val");
  const ProcessResult eval = run_rnrun(
      {"eval", kModel, "--params", checkpoint, "--data", "folder:" + directory / "data", "--skip-corrupt"});
  CHECK(eval.out.starts_with("left out: "));
  CHECK(eval.out.find("\n29 images: loss ") != std::string::npos);
}

TEST_CASE("Ctrl-C saves, exits with 130, and --resume ends as if nothing had happened") {
  const TemporaryDirectory directory;
  write_data(directory / "data", 2000, 50);
  const auto command = [&](const std::string& output, std::vector<std::string> more) {
    std::vector<std::string> all = {"train",        kModel,
                                    "--data",       directory / "data",
                                    "--output-dir", directory / output,
                                    "-b",           "16",
                                    "--epochs",     "6",
                                    "-j",           "1"};
    all.insert(all.end(), more.begin(), more.end());
    return rnrun_command(all);
  };
  CHECK(Process(command("whole", {})).wait().status == 0);
  Process stopped(command("o", {}));
  CHECK(stopped.wait_for_output("Test: Acc@1 "));
  stopped.kill(SIGINT);
  const ProcessResult result = stopped.wait();
  CHECK(result.status == 130);
  CHECK(result.out.find("; --resume goes on from there\n") != std::string::npos);
  CHECK(Process(command("o", {"--resume"})).wait().status == 0);
  CHECK(read_text(directory / "o/checkpoint-last.safetensors") ==
        read_text(directory / "whole/checkpoint-last.safetensors"));
}

TEST_CASE("kill -9 at any moment leaves a checkpoint from which the training goes on") {
  const TemporaryDirectory directory;
  write_data(directory / "data", 20, 5);
  // Epochs of two steps: most of the time goes into saving.
  const auto command = [&](const std::string& output) {
    return rnrun_command({"train", kModel, "--data", directory / "data", "--output-dir", directory / output,
                          "-b", "10", "--epochs", "150", "--eval-every", "0", "-j", "1",
                          std::filesystem::exists(directory / output) ? "--resume" : "--force"});
  };
  CHECK(Process(command("whole")).wait().status == 0);
  Process first(command("o"));
  CHECK(first.wait_for_output("Epoch: [2/"));
  first.kill(SIGKILL);
  CHECK(first.wait().status == 128 + SIGKILL);
  std::minstd_rand random(1);
  for (int i = 0; i < 8; ++i) {
    Process again(command("o"));
    CHECK(again.wait_for_output("Epoch: ["));
    std::this_thread::sleep_for(std::chrono::microseconds(random() % 20'000));
    again.kill(SIGKILL);
    const int status = again.wait().status;
    CHECK((status == 128 + SIGKILL || status == 0));
    if (status == 0) break;  // it was done before the signal came
  }
  CHECK(Process(command("o")).wait().status == 0);
  CHECK(read_text(directory / "o/checkpoint-last.safetensors") ==
        read_text(directory / "whole/checkpoint-last.safetensors"));
  CHECK(!std::filesystem::exists(directory / "o/checkpoint-last.safetensors.partial"));
  std::istringstream lines(read_text(directory / "o/metrics.jsonl"));
  int epochs = 0;
  for (std::string line; std::getline(lines, line);) CHECK(nlohmann::json::parse(line)["epoch"] == ++epochs);
  CHECK(epochs == 150);
}

TEST_CASE("a checkpoint that cannot be written is an error that leaves the old one") {
  const TemporaryDirectory directory;
  write_data(directory / "data", 20, 5);
  const std::vector<std::string> train =
      rnrun_command({"train", kModel, "--data", directory / "data", "-b", "10", "-j", "1", "--resume",
                     "--output-dir", directory / "o", "--epochs"});
  std::vector<std::string> first = train;
  first.push_back("1");
  std::ranges::replace(first, "--resume", "--force");
  REQUIRE(Process(first).wait().status == 0);
  const std::string checkpoint = directory / "o/checkpoint-last.safetensors";
  const std::string old = read_text(checkpoint);

  // As a full disk, but without the right to mount one: no file may become as large as a checkpoint. sh
  // counts blocks of 512 bytes.
  std::vector<std::string> limited = {"sh", "-c", R"(trap '' XFSZ; ulimit -f "$0"; exec "$@" 3)",
                                      std::to_string(old.size() / 512 - 1)};
  limited.insert(limited.end(), train.begin(), train.end());
  const ProcessResult result = Process(limited).wait();
  // The best so far is written before the last, if this epoch was the best.
  const std::string best = directory / "o/checkpoint-best.safetensors";
  CHECK((result.err == "rnrun: error: cannot write " + checkpoint + ": File too large\n" ||
         result.err == "rnrun: error: cannot write " + best + ": File too large\n"));
  CHECK(result.status == 1);
  CHECK(read_text(checkpoint) == old);
  CHECK(!std::filesystem::exists(checkpoint + ".partial"));
  CHECK(run_rnrun({"eval", kModel, "--data", directory / "data", "--params", checkpoint})
            .out.starts_with("5 images: loss "));
}

TEST_CASE("call: what each entry returns") {
  const TemporaryDirectory directory;
  TensorFile batch;
  batch.tensors["image"] = Array::zeros(DType::u8, {3, 1, 28, 28});
  for (uint8_t& v : batch.tensors["image"].as<uint8_t>()) v = 77;
  const TensorFile images = batch;
  batch.tensors["label"] = Array::zeros(DType::i32, {3});
  write_safetensors(directory / "images", images);
  write_safetensors(directory / "batch", batch);
  const auto call = [&](const std::string& entry, const std::string& in, std::vector<std::string> more) {
    std::vector<std::string> all = {
        "call", kModel, entry, "--in", directory / in, "--out", directory / "out", "--seed", "1"};
    all.insert(all.end(), more.begin(), more.end());
    const ProcessResult r = run_rnrun(all);
    CHECK(r.err.empty());
    return r.status == 0 ? read_safetensors(directory / "out").tensors : Arrays{};
  };
  const auto names = [](const Arrays& arrays) {
    std::string text;
    for (const auto& [name, array] : arrays) text += (text.empty() ? "" : " ") + name;
    return text;
  };

  CHECK(names(call("infer", "images", {})) == "fc");
  CHECK(names(call("loss", "batch", {})) == "fc loss");
  const Arrays backward = call("backward", "batch", {});
  CHECK(names(backward) == "fc first_pixel.mean grad.fc.bias grad.fc.weight loss");
  CHECK(type_text(backward.at("grad.fc.weight")) == "f32[10, 784]");
  CHECK(backward.at("first_pixel.mean").as<float>()[0] == doctest::Approx(7.7));

  const Arrays once = call("train_step", "batch", {"--lr", "0.5"});
  CHECK(names(once) == "fc fc.bias fc.weight first_pixel.mean loss momentum.fc.bias momentum.fc.weight");
  const Arrays thrice = call("train_step", "batch", {"--lr", "0.5", "--steps", "3", "-j", "3"});
  CHECK(thrice.at("loss").as<float>()[0] < once.at("loss").as<float>()[0]);

  // One step and then two from its result are three; "step" must be told.
  TensorFile state;
  state.tensors = once;
  state.tensors.erase("fc");
  state.tensors.erase("loss");
  write_safetensors(directory / "state", state);
  TensorFile scalars = batch;
  scalars.tensors["step"] = Array::scalar(2);
  write_safetensors(directory / "step2", scalars);
  state.tensors = call("train_step", "step2", {"--lr", "0.5", "--params", directory / "state"});
  state.tensors.erase("fc");
  state.tensors.erase("loss");
  write_safetensors(directory / "state", state);
  scalars.tensors["step"] = Array::scalar(3);
  write_safetensors(directory / "step2", scalars);
  CHECK(call("train_step", "step2", {"--lr", "0.5", "--params", directory / "state"}) == thrice);

  // backward and then update are train_step.
  TensorFile gradients;
  for (const auto& [name, array] : backward)
    if (name.starts_with("grad.")) gradients.tensors[name] = array;
  write_safetensors(directory / "grad", gradients);
  const Arrays updated = call("update", "grad", {"--lr", "0.5"});
  CHECK(names(updated) == "fc.bias fc.weight momentum.fc.bias momentum.fc.weight");
  CHECK(updated.at("fc.weight") == once.at("fc.weight"));

  CHECK(failure({"call", kModel, "infer", "--in", directory / "batch", "--out", directory / "out"}) ==
        "1 " + directory / "batch" + ": 'label' is no input of entry 'infer'");
  batch.tensors["label"].as<int32_t>()[1] = -1;
  write_safetensors(directory / "batch", batch);
  CHECK(failure({"call", kModel, "loss", "--in", directory / "batch", "--out", directory / "out"}) ==
        "1 " + directory / "batch" + ": 'label' has -1, which is none of the 10 classes");
  // The labels are those of the loss, whatever is predicted.
  batch.tensors["label"].as<int32_t>()[1] = 8;
  write_safetensors(directory / "batch", batch);
  CHECK(failure({"call", model_path("linear_7_labels"), "loss", "--in", directory / "batch", "--out",
                 directory / "out"}) ==
        "1 " + directory / "batch" + ": 'label' has 8, which is none of the 7 classes");
  const std::string ignores = model_path("linear_ignores_8");
  CHECK(
      run_rnrun({"call", ignores, "loss", "--in", directory / "batch", "--out", directory / "out"}).status ==
      0);
  batch.tensors["label"].as<int32_t>()[1] = 9;
  write_safetensors(directory / "batch", batch);
  CHECK(failure({"call", ignores, "loss", "--in", directory / "batch", "--out", directory / "out"}) ==
        "1 " + directory / "batch" + ": 'label' has 9, which is none of the 7 classes");
  CHECK(failure({"call", kModel, "dream", "--out", directory / "out"}) ==
        "1 " + kModel + " has no entry 'dream'; it has prepare, infer, loss, backward, update, train_step");
  CHECK(failure({"call", kModel, "update", "--lr", "1", "--in", directory / "batch", "--out",
                 directory / "out"}) ==
        "1 " + directory / "batch" +
            " does not fit the model linear: 'grad.fc.weight' is missing; 'grad.fc.bias' is missing");
}

TEST_CASE("info and bench print JSON with the agreed keys") {
  const auto info = nlohmann::json::parse(run_rnrun({"info", kModel, "--json", "-b", "10", "-j", "3"}).out);
  CHECK(info["parameters"] == 7850);
  CHECK(info["buffers"] == 1);
  const auto& loss = info["entries"][2];
  CHECK(loss["name"] == "loss");
  CHECK(loss["memory_bytes"] == 10 * 64 + 3 * 64 + (784 * 16 + 16) * 4);

  for (const std::string mode : {"train", "infer"}) {
    const TemporaryDirectory directory;
    const auto bench =
        nlohmann::json::parse(run_rnrun({"bench", kModel, "--mode", mode, "-b", "8", "-j", "2", "--repeats",
                                         "5", "--json", "--trace", directory / "trace.json"})
                                  .out);
    for (const char* key : {"mode", "batch", "threads", "median_ms", "min_ms", "images_per_s",
                            "fma_peak_gflops", "limit_ms", "ratio", "peak_rss_bytes", "kernels"})
      CHECK(bench.contains(key));
    CHECK(bench["mode"] == mode);
    CHECK(bench["min_ms"] <= bench["median_ms"]);
    CHECK(bench["fma_peak_gflops"] > 0.1);
    CHECK(bench["ratio"].get<double>() ==
          doctest::Approx(bench["min_ms"].get<double>() / bench["limit_ms"].get<double>()));
    CHECK(bench["memory_gbs"] > 0.1);
    REQUIRE(bench["kernels"].size() == (mode == "train" ? 2 : 1));
    double sum = 0;
    for (const auto& kernel : bench["kernels"]) {
      sum += kernel["ms"].get<double>();
      CHECK(kernel["algorithm"] == "direct");  // the model's other algorithm is for 16 images and more
      // 2 * 784 * 10 operations an image; 784 bytes an image, and the weights in blocks of 16
      const double compute = 8 * 2 * 784 * 10 / bench["fma_peak_gflops"].get<double>() / 1e6;
      const double memory = (kernel["direction"] == "forward" ? 784 * 16 * 4 + 8 * 784 : 8) /
                            bench["memory_gbs"].get<double>() / 1e6;
      CHECK(kernel["limit_ms"].get<double>() == doctest::Approx(std::max(compute, memory)));
      CHECK(kernel["limit"] == (memory > compute ? "memory" : "compute"));
    }
    CHECK(bench["kernels_ms"].get<double>() == doctest::Approx(sum));
    CHECK(sum <= bench["min_ms"]);
    // A row for each thread, with its name. On a busy machine one of two may have found no block left to run.
    const auto rows_of = [&](const char* phase) {
      std::set<std::pair<int, std::string>> rows;
      const auto trace = nlohmann::json::parse(read_text(directory / "trace.json"));
      for (const auto& event : trace["traceEvents"])
        if (event["ph"] == phase)
          rows.emplace(event["tid"].get<int>(),
                       std::string(phase) == "M" ? event["args"]["name"].get<std::string>() : "");
      return rows;
    };
    CHECK(rows_of("M") == std::set<std::pair<int, std::string>>{{0, "thread 0"}, {1, "thread 1"}});
    const auto busy = rows_of("X");
    CHECK(!busy.empty());
    for (const auto& [thread, none] : busy) CHECK((thread == 0 || thread == 1));
    run_rnrun({"bench", kModel, "--mode", mode, "-b", "8", "-j", "1", "--repeats", "5", "--trace",
               directory / "trace.json"});
    CHECK(rows_of("M") == std::set<std::pair<int, std::string>>{{0, "thread 0"}});
    CHECK(rows_of("X") == std::set<std::pair<int, std::string>>{{0, ""}});
  }
  CHECK(run_rnrun({"bench", kModel, "-b", "8", "-j", "1", "--repeats", "5"})
            .out.starts_with("linear train, batch 8, 1 threads: median "));
}

TEST_CASE("an executable that carries a model is its trainer") {
  const TemporaryDirectory directory;
  const std::string program = read_text(RNC_RNRUN);
  const std::string library = read_text(kModel);
  const std::string path = directory / "trainer";
  write_text(path, program + library + bytes_of(trailer_of(program, library)));
  chmod(path.c_str(), 0700);
  write_data(directory / "data", 50, 10);
  const ProcessResult r =
      Process({path, "--data", directory / "data", "--epochs", "1", "--output-dir", directory / "o"}).wait();
  CHECK(r.err.empty());
  CHECK(r.status == 0);
  CHECK(r.out.starts_with("linear: 50 images"));
  CHECK(std::filesystem::exists(directory / "o/checkpoint-last.safetensors"));
  CHECK(Process({path, "--help"}).wait().out.starts_with("Trains the model linear\n"));
}

}  // namespace rnrun
