// Where Winograd convolution is faster than direct summation.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "passes/lower/conv/winograd/weight_grad.h"
#include "passes/lower/conv/winograd/winograd.h"

namespace rnc {
namespace {

constexpr double kFmaPerCycle = 2;
constexpr double kTransformCycles = 3;  // per element of a transformed tile and vector of channels
// Products take so much longer than those of direct summation: they load each operand less often from
// registers, and weights that outgrow the last-level cache when transformed from memory.
constexpr double kSlowerProducts = 1.3, kSlowerFromMemory = 1.45;
// Those of the weight gradient at stride 2, where positions with one weight share a sum, so much longer
// still.
constexpr double kSlowerSums = 1.1;
constexpr int64_t kLastLevel = 12;          // second-level caches
constexpr double kMemoryBytesPerCycle = 4;  // of a core, when all of them stream weights
constexpr int64_t kMostImages = 64;         // that a choice of algorithm waits for

constexpr int64_t kFewChannels = 16;  // below, the transforms outweigh what they save

// The tile that --conv asks for; 0: none.
int forced_tile(const ConvShape& shape, const TargetInfo& target) {
  if (!winograd_shape(shape)) return 0;
  switch (algorithm_for(target.conv, shape.layer)) {
    case ConvAlgorithm::winograd2:
      return 2;
    case ConvAlgorithm::winograd3:
      return 3;
    case ConvAlgorithm::winograd4:
      return 4;
    default:
      return 0;
  }
}

bool suits(const ConvShape& shape, const TargetInfo& target) {
  return winograd_possible(shape, target) && std::min(shape.channels, shape.outputs) >= kFewChannels;
}

double pairs(const ConvShape& shape) {
  return static_cast<double>(shape.channels) * static_cast<double>(shape.outputs);
}

double products_per_image(const ConvShape& shape, int m) {
  const int64_t tiles = ceil_div(shape.h.out, m) * ceil_div(shape.w.out, m);
  const int positions = filtering(shape, m).positions();
  return static_cast<double>(tiles * positions * positions);
}

// Cycles of one image on one core, weights at hand.
double direct_cycles(const ConvShape& shape, const TargetInfo& target) {
  return pairs(shape) * 9 * static_cast<double>(shape.h.out * shape.w.out) /
         (kFmaPerCycle * target.vector_lanes);
}
double winograd_cycles(const ConvShape& shape, int m, const TargetInfo& target) {
  const double vectors =
      static_cast<double>(shape.channels + shape.outputs) / static_cast<double>(target.vector_lanes);
  const double weights = 4 * pairs(shape) * (m + 2) * (m + 2);
  const bool fits = weights <= static_cast<double>(kLastLevel * target.l2_bytes);
  const double multiply =
      pairs(shape) / (kFmaPerCycle * target.vector_lanes) * (fits ? kSlowerProducts : kSlowerFromMemory);
  return products_per_image(shape, m) * (multiply + vectors * kTransformCycles);
}

int fastest_tile(const ConvShape& shape, const TargetInfo& target) {
  int best = 2;
  for (const int m : {3, 4}) {
    if (winograd_cycles(shape, m, target) < winograd_cycles(shape, best, target)) best = m;
  }
  return best;
}

}  // namespace

bool winograd_shape(const ConvShape& shape) {
  const auto three = [](const ConvShape::Axis& a) {
    return a.kernel == 3 && a.stride <= 2 && a.pad == 1 && a.dilation == 1;
  };
  return three(shape.h) && three(shape.w) && shape.h.stride == shape.w.stride && shape.groups == 1 &&
         shape.channels > kPlainChannels;
}

bool winograd_possible(const ConvShape& shape, const TargetInfo& target) {
  return winograd_shape(shape) && algorithm_for(target.conv, shape.layer) != ConvAlgorithm::direct;
}

int64_t winograd_from_batch(const ConvShape& shape, int m, const TargetInfo& target) {
  if (forced_tile(shape, target) == m) return 1;
  const double stream = pairs(shape) * 4 / kMemoryBytesPerCycle;
  const double direct = direct_cycles(shape, target), winograd = winograd_cycles(shape, m, target);
  for (int64_t n = 1; n <= kMostImages; ++n) {
    const auto images = static_cast<double>(n);
    if (std::max(images * winograd, stream * (m + 2) * (m + 2)) < std::max(images * direct, stream * 9))
      return n;
  }
  return 0;
}

Filtering filtering(const ConvShape& shape, int m) { return {m, static_cast<int>(shape.h.stride)}; }

WinogradChoice choose_winograd(const ConvShape& shape, const TargetInfo& target) {
  const int forced = forced_tile(shape, target);
  if (forced > 0) return {forced, 1};
  if (!suits(shape, target)) return {};
  const int best = fastest_tile(shape, target);
  const int64_t from = winograd_from_batch(shape, best, target);
  return from == 0 ? WinogradChoice{} : WinogradChoice{best, from};
}

int winograd_tile(const ConvShape& shape, const TargetInfo& target, double slower) {
  const int forced = forced_tile(shape, target);
  if (forced > 0) return forced;
  if (!suits(shape, target)) return 0;
  const int m = fastest_tile(shape, target);
  return slower * winograd_cycles(shape, m, target) < direct_cycles(shape, target) ? m : 0;
}

int training_tile(const Graph& graph, const Node& node, const TargetInfo& target) {
  if (!computes_gradients(graph.role)) return 0;
  const ConvShape shape = conv_shape(graph, node);
  if (node.op != Op::conv2d_weight_grad || shape.h.stride == 1) return winograd_tile(shape, target);
  const int m = winograd_tile(shape, target, kSlowerSums);
  // By blocks of channels it is slower than direct summation: its operands, larger than at stride 1, go
  // through memory.
  const bool asked_for = forced_tile(shape, target) > 0;
  return asked_for || winograd_sums_stay_in_cache(shape, m, target) ? m : 0;
}

void count_winograd(loops::Work& work, const Filtering& filtering, int64_t pairs, int64_t tiles) {
  work.algorithm = fmt::format("winograd {}x{}", filtering.m, filtering.m);
  work.operations = {0, 2 * pairs * tiles * filtering.positions() * filtering.positions()};
}

std::string kernel_prefix(const Filtering& filtering) {
  return fmt::format("winograd{}{}", filtering.m, filtering.stride == 1 ? "" : "s2");
}

Layout transformed_weight_layout(const Layout& weight) { return {{0, 2, 3, 1}, weight.blocks}; }

}  // namespace rnc
