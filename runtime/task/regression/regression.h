// Regression: numbers that should come near others. Target and prediction f32 of the same shape.
//
// mae and rmse are over all numbers; r2 is the coefficient of determination, the mean of that of each number of a sample
// (scikit-learn's r2_score), or of all together where a sample has more than 64.
#pragma once

#include <memory>

#include "runtime/task/head.h"

namespace rnrun {

std::unique_ptr<const Head> make_regression(HeadPlace place);

}  // namespace rnrun
