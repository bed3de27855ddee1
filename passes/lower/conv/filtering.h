// Minimal filtering, F(m, 3): m outputs of a filter of three taps along one axis, by fewer products
// (Winograd, "Arithmetic complexity of computations", 1980). Winograd's algorithm for a convolution does so
// along both axes.
//
// At stride 1 a tile takes m + 2 products per axis instead of 3 m. At stride 2 the middle tap reads the
// pixels of one parity, which takes m products, and the outer two taps those of the other: F(m, 2), which
// takes m + 1. So a tile has 2 m + 1 positions, first those of the outer taps, and m of them have the same
// weight, the middle tap. Its input gradient computes 2 m pixels from m + 1 at as many positions.
#pragma once

#include <functional>

#include "passes/lower/body.h"

namespace rnc {

// The pixels of a tile along an axis: `size` from tile * step - pad on.
struct TilePixels {
  int step = 0, size = 0, pad = 0;
};

struct Filtering {
  int m = 4;       // 2, 3 or 4
  int stride = 1;  // 1 or 2

  int positions() const { return stride == 1 ? m + 2 : 2 * m + 1; }
  int weights() const { return m + 2; }  // different ones
  // The weight of position (i, j) of the square, number i * positions() + j; in row-major order likewise.
  loops::Expr weight_of(const loops::Expr& position) const;
  // Visits the positions that have this weight.
  void each_position(Body& body, const loops::Expr& weight,
                     const std::function<void(Body&, const loops::Expr& position)>& visit) const;

  // Of the forward pass: m outputs from so many inputs.
  TilePixels input() const { return {stride * m, stride * (m - 1) + 3, 1}; }
  TilePixels output() const { return {m, m, 0}; }
  // Of the input gradient: at stride 1 a forward pass with the taps in reverse order.
  TilePixels gradient_input() const { return stride == 1 ? input() : TilePixels{m, m + 1, 0}; }
  TilePixels gradient_output() const { return {stride * m, stride * m, 0}; }

  bool operator==(const Filtering&) const = default;
};

}  // namespace rnc
