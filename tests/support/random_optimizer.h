// Random optimizers for differential tests.
#pragma once

#include <string>

#include "tests/support/random.h"

namespace rnc::test {

// "sgd(momentum = 0.9, nesterov = true)": any of the optimizers with any of its numbers.
std::string random_optimizer(Random& random);

}  // namespace rnc::test
