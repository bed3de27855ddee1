#include "passes/lower/conv/direct/task_order.h"

#include <algorithm>

namespace rnc {

namespace {

constexpr int64_t kTaskMacs = 2 << 20;  // multiply-adds that are worth a task of their own
constexpr int64_t kPanelTasks = 8;      // so many panels are tasks enough for one image

int64_t panels_of(const DirectConv& conv, int lanes) {
  return ceil_div(conv.out_channels, lanes * conv.vectors);
}

int64_t task_rows(const DirectConv& conv, int lanes) {
  const int64_t weights = weight_bytes(conv, lanes) / 4 / panels_of(conv, lanes);
  const int64_t macs = conv.grids.front().second.grid * weights;
  return std::clamp<int64_t>(ceil_div(kTaskMacs, std::max<int64_t>(macs, 1)), 1, grid_rows(conv));
}

int64_t image_bytes(const DirectConv& conv) {
  const auto read = [](const GridAxis& a, int64_t in) {  // not what a 1x1 kernel of stride 2 steps over
    return in * std::clamp<int64_t>(a.taps, 1, a.step) / a.step;
  };
  const auto& [h, w] = conv.grids.front();
  return kFloatBytes * conv.in_channels * read(h, conv.in_h) * read(w, conv.in_w);
}

}  // namespace

int64_t grid_rows(const DirectConv& conv) {
  int64_t rows = 1;
  for (const auto& [h, w] : conv.grids) rows = std::max(rows, h.grid);
  return rows;
}

int64_t weight_bytes(const DirectConv& conv, int lanes) {
  return kFloatBytes * panels_of(conv, lanes) * conv.in_blocks * conv.kernel_taps * conv.weight_lanes(lanes) *
         conv.vectors * lanes;
}

// Whichever brings fewer bytes into the second-level cache. In image-major order, all weights come again for
// every task's rows unless they stay there; in the other, the image does for every panel. So it does in the
// first where a task is all of an image that a panel leaves no room for.
TaskOrder choose_task_order(const DirectConv& conv, const TargetInfo& target) {
  const int lanes = target.lanes(DType::f32);
  const int64_t cache = target.l2_bytes * 3 / 4;
  const int64_t panels = panels_of(conv, lanes), rows = task_rows(conv, lanes), all_rows = grid_rows(conv);
  const int64_t image = image_bytes(conv), weights = weight_bytes(conv, lanes), panel = weights / panels;
  const auto bytes = [&](const TaskOrder& order) {
    const int64_t chunks = ceil_div(all_rows, order.rows);
    const auto again = [&](int64_t size) { return size <= cache ? 0 : size * chunks; };
    if (!order.image_major) return image * panels + again(panel);
    const bool stays = chunks > 1 || image + panel <= target.l2_bytes;
    return image * (stays ? 1 : panels) + again(weights);
  };
  TaskOrder best{true, rows};
  // Whole images where that leaves tasks enough for one image.
  for (const TaskOrder& other : {TaskOrder{false, rows}, TaskOrder{true, all_rows}}) {
    if (other.rows > best.rows && panels < kPanelTasks) continue;
    if (bytes(other) < bytes(best)) best = other;
  }
  return best;
}

}  // namespace rnc
