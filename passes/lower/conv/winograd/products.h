// The products of Winograd convolution: at each position x of the transformed tiles a matrix product, in
// register tiles.
#pragma once

#include <functional>

#include "passes/lower/conv/filtering.h"
#include "passes/lower/lowering.h"

namespace rnc {

// A range of the blocks of input channels, and the place of its first block among the transformed weights.
struct Blocks {
  loops::Expr begin, end, first;
  bool only = false;  // the products have no others
};

// Products of weights and inputs: result[o][t] = sum over c of u[c][o] v[c][t].
class WinogradProducts {
 public:
  struct Sizes {
    int vectors = 1;  // of outputs in a panel
    int64_t lanes = 1;
    int64_t blocks = 1;         // of input channels
    int64_t register_tile = 1;  // tiles whose sums the registers hold
    bool more_exact = false;    // more exact sums, for more time
  };
  struct Operands {
    loops::MemoryRef u;  // [panels][weights][channels][vectors * lanes]
    Filtering filtering;
    loops::MemoryRef v;
    std::function<loops::Expr(const loops::Expr& x, const loops::Expr& cb, const loops::Expr& t,
                              const loops::Expr& lane)>
        v_at;
    loops::MemoryRef result;
    std::function<loops::Expr(const loops::Expr& x, int o, const loops::Expr& t)> result_at;
    // Both operands come from memory, so that those of the next position are asked for, a part for each unit.
    bool streamed = false;
    loops::Expr unit;
  };

  explicit WinogradProducts(const Sizes& sizes) : s_(sizes) {}

  // For one panel of outputs and `tiles` tiles. Adds to the result of the blocks before, if there are any.
  void multiply(Body& body, const Operands& operands, const loops::Expr& panel, const loops::Expr& x,
                int64_t tiles, const Blocks& blocks) const;

  // Blocks of channels that are summed at a time: a range of them should be a multiple of these.
  int64_t summed_blocks() const;

 private:
  struct Tile {  // of registers
    loops::Expr panel, x, t0;
    int64_t tiles;
  };
  // Where sums go. They are added to what is there unless the condition `first` holds, or is empty.
  struct Target {
    loops::MemoryRef memory;
    std::function<loops::Expr(int o, const loops::Expr& p)> at;
    loops::Expr first;
  };
  void tile(Body& body, const Operands& in, const Tile& tile, const Blocks& blocks) const;
  void sum(Body& body, const Operands& in, const Tile& tile, const Blocks& blocks, const Target& to) const;
  void sum_group(Body& body, const Operands& in, const Tile& tile, const Blocks& blocks,
                 const Target& to) const;
  void each(Body& body, int64_t tiles, const std::function<void(Body&, int o, loops::Expr p)>& visit) const;
  void add(Body& body, int64_t tiles, const Target& to,
           const std::function<loops::Expr(int o, const loops::Expr& p)>& value) const;

  Sizes s_;
};

// The weight gradient's: sums[c][o] += sum over t of v[t][c] e[t][o], over the tiles t at all positions x
// that have one weight, for one block of input channels and one panel of outputs.
struct WinogradSums {
  Filtering filtering;
  int vectors = 1;
  int64_t lanes = 1;
  int64_t vector_registers = 16;
  loops::MemoryRef v, e, sums;
  using Index = std::vector<loops::Expr>;
  std::function<Index(const loops::Expr& x, const loops::Expr& t, const loops::Expr& lane)> v_at;
  std::function<Index(const loops::Expr& x, const loops::Expr& t, int o)> e_at;
  std::function<Index(const loops::Expr& lane, int o)> sum_at;

  void add(Body& body, const loops::Expr& weight, const loops::Expr& tiles) const;
};

}  // namespace rnc
