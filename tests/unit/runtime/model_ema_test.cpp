#include "runtime/train/model_ema.h"

#include <doctest/doctest.h>

#include "tests/unit/runtime/support.h"

namespace rnrun {

namespace {

float& bias(Session& session) {
  const rn_tensor& t = *session.model().find_tensor("fc.bias");
  return *reinterpret_cast<float*>(session.region(RN_PARAMETER).data() + t.offset);
}

float average(ModelEma& ema) { return ema.averages().at("fc.bias").as<float>()[0]; }

}  // namespace

// AveragedModel with torchvision's decay; decay per update 1 - 0.01 * 4 * 2 / 4 = 0.98.
TEST_CASE("moving averages as torchvision's") {
  ThreadPool pool(2);
  Session session(Model::load(model_path("linear")), pool);
  session.initialize(0);
  TrainSettings s;
  s.batch_size = 2;
  s.accumulate = 2;
  s.epochs = 4;
  s.model_ema_decay = 0.99;
  s.model_ema_steps = 2;
  CHECK(ema_share(s) == doctest::Approx(0.02));

  bias(session) = 1;
  ModelEma ema(session, s, 0);
  CHECK(average(ema) == 1);
  bias(session) = 2;
  ema.after_step(0, 1);  // not one of every two
  CHECK(average(ema) == 1);
  ema.after_step(0, 0);  // the first update copies
  CHECK(average(ema) == 2);
  bias(session) = 3;
  ema.after_step(0, 2);
  CHECK(average(ema) == doctest::Approx(0.98 * 2 + 0.02 * 3));
  ema.after_step(1, 0);
  CHECK(average(ema) == doctest::Approx(0.98 * (0.98 * 2 + 0.02 * 3) + 0.02 * 3));
  CHECK(ema.updates() == 3);
  CHECK(bias(session) == 3);
  ema.exchange();
  CHECK(bias(session) == doctest::Approx(2.0396));
  ema.exchange();
  CHECK(bias(session) == 3);

  s.lr_warmup_epochs = 1;
  ModelEma warm(session, s, 0);
  for (const float value : {5.0f, 6.0f}) {  // copies as long as the warm-up lasts, and once after it
    bias(session) = value;
    warm.after_step(0, 0);
    CHECK(average(warm) == value);
  }
  bias(session) = 7;
  warm.after_step(1, 0);
  CHECK(average(warm) == 7);
  bias(session) = 8;
  warm.after_step(1, 2);
  CHECK(average(warm) == doctest::Approx(7.02));

  s.epochs = 1;
  s.model_ema_decay = 0.5;  // 1 - decay would be 4
  CHECK(ema_share(s) == 1);
}

TEST_CASE("averages are of parameters and buffers, and are set by name") {
  ThreadPool pool(1);
  Session session(Model::load(model_path("linear")), pool);
  session.initialize(3);
  ModelEma ema(session, {}, 0);
  Arrays averages = ema.averages();
  CHECK(averages.size() == 3);
  CHECK(averages.contains("first_pixel.mean"));
  averages.at("fc.bias").as<float>()[0] = 9;
  ema.set(averages, "the test");
  CHECK(average(ema) == 9);
  averages.erase("fc.bias");
  CHECK(error_of([&] { ema.set(averages, "the test"); }) ==
        "the test does not fit the model linear: 'fc.bias' is missing");
}

}  // namespace rnrun
