// Random small networks for differential tests, as text: specs of the graph language, one operation a line,
// so that tests/support/reduce.h can take lines away and what fails is printed as a file that rnc compiles.
//
// They hold what models may hold: constants, slices, divisions, values used three times, parameters computed
// from parameters, odd channel counts around the lanes of vectors, groups, strides, frozen parameters, every
// optimizer. Denominators and arguments of roots stay away from zero.
#pragma once

#include <cstdint>
#include <string>

namespace rnc::test {

struct NetworkOptions {
  // Softmax, pools and convolutions of parameters, which have no batch.
  bool batchless = false;
};

// The same for the same seed and options. Parameters whose names end in "positive" must be.
std::string random_network(uint64_t seed, const NetworkOptions& options = {});

}  // namespace rnc::test
