#include "runtime/measure/metrics.h"

#include <doctest/doctest.h>

#include <cmath>

#include "runtime/train/metrics_log.h"
#include "runtime/train/progress.h"
#include "tests/unit/runtime/support.h"

namespace rnrun {

TEST_CASE("top-1, top-5 and the loss are counted over samples") {
  Metrics m;
  const float scores[] = {0, 1, 2, 3, 4, 5, 6,   // label 6: first
                          0, 1, 2, 3, 4, 5, 6,   // label 2: fifth
                          0, 1, 2, 3, 4, 5, 6};  // label 1: sixth
  const int32_t labels[] = {6, 2, 1};
  m.add(3, 2.0, scores, 7, labels);
  CHECK(m.samples == 3);
  CHECK(m.top1 == 1);
  CHECK(m.top5 == 2);
  m.add(1, 6.0, scores, 7, labels);
  CHECK(m.loss() == 3.0);
  CHECK(m.top1_rate() == 0.5);
  CHECK(Metrics{}.loss() == 0);
}

TEST_CASE("equal scores: the lower class is first; NaN is never right") {
  const float equal[] = {1, 1};
  for (const int32_t label : {0, 1}) {
    Metrics m;
    m.add(1, 0, equal, 2, &label);
    CHECK(m.top1 == (label == 0 ? 1 : 0));
  }
  const float nan[] = {NAN, 1};
  for (const int32_t label : {0, 1}) {
    Metrics m;
    m.add(1, 0, nan, 2, &label);
    CHECK(m.top1 == 0);
  }
}

TEST_CASE("metrics files: a line per epoch, and a resumed run drops what it will do again") {
  const TemporaryDirectory directory;
  EpochRecord m{1, 10, 0.5, {4, 8.0, 1, 2}, {}, {}, 1.5, 100, 0.25};
  {
    MetricsLog log(directory.path(), 0);
    log.epoch(m);
    m.epoch = 2;
    m.test = Metrics{2, 1.0, 1, 2};
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
  MetricsLog(directory.path(), 1);
  CHECK(read_text(directory / "metrics.csv") == header + first);
  MetricsLog(directory.path(), 0);
  CHECK(read_text(directory / "metrics.csv") == header);
  CHECK(read_text(directory / "metrics.jsonl").empty());
  CHECK(error_of([] { MetricsLog("/nonexistent", 0); }) ==
        "cannot write /nonexistent/metrics.jsonl: No such file or directory");
}

TEST_CASE("the progress line") {
  CHECK(progress_text({1, 10, 12, 235, 0.05, {200, 108.64, 156, 198}, 1234.4, 41.7}) ==
        "Epoch: [1/10]  [ 12/235]  eta: 0:42  lr: 0.05  img/s: 1234  loss: 0.5432  acc1: 78.00  acc5: 99.00");
  CHECK(test_text({200, 108.64, 156, 198}) == "Acc@1 78.000 Acc@5 99.000  loss: 0.5432");
  CHECK(duration_text(0) == "0:00");
  CHECK(duration_text(725.2) == "12:05");
  CHECK(duration_text(10807) == "3:00:07");
  CHECK(duration_text(INFINITY) == "?");
}

}  // namespace rnrun
