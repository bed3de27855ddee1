#include "runtime/train/lr_find.h"

#include <doctest/doctest.h>

#include <cmath>

#include "runtime/data/readers/shapes.h"
#include "tests/unit/runtime/support.h"

namespace rnrun {

TEST_CASE("rates grow exponentially from the first to the last") {
  const LrRange range;
  CHECK(lr_of(range, 0) == 1e-7);
  CHECK(lr_of(range, 99) == doctest::Approx(10).epsilon(1e-12));
  CHECK(lr_of(range, 51) / lr_of(range, 50) == doctest::Approx(std::pow(1e8, 1.0 / 99)).epsilon(1e-12));
}

TEST_CASE("the suggestion is where the loss falls fastest, without the beginning and the end") {
  std::vector<LrPoint> points;
  const auto loss = [](double x) {
    return 2 - std::tanh(2 * (x - 3));
  };  // over log10 of the rate / 1e-5: steepest at 1e-2
  for (int i = 0; i < 100; ++i) {
    const double x = 7.0 * i / 99;
    points.push_back({1e-5 * std::pow(10, x), 0, loss(x)});
  }
  const auto lr = steepest(points, 100);
  REQUIRE(lr);
  CHECK(std::log10(*lr) == doctest::Approx(-2).epsilon(0.04));
  points[3].smoothed = 100;    // among the first tenth
  points[97].smoothed = -100;  // among the last five
  CHECK(steepest(points, 100) == lr);
  for (LrPoint& p : points) p.smoothed = 1;
  CHECK(!steepest(points, 100));
  CHECK(!steepest({}, 100));
}

TEST_CASE("a range test smooths as fastai does, ends when the loss has grown, and changes no tensor") {
  ThreadPool pool(2);
  Session session(Model::load(model_path("linear")), pool);
  session.initialize(3);
  const auto task = task_of(session.model(), session.model().entry(RN_TRAIN_STEP));
  const auto data = make_shapes({1, 28, 28}, 10, "train");
  TrainSettings settings;
  settings.batch_size = 16;
  settings.hyper["momentum"] = 0.9;
  const Arrays before = session.tensors({RN_PARAMETER, RN_BUFFER, RN_SLOT});
  int64_t told = 0;
  const LrFind find =
      find_lr(session, *task, *data, settings, {.last = 1e5}, 2, [&](const LrPoint&) { ++told; });
  CHECK(session.tensors({RN_PARAMETER, RN_BUFFER, RN_SLOT}) == before);
  CHECK(told == static_cast<int64_t>(find.points.size()));
  CHECK(find.diverged);
  CHECK(find.points.size() < 100);
  CHECK(find.suggestion);
  double average = 0;
  for (size_t i = 0; i < find.points.size(); ++i) {
    average = 0.98 * average + 0.02 * find.points[i].loss;
    CHECK(find.points[i].smoothed == doctest::Approx(average / (1 - std::pow(0.98, i + 1))));
  }
  ThreadPool one(1);
  Session other(Model::load(model_path("linear")), one);
  other.initialize(3);
  const LrFind same = find_lr(other, *task, *data, settings, {.last = 1e5}, 1, [](const LrPoint&) {});
  CHECK(csv_text(same.points) == csv_text(find.points));
}

}  // namespace rnrun
