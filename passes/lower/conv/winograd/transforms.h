// The transforms of minimal filtering along one axis: y = A^T [(S G g) * (B^T d)] for outputs y, taps g and
// inputs d. The usual factor G of the weights is split into a diagonal S and G, whose elements are powers of
// the points of interpolation, as those of A are and those of B^T nearly: so float holds them all exactly,
// and only S is rounded, once per weight.
//
// Points: F(2, 3): 0, 1, -1, inf. F(3, 3): 0, +-3/4, 3/2, inf, four fifths of the error of the usual 0, 1,
// -1, 2, inf. F(4, 3): 0, +-5/8, +-3/2, inf, half the error of 0, +-1, +-2, inf. F(2, 2): 0, 1, inf. F(3, 2):
// 0, 1, -1, inf. F(4, 2): +-1/2, +-5/4, inf. The functions apply a transform to vectors of any width.
#pragma once

#include <vector>

#include "passes/lower/body.h"
#include "passes/lower/conv/filtering.h"

namespace rnc {

using Vectors = std::vector<loops::Expr>;
using Transform = Vectors (*)(Body& body, const Filtering& f, const Vectors& in);

// Forward: B^T d, from input().size pixels to positions(); G g, from 3 taps to weights(); A^T y, from
// positions() to m pixels.
Vectors winograd_input(Body& body, const Filtering& f, const Vectors& d);
Vectors winograd_weight(Body& body, const Filtering& f, const Vectors& g);
Vectors winograd_output(Body& body, const Filtering& f, const Vectors& products);

// The input gradient, whose taps are in reverse order: from gradient_input().size pixels to positions(), from
// there to gradient_output().size.
Vectors winograd_gradient_input(Body& body, const Filtering& f, const Vectors& dy);
Vectors winograd_gradient_output(Body& body, const Filtering& f, const Vectors& products);

// The weight gradient: A e, from m pixels of dy to positions(); G^T u, from weights() sums to 3 taps.
Vectors winograd_gradient(Body& body, const Filtering& f, const Vectors& e);
Vectors winograd_weight_gradient(Body& body, const Filtering& f, const Vectors& u);

double winograd_scale(const Filtering& f, int i);  // S[i][i]
// S square S, of weights() x weights(): after G in both directions, before G^T.
Vectors winograd_scaled(Body& body, const Filtering& f, Vectors square);

// Applies a transform to the rows and then the columns of a square: square[i][j] in row-major order, `size` x
// `size`.
Vectors winograd_2d(Body& body, const Filtering& f, Transform transform, const Vectors& square, int size);

}  // namespace rnc
