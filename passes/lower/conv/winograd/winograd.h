// 3x3 convolutions of stride 1 and 2 by Winograd's minimal filtering, F(m x m, 3 x 3): Lavin and Gray, "Fast
// algorithms for convolutional neural networks", 2016. An m x m tile of outputs takes positions()^2 products
// per pair of channels instead of 9 m^2: at m = 4, 36 or, at stride 2, 81 instead of 144. The rounding error
// is about twice that of direct summation at m = 4.
#pragma once

#include "passes/lower/conv/direct/direct.h"
#include "passes/lower/conv/filtering.h"

namespace rnc {

// Whether this is a convolution that Winograd's algorithm can compute.
bool winograd_shape(const ConvShape& shape);

// Which algorithm should take the least time: Winograd's by tiles of m x m where a run has at least
// `from_batch` images, direct summation below. m = 0: always direct.
struct WinogradChoice {
  int m = 0;
  int64_t from_batch = 1;
  // What was compared, per image and core, with the weights at hand; 0 where nothing was, as the convolution
  // is of another kind or has few channels.
  double cycles = 0, direct_cycles = 0;
};
// For weights transformed once, in entry prepare: by FMAs, transforms, and the memory that the weights are
// streamed from, which decides where there are few images.
WinogradChoice winograd_for_fixed_weights(const ConvShape& shape, const TargetInfo& target);
// Where the weights are transformed in every step.
enum class ConvDirection : uint8_t { forward, input_grad, weight_grad };
WinogradChoice winograd_for_training(const ConvShape& shape, const TargetInfo& target,
                                     ConvDirection direction);
// The batch from which F(m) is faster than direct summation; 0: none.
int64_t winograd_from_batch(const ConvShape& shape, int m, const TargetInfo& target);

// F(m) at the convolution's stride.
Filtering filtering(const ConvShape& shape, int m);

// Names the algorithm of `work` and counts its products for so many tiles of a map and `pairs` of channels.
void count_winograd(loops::Work& work, const Filtering& filtering, int64_t pairs, int64_t tiles);
// What names of kernels begin with: "winograd4", "winograd4s2".
std::string kernel_prefix(const Filtering& filtering);

// How the kernel reads transformed weights [O, C, m + 2, m + 2]:
// [O / panel][m + 2][m + 2][C / V][V][panel], with panels as in forward_weight_layout.
Layout transformed_weight_layout(const Layout& weight);

// How `lower_winograd` is to compute a convolution.
struct Winograd {
  Filtering filtering;
  // The weights lie as the forward convolution reads them, in panels of so many of its outputs; 0: as this
  // one reads them.
  int64_t forward_panel = 0;
  bool input_grad = false;
  int transformed = -1;    // buffer of the transformed weights; -1: transform them first
  int64_t from_batch = 1;  // smaller batches: by direct summation
  // Pixels of the result's tile, along an axis.
  int out_size() const { return input_grad ? filtering.gradient_output().size : filtering.output().size; }
};

// Computes `conv`, of 3x3 taps and pad 1 or the input gradient of such a convolution, and the fused group
// around it.
void lower_winograd(Lowering& lowering, const Group& group, const DirectConv& conv, const Winograd& how);

// Adds a call that computes G w G^T of every pair of channels: from [panels][blocks][9][V][panel] to the
// layout above. With a forward_panel, from the layout of the convolution whose channels are exchanged:
// [blocks V / forward_panel][panels panel / V][9][V][forward_panel].
struct WeightTransform {
  int from = -1, to = -1;  // buffers
  int64_t panels = 0, blocks = 0, panel = 0;
  int64_t rows = 0;  // of a position: the channels, or more
  int64_t forward_panel = 0;
  bool flipped = false;
};
void transform_weights(Lowering& lowering, const WeightTransform& weights, const Filtering& filtering,
                       ValueId of, const std::string& direction);

}  // namespace rnc
