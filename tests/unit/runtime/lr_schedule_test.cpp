#include "runtime/lr_schedule.h"

#include <doctest/doctest.h>

namespace rnrun {

TEST_CASE("a constant learning rate stays") {
  CHECK(learning_rate("constant", 0.1, 0, 100) == 0.1);
  CHECK(learning_rate("constant", 0.1, 99, 100) == 0.1);
}

// torch.optim.lr_scheduler.CosineAnnealingLR(T_max = 8) on a rate of 0.4.
TEST_CASE("a cosine learning rate is PyTorch's") {
  CHECK(learning_rate("cosine", 0.4, 0, 8) == doctest::Approx(0.4));
  CHECK(learning_rate("cosine", 0.4, 1, 8) == doctest::Approx(0.3847759065));
  CHECK(learning_rate("cosine", 0.4, 4, 8) == doctest::Approx(0.2));
  CHECK(learning_rate("cosine", 0.4, 7, 8) == doctest::Approx(0.0152240935));
}

}  // namespace rnrun
