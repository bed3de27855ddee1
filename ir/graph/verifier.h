// The rules that hold for every module, after parsing and after each pass:
//
// Tensors
//   - have distinct names that are not empty;
//   - are f32 without a batch dimension, every size at least 1.
// Entries
//   - have distinct names that are not empty;
//   - called "model" stand alone; called "train", not beside backward, update or train_step, which are made from them.
// The nodes of an entry
//   - have distinct names that are not empty;
//   - use only results of earlier nodes, as many as their operation takes;
//   - hold every attribute of their operation, of the right kind, and no other;
//   - have the type their operation's shape rule gives, up to layout;
//   - if Op::input: come before all other nodes and are stored plainly;
//   - if Op::state: are named after a module tensor and have exactly its type;
//   - that share a kernel stand next to each other.
// A layout
//   - orders each dimension once; blocks none by one element, and never the batch.
// Its outputs
//   - have distinct names that are not empty, and are values of the entry, stored plainly.
// Its assigns
//   - name each module tensor at most once, and are values of the entry of the tensor's dtype and shape.
#pragma once

#include <optional>

#include "ir/graph/graph.h"

namespace rnc {

// The first broken rule, at the node or tensor that breaks it.
std::optional<Diagnostic> find_violation(const Module& module);

// A broken rule is a failed check that says where.
void verify(const Module& module);

}  // namespace rnc
