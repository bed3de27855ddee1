// What a Winograd convolution makes of its products: the output transform, the fused group on the pixels of a
// tile that are inside the map, and the sums over them.
#pragma once

#include "passes/lower/channel_reductions.h"
#include "passes/lower/conv/winograd/tiles.h"
#include "passes/lower/conv/winograd/winograd.h"

namespace rnc {

class WinogradOutput {
 public:
  // How tasks cover the channels that they take sums of: see ChannelReductions.
  struct Tasks {
    int64_t panels;
    loops::Extent per_panel;
    int64_t blocks;
  };
  WinogradOutput(Lowering& lowering, KernelBuilder& kernel, const Group& group, const DirectConv& conv,
                 const Winograd& how, const Tasks& tasks);

  const FusedCode& code() const { return code_; }
  bool sums() const { return !reductions_.empty(); }
  void begin_task(Body& body) { reductions_.begin_task(body); }
  void end_task(Body& body, loops::Expr task) { reductions_.end_task(body, std::move(task)); }
  void finish() { reductions_.finish(); }

  // What is loaded once for a vector of output channels.
  struct Channels {
    loops::Expr block, sums;  // the vector's number, and that of its sums in the task
    loops::Expr bias;
    FusedCode::Values values;
  };
  Channels channels(Body& body, loops::Expr block, loops::Expr sums);

  // A^T products A of the tile at a place, where it exists. `product` gives what is at a position of the
  // tile's square. Asks for what the fused group reads at `ahead`.
  void tile(Body& body, const Channels& channels, const std::function<loops::Expr(int)>& product,
            const TilePlace& at, const TilePlace& ahead, const loops::Expr& exists);

 private:
  void store(Body& body, const Channels& channels, const Vectors& pixels, const TilePlace& at,
             const loops::Expr& h, const loops::Expr& w);

  const DirectConv& conv_;
  const Winograd& how_;
  int lanes_;
  int size_;  // of a tile, along an axis
  FusedCode code_;
  ChannelReductions reductions_;
  loops::MemoryRef bias_;
};

}  // namespace rnc
