#include "runtime/task/metrics.h"

#include <doctest/doctest.h>

#include <cmath>

#include "runtime/measure/bootstrap.h"
#include "runtime/task/task.h"
#include "runtime/train/progress.h"
#include "runtime/train/runs/metrics_log.h"
#include "tests/unit/runtime/support.h"

namespace rnrun {

namespace {

// Of the classification of the test models, and its counts.
std::unique_ptr<const Task> classification() {
  const auto model = Model::load(model_path("linear"));
  return task_of(*model, model->entry(RN_TRAIN_STEP));
}
Metrics counted(int64_t samples, double loss_sum, double top1, double top5) {
  return {samples, loss_sum, {top1, top5}};
}

}  // namespace

TEST_CASE("counts are sums over samples, figures their share") {
  const auto task = classification();
  CHECK(task->sums() == std::vector<std::string>{"top1", "top5"});
  Metrics m;
  CHECK(task->value(m, 0) == 0);
  m.add(counted(3, 6, 1, 2));
  m.add(counted(1, 6, 1, 1));
  CHECK(m.samples == 4);
  CHECK(m.loss() == 3.0);
  CHECK(task->value(m, 0) == 0.5);
  CHECK(task->value(m, 1) == 0.75);
  CHECK(Metrics{}.loss() == 0);
  CHECK(task->summary(m) == "accuracy 50.00 % (top-5 75.00 %)");
}

TEST_CASE("intervals are the middle of draws with replacement") {
  const auto task = classification();
  Metrics m = counted(400, 100, 300, 400);
  CHECK(!bootstrap(*task, m, 0)[0]);  // what each sample counted is not kept
  for (int i = 0; i < 400; ++i) m.rows.insert(m.rows.end(), {i % 4 == 0 ? 0.0 : 1.0, 1.0});
  const auto found = bootstrap(*task, m, 5);
  REQUIRE(found[0]);
  // Of 400 with a share of 0.75 the standard deviation is 0.02165, and 1.96 of it are the middle 95 %.
  CHECK(found[0]->low == doctest::Approx(0.75 - 0.0424).epsilon(0.01));
  CHECK(found[0]->high == doctest::Approx(0.75 + 0.0424).epsilon(0.01));
  CHECK(found[1]->low == 1);
  CHECK(bootstrap(*task, m, 5)[0]->low == found[0]->low);
}

TEST_CASE("a metric is a percentage or a number, and better when it is larger or smaller") {
  const Metric share{"top1", "top-1", "Top-1 accuracy", "acc1", "Acc@1"};
  const Metric error{"mae", "MAE", "Mean absolute error", "mae", "MAE", false, false};
  CHECK(share.text(0.8986) == "89.86");
  CHECK(share.text(0.8986, 3) == "89.860");
  CHECK(error.text(0.03125) == "0.0312");
  CHECK(share.better(2, 1));
  CHECK(!share.better(1, 1));
  CHECK(error.better(1, 2));
  CHECK(task_json("regression", std::vector{error}).dump() ==
        R"({"name":"regression","metrics":[{"key":"mae","name":"MAE","title":"Mean absolute error",)"
        R"("share":false,"larger_is_better":false}]})");
}

TEST_CASE("what an entry of a model must be like for a task is said") {
  const auto model = Model::load(model_path("linear"));
  CHECK(task_of(*model, model->entry(RN_INFER))->sample_fields().size() == 1);
  CHECK(error_of([&] { task_of(*model, model->entry(RN_UPDATE)); }) ==
        "entry 'update' of the model linear does not take samples: rnrun trains, evaluates and predicts with "
        "entries whose inputs are batches [N, ...] and scalars");
}

TEST_CASE("metrics files: a line per epoch, and a resumed run drops what it will do again") {
  const TemporaryDirectory directory;
  const auto task = classification();
  EpochRecord m{1, 10, 0.5, counted(4, 8.0, 1, 2), {}, {}, 1.5, 100, 0.25};
  {
    MetricsLog log(directory.path(), *task, 0);
    log.epoch(m);
    m.epoch = 2;
    m.test = counted(2, 1.0, 1, 2);
    log.epoch(m);
  }
  const std::string header =
      "epoch,step,lr,train_loss,train_top1,train_top5,test_loss,test_top1,test_top5,seconds,images_per_s,"
      "waiting\n";
  const std::string first = "1,10,0.5,2,0.25,0.5,,,,1.500,100.0,0.25000\n";
  const std::string second = "2,10,0.5,2,0.25,0.5,0.5,0.5,1,1.500,100.0,0.25000\n";
  CHECK(read_text(directory / "metrics.csv") == header + first + second);
  CHECK(read_text(directory / "metrics.jsonl") ==
        "{\"epoch\":1,\"step\":10,\"lr\":0.5,\"train_loss\":2.0,\"train_top1\":0.25,\"train_top5\":0.5,"
        "\"seconds\":1.5,\"images_per_s\":100.0,\"waiting\":0.25}\n"
        "{\"epoch\":2,\"step\":10,\"lr\":0.5,\"train_loss\":2.0,\"train_top1\":0.25,\"train_top5\":0.5,"
        "\"test_loss\":0.5,\"test_top1\":0.5,\"test_top5\":1.0,\"seconds\":1.5,\"images_per_s\":100.0,"
        "\"waiting\":0.25}\n");
  MetricsLog(directory.path(), *task, 1);
  CHECK(read_text(directory / "metrics.csv") == header + first);
  MetricsLog(directory.path(), *task, 0);
  CHECK(read_text(directory / "metrics.csv") == header);
  CHECK(read_text(directory / "metrics.jsonl").empty());
  CHECK(error_of([&] { MetricsLog("/nonexistent", *task, 0); }) ==
        "cannot write /nonexistent/metrics.jsonl: No such file or directory");
}

TEST_CASE("the progress line") {
  const auto task = classification();
  const Metrics m = counted(200, 108.64, 156, 198);
  CHECK(progress_text({1, 10, 12, 235, 0.05, m, 1234.4, 41.7}, *task) ==
        "Epoch: [1/10]  [ 12/235]  eta: 0:42  lr: 0.05  img/s: 1234  loss: 0.5432  acc1: 78.00  acc5: 99.00");
  CHECK(test_text(m, *task) == "Acc@1 78.000 Acc@5 99.000  loss: 0.5432");
  CHECK(duration_text(0) == "0:00");
  CHECK(duration_text(725.2) == "12:05");
  CHECK(duration_text(10807) == "3:00:07");
  CHECK(duration_text(INFINITY) == "?");
}

}  // namespace rnrun
