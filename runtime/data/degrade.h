// Pictures made worse, for models that make them better: a sample made of its target.
#pragma once

#include "runtime/data/image.h"
#include "runtime/data/sample.h"
#include "runtime/support/random.h"

namespace rnrun {

struct Degradation {
  double noise = 0;  // the standard deviation of Gaussian noise, of 255

  bool operator==(const Degradation&) const = default;
};

// The target, scaled as `resize` does to the field's size where that is another, then with noise added to every value.
// Of u8 fields values are rounded and stay in 0..255, those of f32 fields, 255 being 1, may leave 0..1, as in the papers.
// Random numbers are drawn in the order of pixels.
SampleTensor degraded(Image target, const Field& field, const Degradation& degradation, Random random);

}  // namespace rnrun
