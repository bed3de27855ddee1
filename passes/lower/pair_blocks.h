// Relayouts for kernels that multiply two inputs at a time (loops::dot_pairs): weights [..][I][O] become [..][I / 2][O][2],
// those of inputs 2i and 2i + 1 beside each other.
#pragma once

#include "passes/lower/lowering.h"

namespace rnc {

// The layout of such pairs, from one with two blocks of which the first is even.
Layout paired(Layout layout);

// The layout that it is made of; `layout` itself where it is of none.
Layout unpaired(Layout layout);

// Whether `to` is that of `from`.
bool pairs_blocks(const Type& from, const Type& to);

// Adds the kernel for relayout `v`, for which pairs_blocks holds.
void lower_pair_blocks(Lowering& lowering, ValueId v);

}  // namespace rnc
