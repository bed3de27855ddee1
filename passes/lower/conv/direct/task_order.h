// How a direct convolution is divided into tasks, and in what order they run: that decides how often its weights and its
// input come into the second-level cache.
#pragma once

#include "passes/lower/conv/direct/direct.h"

namespace rnc {

// A task computes one panel of outputs for some rows of an image: all panels of those rows one after the
// other if image_major, else all images and rows of a panel. Depends on sizes only, not on threads.
struct TaskOrder {
  bool image_major = false;
  int64_t rows = 1;  // of each grid, at most
};

TaskOrder choose_task_order(const DirectConv& conv, const TargetInfo& target);

// Rows of the highest grid.
int64_t grid_rows(const DirectConv& conv);
int64_t weight_bytes(const DirectConv& conv, int lanes);

}  // namespace rnc
