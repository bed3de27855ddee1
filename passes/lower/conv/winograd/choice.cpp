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

bool suits(const ConvShape& shape) {
  return winograd_shape(shape) && std::min(shape.channels, shape.outputs) >= kFewChannels;
}

double pairs(const ConvShape& shape) {
  return static_cast<double>(shape.channels) * static_cast<double>(shape.outputs);
}

double products_per_image(const ConvShape& shape, int m) {
  const int64_t tiles = ceil_div(shape.h.out, m) * ceil_div(shape.w.out, m);
  const int positions = filtering(shape, m).positions();
  return static_cast<double>(tiles * positions * positions);
}

// How much faster than products in f32 direct kernels are that add two of bf16 at a time (loops::dot_pairs): those of
// pixels are put beside each other first.
constexpr double kPairsOfInputs = 1.8, kPairsOfPixels = 1.4;

// Cycles of one image on one core, weights at hand.
double direct_cycles(const ConvShape& shape, const TargetInfo& target,
                     ConvDirection direction = ConvDirection::forward) {
  const bool of_pairs =
      target.dot_pairs && value_for(target.precision, shape.layer, contract::kDefaultReal) == DType::bf16;
  const double faster = !of_pairs                                 ? 1
                        : direction == ConvDirection::weight_grad ? kPairsOfPixels
                                                                  : kPairsOfInputs;
  return pairs(shape) * 9 * static_cast<double>(shape.h.out * shape.w.out) /
         (kFmaPerCycle * target.lanes(DType::f32) * faster);
}
double winograd_cycles(const ConvShape& shape, int m, const TargetInfo& target) {
  const double vectors =
      static_cast<double>(shape.channels + shape.outputs) / static_cast<double>(target.lanes(DType::f32));
  const double weights = kFloatBytes * pairs(shape) * (m + 2) * (m + 2);
  const bool fits = weights <= static_cast<double>(kLastLevel * target.l2_bytes);
  const double multiply =
      pairs(shape) / (kFmaPerCycle * target.lanes(DType::f32)) * (fits ? kSlowerProducts : kSlowerFromMemory);
  return products_per_image(shape, m) * (multiply + vectors * kTransformCycles);
}

int fastest_tile(const ConvShape& shape, const TargetInfo& target) {
  int best = 2;
  for (const int m : {3, 4}) {
    if (winograd_cycles(shape, m, target) < winograd_cycles(shape, best, target)) best = m;
  }
  return best;
}

// The fastest tile, from the first image on.
WinogradChoice compared(const ConvShape& shape, const TargetInfo& target) {
  const int m = fastest_tile(shape, target);
  return {m, 1, winograd_cycles(shape, m, target), direct_cycles(shape, target)};
}

}  // namespace

bool winograd_shape(const ConvShape& s) {
  return winograd_computes({{s.h.kernel, s.w.kernel},
                            {s.h.stride, s.w.stride},
                            {s.h.pad, s.w.pad},
                            {s.h.dilation, s.w.dilation},
                            {s.h.pad_after, s.w.pad_after}},
                           s.groups, s.channels);
}

int64_t winograd_from_batch(const ConvShape& shape, int m, const TargetInfo& target) {
  const double stream = pairs(shape) * kFloatBytes / kMemoryBytesPerCycle;
  const double direct = direct_cycles(shape, target), winograd = winograd_cycles(shape, m, target);
  for (int64_t n = 1; n <= kMostImages; ++n) {
    const auto images = static_cast<double>(n);
    if (std::max(images * winograd, stream * (m + 2) * (m + 2)) < std::max(images * direct, stream * 9))
      return n;
  }
  return 0;
}

Filtering filtering(const ConvShape& shape, int m) { return {m, static_cast<int>(shape.h.stride)}; }

WinogradChoice winograd_for_fixed_weights(const ConvShape& shape, const TargetInfo& target) {
  if (!suits(shape)) return {};
  WinogradChoice choice = compared(shape, target);
  const int64_t from = winograd_from_batch(shape, choice.m, target);
  if (from == 0) choice.m = 0;
  choice.from_batch = std::max<int64_t>(from, 1);
  return choice;
}

WinogradChoice winograd_for_training(const ConvShape& shape, const TargetInfo& target,
                                     ConvDirection direction) {
  if (!suits(shape)) return {};
  WinogradChoice choice = compared(shape, target);
  choice.direct_cycles = direct_cycles(shape, target, direction);
  const bool shares_sums = direction == ConvDirection::weight_grad && shape.h.stride == 2;
  if (shares_sums) choice.cycles *= kSlowerSums;
  // By blocks of channels it is slower than direct summation: its operands, larger than at stride 1, go
  // through memory.
  const bool slow = shares_sums && !winograd_sums_stay_in_cache(shape, choice.m, target);
  if (slow || choice.cycles >= choice.direct_cycles) choice.m = 0;
  return choice;
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
