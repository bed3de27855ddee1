// The elementwise part of a fused kernel: its expressions at one point of the iteration domain, and its
// stores. The same code serves an elementwise loop, the epilogue of a convolution and that of a matrix
// product.
#pragma once

#include <map>

#include "passes/lower/spread_operand.h"

namespace rnc {

class FusedCode {
 public:
  // What a kernel has computed for one vector of points.
  class Values {
   public:
    loops::Expr& operator[](ValueId v) { return values_[v]; }
    const loops::Expr& at(ValueId v) const { return values_.at(v); }
    // Lanes that exist: what is stored or reduced of the others is zero. None: all exist.
    loops::Expr room;

   private:
    std::map<ValueId, loops::Expr> values_;
  };

  // The elementwise nodes of `group` over values of type `domain`, each seen with dimensions `view`. `anchor`
  // is computed by the caller, or kNoValue.
  FusedCode(Lowering& lowering, KernelBuilder& kernel, const Group& group, ValueId anchor, const Type& domain,
            std::vector<loops::Extent> view);

  // The values that do not vary within a channel (rank 1 and scalars), loaded or computed for `lanes` points.
  // `channel` is the first channel; along_channels: lane i is channel + i, otherwise all lanes are `channel`.
  // `valid`: how many of these lanes there are, where the kernel's vectors may run past the last of plain
  // channels. In channel blocks that follows from the type.
  Values channels(Body& body, loops::Expr channel, int lanes, bool along_channels, loops::Expr valid = {});
  // Has the lanes of `v` that do not exist set to zero as if it were stored: others read it.
  void keep_zero(ValueId v) { leaving_.insert(v); }
  // Whether some value needs Values::room, known after channels(): a kernel in another layout than channel
  // blocks then has to set it.
  bool masks() const { return !masked_.empty(); }
  // Adds every full-shape value of the group at `point` to `values`, which holds what channels() gave and the
  // anchor. With `store`, those needed outside the kernel are stored.
  void at(Body& body, const Point& point, Values& values, bool store = true) const;
  // Whether at() reads full-shape values from outside the group; prefetch() asks for those at `index`.
  bool reads() const { return !operands_.empty(); }
  void prefetch(Body& body, const std::vector<loops::Expr>& index) const;

  // Bytes per element that at() moves: for profiles.
  int64_t bytes_per_element() const;
  // The values of full shape that at() loads.
  const Group& operands() const { return operands_; }
  // Pairs (stored value, operand) of full shape that may share memory: not with operands that the kernel also
  // reads at other points.
  std::vector<std::pair<ValueId, ValueId>> in_place(const Group& read_elsewhere = {}) const;

 private:
  bool full(ValueId v) const { return lowering_.type(v).shape == domain_.shape; }
  loops::Expr compute(const Node& node, const Values& values, const Point* point = nullptr) const;
  loops::Expr dropout_mask(const Node& node, const Values& values, const Point& point) const;
  loops::Expr channel_operand(Body& body, ValueId v, loops::Expr channel, int lanes, bool along_channels,
                              const loops::Expr& valid);
  loops::Expr existing_lanes(Body& body, const loops::Expr& channel, int lanes, bool along_channels,
                             const loops::Expr& valid) const;
  bool padded() const;
  // Whether it has the domain's dimensions, but one element along some.
  bool spreads(ValueId v) const {
    return !full(v) && lowering_.type(v).rank() == domain_.rank() && domain_.rank() > 1;
  }

  Lowering& lowering_;
  KernelBuilder& kernel_;
  Type domain_;
  std::vector<loops::Extent> view_;
  Group channel_nodes_;
  Group full_nodes_;               // without the anchor
  std::vector<ValueId> operands_;  // full-shape values from outside the group, in order of first use
  std::vector<ValueId> channel_operands_;
  std::map<ValueId, SpreadOperand> spread_operands_;  // from outside the group, too
  std::map<ValueId, loops::MemoryRef> memories_;
  std::set<ValueId> leaving_;  // stored where lanes past the last channel are kept, or reduced
  std::set<ValueId> masked_;
  ValueId anchor_;
};

// Whether it sums up values that a kernel goes through, per channel of the batch or of each image.
bool is_reduction(const Node& node);

// The extent of a rank-1 array in memory: padded so that every vector of channels exists.
loops::Extent channel_extent(int64_t channels, int lanes);

// Lowers a group of elementwise nodes and channel reductions without an anchor.
void lower_elementwise(Lowering& lowering, const Group& group);

}  // namespace rnc
