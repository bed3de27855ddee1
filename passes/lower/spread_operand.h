// An operand of a fused kernel that has one element along some dimensions of the values that the kernel goes through
// and spreads over them: [N, C, 1, 1] beside [N, C, H, W].
#pragma once

#include "passes/lower/lowering.h"

namespace rnc {

// The vector of values that one step of a loop computes.
struct Point {
  std::vector<loops::Expr> index;  // into the view of full-shape values
  int lanes = 1;
  int lane_dim = -1;
  loops::Expr valid;  // lanes that exist; none: all
};

// The numbers of the elements at a point, counted in the order of the dimensions, as i32: of values that are plain or in
// blocks of channels.
loops::Expr element_numbers(const Type& domain, const std::vector<loops::Extent>& view, const Point& point);

class SpreadOperand {
 public:
  // `v` beside values of type `domain`, which the kernel sees with dimensions `view`: its physical ones, of which
  // neighbours may be one. The operand has the domain's layout where it has its channels, else it is plain.
  SpreadOperand(Lowering& lowering, KernelBuilder& kernel, ValueId v, const Type& domain,
                const std::vector<loops::Extent>& view);
  // Its elements at the point, in every lane.
  loops::Expr load(const Point& point) const;

 private:
  struct Part {  // of a dimension of the view
    loops::Extent size;
    bool is_spread;
    bool stays() const { return is_spread || size == loops::Extent{1, 0}; }  // its index is always 0
  };
  loops::Expr index(const std::vector<Part>& parts, const loops::Expr& i) const;

  std::vector<std::vector<Part>> dims_;  // by dimension of the view, outermost part first
  loops::MemoryRef memory_;
};

}  // namespace rnc
