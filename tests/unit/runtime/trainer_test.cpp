#include "runtime/train/trainer.h"

#include <doctest/doctest.h>
#include <fmt/format.h>
#include <sys/wait.h>

#include <atomic>
#include <cmath>
#include <csignal>
#include <cstdlib>

#include "runtime/data/readers/shapes.h"
#include "runtime/support/interrupt.h"
#include "runtime/support/safetensors.h"
#include "runtime/train/divergence.h"
#include "runtime/train/runs/metrics_log.h"
#include "runtime/train/weights/weights.h"
#include "tests/unit/runtime/support.h"

namespace rnrun {

namespace {

// A part of the generated images that calls for a stop when image number `stop` is read, `signals` times.
class Stopping : public Dataset {
 public:
  Stopping(int64_t size, int64_t stop, int signals = 1)
      : data_(make_shapes({1, 28, 28}, 10, "train")), size_(size), stop_(stop), signals_(signals) {}
  int64_t size() const override { return size_; }
  std::string description() const override { return data_->description(); }
  std::vector<std::string> fields() const override { return data_->fields(); }
  void read(int64_t index, Sample& sample) const override {
    if (++read_ == stop_)
      for (int i = 0; i < signals_; ++i) raise(SIGINT);
    data_->read(index, sample);
  }

