// Learning rates against those of torch.optim.lr_scheduler (PyTorch 1.13).
#include "runtime/train/lr_schedule.h"

#include <doctest/doctest.h>

namespace rnrun {

namespace {

TrainSettings settings(std::string scheduler, int64_t epochs = 8) {
  TrainSettings s;
  s.lr = 0.4;
  s.lr_scheduler = std::move(scheduler);
  s.epochs = epochs;
  s.lr_warmup_decay = 0.25;
  return s;
}

// `expected`: the rate in each epoch; every epoch has three steps.
void check_epochs(const TrainSettings& s, const std::vector<double>& expected) {
  CAPTURE(s.lr_scheduler);
  for (size_t epoch = 0; epoch < expected.size(); ++epoch)
    for (size_t step = 0; step < 3; ++step) {
      CAPTURE(epoch);
      CHECK(learning_rate(s, static_cast<int64_t>(3 * epoch + step), 3) ==
            doctest::Approx(expected[epoch]).epsilon(1e-10));
    }
}

}  // namespace

TEST_CASE("schedules that change after an epoch are PyTorch's") {
  TrainSettings s = settings("constant");
  check_epochs(s, {0.4, 0.4, 0.4, 0.4, 0.4, 0.4, 0.4, 0.4});
  s = settings("step");
  s.lr_step_size = 3;
  s.lr_gamma = 0.5;
  check_epochs(s, {0.4, 0.4, 0.4, 0.2, 0.2, 0.2, 0.1, 0.1});
  s = settings("multistep");
  s.lr_milestones = {2, 5, 6};
  check_epochs(s, {0.4, 0.4, 0.04, 0.04, 0.04, 0.004, 0.0004, 0.0004});
  s = settings("exponential");
  s.lr_gamma = 0.9;
  check_epochs(s, {0.4, 0.36, 0.324, 0.2916, 0.26244, 0.236196, 0.2125764, 0.19131876});
  s = settings("cosine");
  s.lr_min = 0.05;
  check_epochs(s, {0.4, 0.386678918189, 0.348743686708, 0.291969600664, 0.225, 0.158030399336, 0.101256313292,
                   0.0633210818105});
}

TEST_CASE("after a warm-up, as SequentialLR puts them together") {
  TrainSettings s = settings("step");
  s.lr_step_size = 3;
  s.lr_gamma = 0.5;
  s.lr_warmup_epochs = 2;
  check_epochs(s, {0.1, 0.25, 0.4, 0.4, 0.4, 0.2, 0.2, 0.2});
  s = settings("multistep");
  s.lr_warmup_epochs = 2;
  s.lr_milestones = {1, 4};
  check_epochs(s, {0.1, 0.25, 0.4, 0.04, 0.04, 0.04, 0.004, 0.004});
  s.lr_milestones = {2, 2, 5};
  check_epochs(s, {0.1, 0.25, 0.4, 0.4, 0.004, 0.004, 0.004, 0.0004});
  s = settings("exponential");
  s.lr_gamma = 0.9;
  s.lr_warmup_epochs = 2;
  s.lr_warmup_method = "constant";
  check_epochs(s, {0.1, 0.1, 0.4, 0.36, 0.324, 0.2916, 0.26244, 0.236196});
  s = settings("cosine");
  s.lr_min = 0.05;
  s.lr_warmup_epochs = 3;
  check_epochs(s, {0.1, 0.2, 0.3, 0.4, 0.366577974016, 0.279077974016, 0.170922025984, 0.0834220259844});
}

TEST_CASE("schedules that change after every step") {
  const auto check_steps = [](const TrainSettings& s, int64_t steps_per_epoch,
                              const std::vector<double>& expected) {
    CAPTURE(s.lr_scheduler);
    for (size_t step = 0; step < expected.size(); ++step)
      CHECK(learning_rate(s, static_cast<int64_t>(step), steps_per_epoch) ==
            doctest::Approx(expected[step]).epsilon(1e-10));
  };
  TrainSettings s = settings("onecycle", 2);
  check_steps(s, 5,
              {0.016, 0.208, 0.4, 0.380193852805, 0.32469826158, 0.244504808775, 0.155496791225,
               0.0753033384201, 0.0198077471946, 1.6e-06});
  s = settings("onecycle", 5);
  s.lr_pct_start = 0.5;
  s.lr_div_factor = 10;
  s.lr_final_div_factor = 100;
  check_steps(s, 2,
              {0.04, 0.0927207793864, 0.22, 0.347279220614, 0.4, 0.361841595476, 0.261941595476,
               0.138458404524, 0.0385584045239, 0.0004});
  s = settings("cosine", 2);
  s.lr_min = 0.05;
  s.lr_interval = "step";  // as CosineAnnealingLR stepped after each of the 8 steps
  check_steps(s, 4,
              {0.4, 0.386678918189, 0.348743686708, 0.291969600664, 0.225, 0.158030399336, 0.101256313292,
               0.0633210818105});
  s = settings("constant", 2);
  s.lr_interval = "step";
  s.lr_warmup_epochs = 1;
  check_steps(s, 3, {0.1, 0.2, 0.3, 0.4, 0.4});
}

TEST_CASE("odd settings give numbers all the same") {
  TrainSettings s = settings("onecycle", 1);
  for (const double start : {0.0, 0.5, 1.0}) {
    s.lr_pct_start = start;
    for (int64_t step = 0; step < 2; ++step) {
      CHECK(learning_rate(s, step, 1) >= 0);
      CHECK(learning_rate(s, step, 2) <= 0.4);
    }
  }
  s = settings("cosine", 2);
  s.lr_warmup_epochs = 5;  // longer than the training
  CHECK(learning_rate(s, 1, 1) == doctest::Approx(0.16));
  s.lr_warmup_epochs = 0;
  CHECK(learning_rate(s, 7, 1) == doctest::Approx(0));  // a training that went on beyond its epochs
}

TEST_CASE("PyTorch's names of schedules are known") {
  CHECK(contract::lr_scheduler_of("steplr") == "step");
  CHECK(contract::lr_scheduler_of("cosineannealinglr") == "cosine");
  CHECK(contract::lr_scheduler_of("cosine") == "cosine");
}

}  // namespace rnrun
