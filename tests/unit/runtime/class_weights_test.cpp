#include "runtime/task/classification/class_weights.h"

#include <doctest/doctest.h>

namespace rnrun {

TEST_CASE("balanced weights are scikit-learn's, and 1 for classes without samples") {
  // sklearn.utils.class_weight.compute_class_weight("balanced", classes=[0, 1, 2], y=[0] * 2 + [1] * 3 + [2] * 7)
  CHECK(balanced_weights({2, 3, 7}) ==
        std::vector<float>{2.0f, static_cast<float>(12.0 / 9), static_cast<float>(12.0 / 21)});
  CHECK(balanced_weights({5, 0, 5}) == std::vector<float>{1, 1, 1});
}

}  // namespace rnrun
