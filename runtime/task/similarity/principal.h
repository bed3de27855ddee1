// The plane in which samples differ most: their first two principal components (Pearson 1901).
#pragma once

#include <array>
#include <span>
#include <utility>
#include <vector>

#include "runtime/task/similarity/nearest.h"

namespace rnrun {

struct Plane {
  std::vector<double> centre;
  std::array<std::vector<double>, 2> axes;  // of length 1; of all 0 where nothing differs any more
  double share = 0;                         // of the variance that lies in it

  std::pair<double, double> place(std::span<const float> embedding) const;
};

// From all samples that are finite. The sign of an axis is that of its largest number: positive.
Plane principal_plane(const Embedded& samples);

}  // namespace rnrun
