// How many threads share a part of a weight gradient. Where the batch is divided into few parts, each a task that sums
// the products of all panels of outputs and blocks of inputs, many threads would stand idle. There a part's panels and
// blocks are divided among several tasks, at the price that each fetches, and transforms, what it needs of both operands
// for itself; so this depends on the number of threads. Every sum is still computed by one task, in the same order:
// results do not depend on it.
#pragma once

#include <cstdint>
#include <vector>

#include "passes/lower/body.h"

namespace rnc {

// A task's share of its part: panels [panel0, panel1) with blocks [block0, block1).
struct TaskShare {
  loops::Expr part;
  loops::Expr panel0, panel1, block0, block1;
  loops::Expr works;  // whether the task has any; empty: always
};

class TaskShares {
 public:
  // `parts` of `panels` panels and `blocks` blocks each.
  TaskShares(int64_t parts, int64_t panels, int64_t blocks);

  int64_t tasks() const;
  // The share of the current task.
  TaskShare of_task(Body& body) const;

 private:
  struct Division {
    int64_t panels, blocks;  // into so many
    int64_t shares() const { return panels * blocks; }
  };
  // What `which` is of the division that suits the number of threads.
  loops::Expr suitable(int64_t Division::*which) const;

  int64_t parts_, panels_, blocks_;
  std::vector<Division> divisions_;  // from whole parts to the smallest shares
};

}  // namespace rnc
