// The transformed input V = B^T d B of a Winograd convolution: where it lies, and the code that makes it.
#pragma once

#include "passes/lower/conv/winograd/tiles.h"
#include "passes/lower/conv/winograd/tiling.h"
#include "passes/lower/conv/winograd/winograd.h"

namespace rnc {

class WinogradInput {
 public:
  // `shared`: in memory, for all tasks; otherwise each task has its tiles in scratch memory. Keeps references
  // to all arguments.
  WinogradInput(Lowering& lowering, const Group& group, const DirectConv& conv, const Winograd& how,
                const Tiling& tiling, bool shared);

  // What the convolution's kernel reads: V where it is shared, whose own kernel is called first, else the
  // input.
  void bind(KernelBuilder& kernel);
  // Reserves a task's V, unless it is shared.
  void begin_task(Body& body);
  // Loads what the fused group has per channel, for block `cb`; before tile() in its loop.
  void channels(Body& body, const loops::Expr& cb) { x_->channels(body, cb * lanes_); }
  // Transforms a tile of a block of channels, into place t of a unit of V.
  void tile(Body& body, const TilePlace& tile, const TilePlace& ahead, const loops::Expr& unit,
            const loops::Expr& t) const;

  const loops::MemoryRef& transformed() const { return transformed_input_; }
  // Where V has position x of tile t of a unit.
  loops::Expr at(const loops::Expr& unit, const loops::Expr& x, const loops::Expr& cb, const loops::Expr& t,
                 const loops::Expr& lane) const;

  // The maps that the convolution's kernel itself reads.
  Group operands() const { return shared_ ? Group{} : x_->operands(); }
  // Of the input, per sample: for profiles.
  int64_t bytes_per_sample() const {
    return x_->bytes_per_element() * conv_.in_channels * conv_.in_h * conv_.in_w;
  }

 private:
  FusedInput input(KernelBuilder& kernel) const;
  int64_t tiles() const { return shared_ ? tiling_.unit_images * tiling_.map_tiles() : tiling_.unit_tiles(); }
  int64_t plane() const;
  loops::Extent floats() const;
  void transform_all(int buffer);

  Lowering& lowering_;
  const Group& group_;
  const DirectConv& conv_;
  const Winograd& how_;
  const Tiling& tiling_;
  bool shared_;
  TilePixels in_;  // along an axis
  int positions_, lanes_;
  int64_t blocks_;
  std::optional<FusedInput> x_;
  loops::MemoryRef transformed_input_;
};

}  // namespace rnc
