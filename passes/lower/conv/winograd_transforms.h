// The one-dimensional transforms of F(m, 3): y = A^T [(G g) * (B^T d)] for m outputs y, 3 taps g and m + 2
// inputs d.
//
// Points of interpolation: F(2): 0, 1, -1, inf. F(3): 0, 1, -1, 2, inf. F(4): 0, +-5/8, +-3/2, inf, which
// halves the error of the usual 0, +-1, +-2, inf at the same cost. The functions apply a transform to vectors
// of any width.
#pragma once

#include <vector>

#include "passes/lower/body.h"

namespace rnc {

using Vectors = std::vector<loops::Expr>;

Vectors winograd_input(Body& body, int m, const Vectors& d);          // m + 2 -> m + 2
Vectors winograd_weight(Body& body, int m, const Vectors& g);         // 3 -> m + 2
Vectors winograd_output(Body& body, int m, const Vectors& products);  // m + 2 -> m

// Applies a transform to the rows and then the columns of a square: square[i][j] in row-major order, `size` x
// `size`.
using Transform = Vectors (*)(Body& body, int m, const Vectors& in);
Vectors winograd_2d(Body& body, int m, Transform transform, const Vectors& square, int size);

}  // namespace rnc
