// The one-dimensional transforms of F(m, 3): y = A^T [(S G g) * (B^T d)] for m outputs y, 3 taps g and m + 2
// inputs d. The usual factor G of the weights is split into a diagonal S and G, whose elements are powers of
// the points of interpolation, as those of A are and those of B^T nearly: so float holds them all exactly,
// and only S is rounded, once per weight.
//
// Points of interpolation: F(2): 0, 1, -1, inf. F(3): 0, +-3/4, 3/2, inf, four fifths of the error of the
// usual 0, 1, -1, 2, inf. F(4): 0, +-5/8, +-3/2, inf, half the error of 0, +-1, +-2, inf. The functions apply
// a transform to vectors of any width.
#pragma once

#include <vector>

#include "passes/lower/body.h"

namespace rnc {

using Vectors = std::vector<loops::Expr>;

Vectors winograd_input(Body& body, int m, const Vectors& d);          // m + 2 -> m + 2
Vectors winograd_weight(Body& body, int m, const Vectors& g);         // G g: 3 -> m + 2
Vectors winograd_output(Body& body, int m, const Vectors& products);  // m + 2 -> m

Vectors winograd_gradient(Body& body, int m, const Vectors& e);  // A e: m -> m + 2, for the weight gradient
Vectors winograd_weight_gradient(Body& body, int m, const Vectors& u);  // G^T u: m + 2 -> 3

double winograd_scale(int m, int i);  // S[i][i]
// S square S, of (m + 2) x (m + 2): after G in both directions, before G^T.
Vectors winograd_scaled(Body& body, int m, Vectors square);

// Applies a transform to the rows and then the columns of a square: square[i][j] in row-major order, `size` x
// `size`.
using Transform = Vectors (*)(Body& body, int m, const Vectors& in);
Vectors winograd_2d(Body& body, int m, Transform transform, const Vectors& square, int size);

}  // namespace rnc