 private:
  std::unique_ptr<const Dataset> data_;
  int64_t size_;
  int64_t stop_;
  int signals_;
  mutable std::atomic<int64_t> read_ = 0;
};

constexpr int64_t kTrain = 230;  // the last batch is a partial one
constexpr int64_t kTest = 70;

TrainSettings settings() {
  TrainSettings s;
  s.data = "shapes";
  s.epochs = 3;
  s.batch_size = 50;
  s.lr = 0.05;
  s.hyper["momentum"] = 0.8;
  s.seed = 7;
  s.random_crop = 2;
  s.hflip = 0.5;
  s.cutout = 5;
  return s;
}

struct Data {
  DataSplits splits;
  explicit Data(int64_t stop_train = 0, int64_t stop_test = 0, int signals = 1)
      : splits{std::make_unique<Stopping>(kTrain, stop_train, signals),
               std::make_unique<Stopping>(kTest, stop_test, signals)} {}
};

std::unique_ptr<const Task> task_for(const Session& session) {
  return task_of(session.model(), session.model().entry(RN_TRAIN_STEP));
}

// With everything that a training can have on.
TrainSettings elaborate_settings() {
  TrainSettings s = settings();
  s.lr_scheduler = "cosine";
  s.lr_interval = "step";
  s.lr_warmup_epochs = 1;
  s.batch_size = 20;
  s.accumulate = 3;
  s.clip_grad_norm = 0.5;
  s.model_ema = true;
  s.model_ema_decay = 0.99;
  s.model_ema_steps = 2;
  s.grad_norm_every = 5;
  return s;
}

// The same with batches in parts that ranks could share, of which the last of an epoch are smaller.
TrainSettings settings_in_parts() {
  TrainSettings s = elaborate_settings();
  s.batch_size = 50;
  s.accumulate = 1;
  s.micro_batches = 8;
  return s;
}

// Trains from the beginning, or from the checkpoint in the directory if there is one.
TrainOutcome train(const std::string& directory, const Data& data, int threads,
                   const TrainSettings& s = settings(), RunLimits limits = {}) {
  ThreadPool pool(threads);
  Session session(Model::load(model_path("linear")), pool);
  Checkpoint start{s, {}, {}};
  if (std::filesystem::exists(Trainer::checkpoint_path(directory))) {
    start = load_checkpoint(Trainer::checkpoint_path(directory), session);
  } else {
    session.initialize(s.seed);
  }
  const InterruptGuard guard;
  const auto task = task_for(session);
  MetricsLog log(directory, *task, start.position.epoch);
  return Trainer(session, *task, data.splits, start.settings, directory, limits).run(start, log);
}

std::string checkpoint_bytes(const TemporaryDirectory& directory) {
  return read_text(Trainer::checkpoint_path(directory.path()));
}

// metrics.csv without its times.
std::string metrics(const TemporaryDirectory& directory) {
  std::istringstream in(read_text(directory / "metrics.csv"));
  std::string kept;
  for (std::string line; std::getline(in, line);) {
    for (int i = 0; i < 3; ++i) line.erase(line.rfind(','));
    kept += line + "\n";
  }
  return kept;
}

}  // namespace

TEST_CASE("training learns, and counts every sample of the last partial batch") {
  const TemporaryDirectory directory;
  TrainSettings s = settings();
  s.epochs = 15;
  s.random_crop = 0;
  s.cutout = 0;
  const TrainOutcome outcome = train(directory.path(), Data(), 2, s);
  CHECK(outcome.signal == 0);
  CHECK(outcome.test.samples == kTest);
  CHECK(outcome.test.sums[0] > 0.8 * kTest);
  const std::string csv = read_text(directory / "metrics.csv");
  CHECK(csv.find("\n1,5,0.05,") != std::string::npos);
  CHECK(csv.find("\n15,75,0.05,") != std::string::npos);
}

TEST_CASE("drop_last leaves out the last batch, if it is a partial one") {
  ThreadPool pool(1);
  Session session(Model::load(model_path("linear")), pool);
  const Data data;
  TrainSettings s = settings();
  const auto steps = [&] {
    return Trainer(session, *task_for(session), data.splits, s, "", {}).steps_per_epoch();
  };
  CHECK(steps() == 5);
  s.drop_last = true;
  CHECK(steps() == 4);
  s.batch_size = 46;
  CHECK(steps() == 5);
  s.accumulate = 2;
  CHECK(steps() == 3);
  s.batch_size = 231;
  CHECK(error_of(steps) == "--drop-last leaves no batch: there are 230 images, batches have 231");

  const TemporaryDirectory directory;
  s = settings();
  s.drop_last = true;
  s.epochs = 2;
  train(directory.path(), Data(), 2, s);
  const std::string csv = read_text(directory / "metrics.csv");
  CHECK(csv.find("\n1,4,0.05,") != std::string::npos);
  CHECK(csv.find("\n2,8,0.05,") != std::string::npos);
}

TEST_CASE("batch norm of one value per channel is not trained") {
  ThreadPool pool(1);
  Session session(Model::load(model_path("linear_batch_norm")), pool);
  const Data data;
  TrainSettings s = settings();
  const auto refusal = [&] {
    return error_of([&] { Trainer(session, *task_for(session), data.splits, s, "", {}); });
  };
  const std::string one =
      "batch norm 'bn1' cannot be trained on one value per channel: entry 'train_step' needs batches of at "
      "least 2, not 1";
  CHECK(refusal().empty());
  s.batch_size = 229;
  CHECK(refusal() == one + ", which is what is left of 230 images: pass --drop-last or another --batch-size");
  s.drop_last = true;
  CHECK(refusal().empty());
  s.batch_size = 1;
  CHECK(refusal() == one + ": pass a larger --batch-size");
}

TEST_CASE("the weights do not depend on threads or interruptions") {
  for (const TrainSettings& s : {settings(), elaborate_settings(), settings_in_parts()}) {
    CAPTURE(s.accumulate);
    CAPTURE(s.micro_batches);
    const TemporaryDirectory whole;
    CHECK(train(whole.path(), Data(), 1, s).signal == 0);
    const std::string expected = checkpoint_bytes(whole);

    for (const int threads : {2, 3, 7}) {
      const TemporaryDirectory directory;
      train(directory.path(), Data(), threads, s);
      CHECK(checkpoint_bytes(directory) == expected);
    }
    {  // in the middle of an epoch, twice
      const TemporaryDirectory directory;
      CHECK(train(directory.path(), Data(kTrain + 60), 2, s).signal == SIGINT);
      CHECK(checkpoint_bytes(directory) != expected);
      CHECK(train(directory.path(), Data(70), 3).signal == SIGINT);
      CHECK(train(directory.path(), Data(), 1).signal == 0);
      CHECK(checkpoint_bytes(directory) == expected);
      CHECK(metrics(directory) == metrics(whole));
    }
    for (const int64_t stop : {kTrain - 1, 3 * kTrain}) {  // in the last batch of an epoch, or of all
      const TemporaryDirectory directory;
      CHECK(train(directory.path(), Data(stop), 2, s).signal == SIGINT);
      CHECK(train(directory.path(), Data(), 2).signal == 0);
      CHECK(checkpoint_bytes(directory) == expected);
      CHECK(metrics(directory) == metrics(whole));
    }
    {  // while evaluating
      const TemporaryDirectory directory;
      CHECK(train(directory.path(), Data(0, kTest + 5), 2, s).signal == SIGINT);
      CHECK(train(directory.path(), Data(), 2).signal == 0);
      CHECK(checkpoint_bytes(directory) == expected);
      CHECK(metrics(directory) == metrics(whole));
    }
    {  // out of time before each step
      const TemporaryDirectory directory;
      CHECK(train(directory.path(), Data(), 2, s, {.seconds = 0}).out_of_time);
      CHECK(train(directory.path(), Data(), 2).signal == 0);
      CHECK(checkpoint_bytes(directory) == expected);
    }
  }
}

TEST_CASE("gradients of batches add up to those of one batch of all their samples") {
  const auto weights = [](const TrainSettings& s) {
    const TemporaryDirectory directory;
    train(directory.path(), Data(), 2, s);
    ThreadPool pool(1);
    Session session(Model::load(model_path("linear")), pool);
    load_checkpoint(Trainer::checkpoint_path(directory.path()), session);
    return session.tensors({RN_PARAMETER, RN_SLOT});
  };
  TrainSettings s = settings();
  s.batch_size = 48;
  const Arrays whole = weights(s);
  s.batch_size = 12;
  s.accumulate = 4;  // 230 samples: the last step has three batches, the last of them of two samples
  const Arrays accumulated = weights(s);
  s.batch_size = 48;
  s.accumulate = 1;
  s.micro_batches = 5;
  for (const Arrays& parts : {accumulated, weights(s)})
    for (const auto& [name, array] : whole) {
      CAPTURE(name);
      const auto a = array.as<float>(), b = parts.at(name).as<float>();
      double difference = 0, size = 0;
      for (size_t i = 0; i < a.size(); ++i) {
        difference += std::pow(static_cast<double>(a[i]) - static_cast<double>(b[i]), 2);
        size += std::pow(static_cast<double>(a[i]), 2);
      }
      CHECK(difference < 1e-10 * size);
    }
}

TEST_CASE("micro-batches that cannot be are refused") {
  ThreadPool pool(1);
  const Data data;
  const auto refusal = [&](const char* model, int64_t batch, int64_t micro_batches, int64_t accumulate) {
    Session session(Model::load(model_path(model)), pool);
    TrainSettings s = settings();
    s.batch_size = batch;
    s.micro_batches = micro_batches;
    s.accumulate = accumulate;
    return error_of([&] { Trainer(session, *task_for(session), data.splits, s, "", {}); });
  };
  CHECK(refusal("linear", 10, 10, 1).empty());
  CHECK(refusal("linear", 10, 11, 1) == "--micro-batches 11: a batch has 10 samples");
  CHECK(refusal("linear", 1000, 231, 1) == "--micro-batches 231: a batch has 230 samples");
  CHECK(refusal("linear", 32, 4, 3) ==
        "--accumulate 3 with --micro-batches 4: -b 96 --accumulate 1 --micro-batches 12 adds up the same "
        "gradients");
  CHECK(refusal("linear_batch_norm", 20, 10, 1).empty());
  CHECK(refusal("linear_batch_norm", 20, 11, 1)
            .starts_with("--micro-batches 11 of batches of 20: batch norm 'bn1' cannot be trained on one "
                         "value per channel"));
}

// Keeps what it is told.
struct Recording : RunLog {
  std::vector<StepRecord> steps;
  std::vector<std::vector<double>> norms;
  std::vector<double> totals;
  std::vector<EpochRecord> epochs;
  void step(const StepRecord& record) override { steps.push_back(record); }
  void gradients(const GradientRecord& record) override {
    CHECK(record.step == steps.back().step);
    CHECK(record.parameters.size() == 2);
    CHECK(record.parameters[0] == "fc.weight");
    norms.emplace_back(record.norms.begin(), record.norms.end());
    totals.push_back(record.total);
  }
  void epoch(const EpochRecord& record) override { epochs.push_back(record); }
};

TEST_CASE("a log hears of every step, gradients at their interval, and epochs") {
  const auto run = [](const TrainSettings& s) {
    const TemporaryDirectory directory;
    const Data data;
    ThreadPool pool(2);
    Session session(Model::load(model_path("linear")), pool);
    session.initialize(s.seed);
    Recording log;
    Trainer(session, *task_for(session), data.splits, s, directory.path()).run({s, {}, {}}, log);
    return log;
  };
  TrainSettings s = settings();
  s.grad_norm_every = 4;
  const Recording log = run(s);
  REQUIRE(log.steps.size() == 15);
  CHECK(log.steps[4].metrics.samples == 30);
  CHECK(log.steps[14].step == 15);
  CHECK(log.steps[14].epoch == 3);
  CHECK(log.steps[14].lr == 0.05);
  REQUIRE(log.norms.size() == 4);  // steps 1, 5, 9, 13
  for (size_t i = 0; i < log.norms.size(); ++i) {
    CHECK(log.norms[i].size() == 2);
    CHECK(log.totals[i] == doctest::Approx(std::hypot(log.norms[i][0], log.norms[i][1])));
    CHECK(log.totals[i] > 0);
  }
  REQUIRE(log.epochs.size() == 3);
  CHECK(log.epochs[1].step == 10);
  CHECK(log.epochs[1].train.samples == kTrain);
  CHECK(log.epochs[1].test->samples == kTest);
  CHECK(!log.epochs[1].test_ema);
  CHECK(log.epochs[0].best);

  s.grad_norm_every = 0;
  const Recording silent = run(s);
  CHECK(silent.norms.empty());
  for (size_t i = 0; i < 15; ++i) CHECK(silent.steps[i].metrics.loss() == log.steps[i].metrics.loss());

  s.model_ema = true;
  CHECK(run(s).epochs[2].test_ema->samples == kTest);

  // Clipped gradients are recorded as they came; the first step's loss does not know of them yet.
  s.grad_norm_every = 1;
  s.clip_grad_norm = log.totals[0] / 2;
  const Recording clipped = run(s);
  CHECK(clipped.totals[0] == log.totals[0]);
  CHECK(clipped.steps[0].metrics.loss() == log.steps[0].metrics.loss());
  CHECK(clipped.steps[1].metrics.loss() != log.steps[1].metrics.loss());
  s.clip_grad_norm = 1e6;
  CHECK(run(s).steps[14].metrics.loss() == log.steps[14].metrics.loss());
}

TEST_CASE("early stop: when evaluations are no better than the best") {
  const TemporaryDirectory directory;
  TrainSettings s = settings();
  s.lr = 0;  // never better than the first
  s.epochs = 9;
  s.early_stop = 3;
  CHECK(train(directory.path(), Data(), 1, s).signal == 0);
  const std::string before = checkpoint_bytes(directory);
  ThreadPool pool(1);
  Session session(Model::load(model_path("linear")), pool);
  const Checkpoint checkpoint = load_checkpoint(Trainer::checkpoint_path(directory.path()), session);
  CHECK(checkpoint.position.epoch == 4);
  CHECK(checkpoint.position.best_epoch == 1);
  CHECK(checkpoint.position.not_better == 3);
  train(directory.path(), Data(), 1);  // resumed, it has nothing to do
  CHECK(checkpoint_bytes(directory) == before);
}

TEST_CASE("a second Ctrl-C ends the program at once and leaves the old checkpoint") {
  const TemporaryDirectory directory;
  CHECK(train(directory.path(), Data(kTrain + 60), 1).signal == SIGINT);
  const std::string before = checkpoint_bytes(directory);
  // A child of one thread: it has no business with OpenMP's threads, which are not there after a fork.
  const pid_t child = fork();
  if (child == 0) {
    train(directory.path(), Data(70, 0, 2), 1);
    _exit(0);
  }
  int status = 0;
  waitpid(child, &status, 0);
  CHECK(WIFEXITED(status));
  CHECK(WEXITSTATUS(status) == 130);
  CHECK(checkpoint_bytes(directory) == before);
}

TEST_CASE("seed, settings and hyper-parameters matter") {
  const TemporaryDirectory a;
  train(a.path(), Data(), 1);
  const auto differs = [&](auto change) {
    const TemporaryDirectory b;
    TrainSettings s = settings();
    change(s);
    train(b.path(), Data(), 1, s);
    ThreadPool pool(1);
    Session first(Model::load(model_path("linear")), pool);
    Session second(Model::load(model_path("linear")), pool);
    load_weights(Trainer::checkpoint_path(a.path()), first);
    load_weights(Trainer::checkpoint_path(b.path()), second);
    return first.tensors({RN_PARAMETER}) != second.tensors({RN_PARAMETER});
  };
  CHECK(!differs([](TrainSettings&) {}));
  CHECK(differs([](TrainSettings& s) { s.seed = 8; }));
  CHECK(differs([](TrainSettings& s) { s.lr = 0.04; }));
  CHECK(differs([](TrainSettings& s) { s.hyper["momentum"] = 0.7; }));
  CHECK(differs([](TrainSettings& s) { s.batch_size = 49; }));
  CHECK(differs([](TrainSettings& s) { s.limit_batches = 2; }));
  CHECK(differs([](TrainSettings& s) { s.random_crop = 3; }));
  CHECK(differs([](TrainSettings& s) { s.hflip = 0.4; }));
  CHECK(differs([](TrainSettings& s) { s.cutout = 0; }));
  CHECK(differs([](TrainSettings& s) { s.random_resized_crop = true; }));
}

TEST_CASE("a training that diverges stops with an error and keeps its last checkpoint") {
  const TemporaryDirectory directory;
  CHECK(train(directory.path(), Data(kTrain + 60), 1).signal == SIGINT);
  const std::string before = checkpoint_bytes(directory);
  ThreadPool pool(1);
  Session session(Model::load(model_path("linear")), pool);
  Checkpoint start = load_checkpoint(Trainer::checkpoint_path(directory.path()), session);
  start.settings.lr = 1e6;
  const Data data;
  RunLog log;
  const InterruptGuard guard;
  const std::string message = error_of([&] {
    Trainer(session, *task_for(session), data.splits, start.settings, directory.path()).run(start, log);
  });
  CHECK(message.starts_with("the loss is "));
  CHECK(message.ends_with("; the training has diverged: try a lower --lr"));
  CHECK(first_bad_tensor(session, RN_PARAMETER) == nullptr);  // it stopped before the update
  CHECK(checkpoint_bytes(directory) == before);

  // Weights that are not finite are not saved, whatever the loss says.
  start = load_checkpoint(Trainer::checkpoint_path(directory.path()), session);
  reinterpret_cast<float*>(session.region(RN_SLOT).data())[3] = INFINITY;
  CHECK(error_of([&] {
          Trainer(session, *task_for(session), data.splits, start.settings, directory.path(), {.seconds = 0})
              .run(start, log);
        }) ==
        fmt::format("momentum.fc.weight is no longer finite after step {}; the training has diverged: try a "
                    "lower --lr",
                    start.position.step));
  CHECK(checkpoint_bytes(directory) == before);
}

TEST_CASE("checkpoints of another model, version or state of health are refused by name") {
  const TemporaryDirectory directory;
  const std::string path = Trainer::checkpoint_path(directory.path());
  train(directory.path(), Data(), 1);
  const TensorFile good = read_safetensors(path);
  ThreadPool pool(1);
  const auto message = [&](const std::string& model, auto change) {
    TensorFile file = good;
    change(file);
    write_safetensors(path, file);
    Session session(Model::load(model_path(model)), pool);
    return error_of([&] { load_checkpoint(path, session); });
  };
  const auto metadata = [&](const std::string& key, const std::string& value) {
    return message("linear", [&](TensorFile& file) { file.metadata[key] = value; });
  };

  CHECK(message("linear", [](TensorFile&) {}).empty());
  CHECK(
      message("linear_12_classes", [](TensorFile&) {}) ==
      path +
          " does not fit the model linear: 'fc.weight' is f32[10, 784], the model has f32[12, 784]; "
          "'fc.bias' is "
          "f32[10], the model has f32[12]; 'momentum.fc.weight' is f32[10, 784], the model has f32[12, 784]; "
          "'momentum.fc.bias' is f32[10], the model has f32[12]");
  CHECK(metadata("graph_hash", "00000000deadbeef") ==
        path +
            " is a checkpoint of another model: linear with graph hash 00000000deadbeef, not linear with "
            "000000000000123e");
  CHECK(message("linear", [](TensorFile& file) { file.tensors.erase("momentum.fc.bias"); }) ==
        path + " does not fit the model linear: 'momentum.fc.bias' is missing");
  CHECK(message("linear", [](TensorFile& file) { file.metadata.clear(); }) ==
        path + ": not a checkpoint of rnrun: no 'format'");
  CHECK(metadata("format", "rnrun checkpoint 9") ==
        path +
            ": a checkpoint of another version of rnrun: format 'rnrun checkpoint 9', rng 'philox4x32-10'");
  CHECK(metadata("step", "-1") == path + ": damaged checkpoint: step = '-1'");
  CHECK(metadata("step", "1e3") == path + ": damaged checkpoint: step = '1e3'");
  CHECK(metadata("batch_size", "0") == path + ": damaged checkpoint: batch_size = '0'");
  CHECK(metadata("epochs", "99999999999999999999") ==
        path + ": damaged checkpoint: epochs = '99999999999999999999'");
  CHECK(metadata("lr", "nan") == path + ": damaged checkpoint: lr = 'nan'");
}

}  // namespace rnrun
