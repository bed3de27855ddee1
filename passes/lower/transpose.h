// Square blocks of vectors, transposed in registers.
#pragma once

#include "passes/lower/body.h"

namespace rnc {

// The columns of a square: as many vectors as each has lanes, a power of two. Interleaving the first half of
// the rows with the second moves the top bit of the number of a row to the bottom of that of a lane, and the
// top bit of that of a lane to the bottom of that of a row; as many rounds as there are bits exchange both.
std::vector<loops::Expr> transpose(Body& body, std::vector<loops::Expr> rows);

}  // namespace rnc
