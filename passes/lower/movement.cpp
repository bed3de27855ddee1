// The same elements elsewhere: reshape and relayout. What needs no move shares its operand's buffer
// (Lowering::buffer).
#include <algorithm>

#include "passes/lower/rules.h"

namespace rnc {

using loops::Access;
using loops::Expr;
using loops::Extent;
using loops::MemoryRef;

namespace {

// Where the elements of a tensor lie: the physical index of a logical one.
class Place {
 public:
  explicit Place(const Type& type) : type_(type) {}

  std::vector<Expr> index(const std::vector<Expr>& logical) const {
    std::vector<Expr> at;
    for (int i = 0; i < type_.rank(); ++i) {
      const int dim = type_.layout.order.empty() ? i : type_.layout.order[static_cast<size_t>(i)];
      at.push_back(logical[static_cast<size_t>(dim)] / type_.layout.block(dim));
    }
    for (const Layout::Block& b : type_.layout.blocks)
      at.push_back(logical[static_cast<size_t>(b.dim)] % b.size);
    return at;
  }

  // The physical dimension along which `dim` runs at unit steps of the logical index (within a block, if it
  // has any).
  int position(int dim) const {
    for (size_t i = 0; i < type_.layout.blocks.size(); ++i) {
      if (type_.layout.blocks[i].dim == dim) return type_.rank() + static_cast<int>(i);
    }
    if (type_.layout.order.empty()) return dim;
    const auto it = std::find(type_.layout.order.begin(), type_.layout.order.end(), dim);
    return static_cast<int>(it - type_.layout.order.begin());
  }

 private:
  const Type& type_;
};

// Copies x to y, which differ in layout only. Lanes run along the blocked dimension, the last of either
// side's blocks, so that one side moves whole vectors; without blocks, along the last dimension of the
// result.
class Relayout {
 public:
  Relayout(Lowering& lowering, ValueId v)
      : lowering_(lowering),
        v_(v),
        from_(lowering.type(lowering.node(v).inputs[0])),
        to_(lowering.type(v)),
        kernel_("relayout"),
        x_(lowering.read(kernel_, "x", lowering.node(v).inputs[0])),
        y_(lowering.write(kernel_, "y", v)) {}

  void lower() {
    const Layout& blocked = to_.layout.blocks.empty() ? from_.layout : to_.layout;
    if (!blocked.blocks.empty()) {
      lane_dim_ = blocked.blocks.back().dim;
    } else {
      lane_dim_ = to_.layout.order.empty() ? to_.rank() - 1 : to_.layout.order.back();
    }
    Body body(kernel_.names());
    // Loops over the logical dimensions of the result (padding lanes included), the first one or two as
    // tasks.
    std::vector<int64_t> sizes;
    for (int d = 0; d < to_.rank(); ++d) {
      const int64_t size = to_.shape[static_cast<size_t>(d)];
      sizes.push_back(size == kBatch ? kBatch : round_up(size, to_.layout.block(d)));
    }
    std::vector<Expr> at(sizes.size());
    Extent tasks{1, 0};
    const bool split = sizes.size() > 1 && lane_dim_ != 1;
    int next = 0;
    if (lane_dim_ != 0 && !sizes.empty()) {
      tasks = extent_of(sizes[0]);
      at[0] = loops::task();
      next = 1;
      if (split) {
        tasks = {tasks.fixed * sizes[1], tasks.per_sample * sizes[1]};
        at[0] = body.let("i", loops::task() / sizes[1]);
        at[1] = body.let("i", loops::task() % sizes[1]);
        next = 2;
      }
    } else if (split) {  // lanes along the first dimension: tasks along the second
      tasks = {sizes[1], 0};
      at[1] = loops::task();
    }
    nest(body, sizes, at, next);
    const Extent count = elements(to_);
    lowering_.call(kernel_, tasks, body, v_, {{}, {8 * count.fixed, 8 * count.per_sample}, "", ""});
  }

 private:
  void nest(Body& body, const std::vector<int64_t>& sizes, std::vector<Expr> at, int d) {
    while (d < to_.rank() && (at[static_cast<size_t>(d)] || d == lane_dim_)) ++d;
    if (d < to_.rank()) {
      const int64_t size = sizes[static_cast<size_t>(d)];
      body.loop("i", 0, size == kBatch ? loops::batch() : Expr(size), 1, [&](Body& b, Expr i) {
        at[static_cast<size_t>(d)] = i;
        nest(b, sizes, at, d + 1);
      });
      return;
    }
    const int64_t size = sizes[static_cast<size_t>(lane_dim_)];
    int lanes = lowering_.lanes();
    if (size != kBatch && size < lanes) lanes = 1;
    body.loop("v", 0, size == kBatch ? loops::batch() : Expr(size), lanes, [&](Body& b, Expr i) {
      at[static_cast<size_t>(lane_dim_)] = i;
      copy(b, at, lanes, i, size);
    });
  }

  // Moves one vector; lanes beyond the tensor read as zero, and are written only where the result has room
  // for them.
  void copy(Body& body, const std::vector<Expr>& at, int lanes, Expr i, int64_t size) {
    const Place from(from_), to(to_);
    const int64_t logical = to_.shape[static_cast<size_t>(lane_dim_)];
    const Expr count = logical == kBatch ? loops::batch() : Expr(logical);
    // Other blocked dimensions may be padded too: nothing is valid there.
    Expr inside;
    for (int d = 0; d < to_.rank(); ++d) {
      const int64_t extent = to_.shape[static_cast<size_t>(d)];
      if (d == lane_dim_ || extent == kBatch || extent % to_.layout.block(d) == 0) continue;
      const Expr here = loops::less(at[static_cast<size_t>(d)], extent);
      inside = inside ? loops::binary(loops::Binary::logic_and, inside, here) : here;
    }
    if (lanes == 1) {
      const auto zero = [&](Body& b) { b.store(y_, to.index(at), loops::constant(y_->scalar, 0)); };
      Expr valid = logical == size ? Expr() : loops::less(i, count);
      if (inside) valid = valid ? loops::binary(loops::Binary::logic_and, valid, inside) : inside;
      if (valid) zero(body);
      body.when(valid, [&](Body& b) { b.store(y_, to.index(at), loops::load(x_, from.index(at))); });
      return;
    }
    const bool tail = logical == kBatch || logical % lanes != 0;
    Expr valid = tail ? loops::max(0, loops::min(lanes, count - i)) : Expr();
    if (inside) valid = loops::select(inside, valid ? valid : Expr(lanes), Expr(0));
    if (valid) valid = body.let("valid", valid);
    const Expr room = size == kBatch || size % lanes != 0
                          ? loops::min(lanes, (size == kBatch ? loops::batch() : Expr(size)) - i)
                          : Expr();
    const Expr value = loops::load(x_, from.index(at), lanes, from.position(lane_dim_), valid);
    body.store(y_, to.index(at), value, to.position(lane_dim_), room);
  }

  Lowering& lowering_;
  ValueId v_;
  const Type& from_;
  const Type& to_;
  KernelBuilder kernel_;
  MemoryRef x_, y_;
  int lane_dim_ = 0;
};

}  // namespace

void lower_movement(Lowering& lowering, const Group& group) {
  const ValueId v = group.front(), from = lowering.node(v).inputs[0];
  if (lowering.buffer(v) == lowering.buffer(from)) return;
  if (lowering.node(v).op == Op::relayout) return Relayout(lowering, v).lower();
  check(lowering.type(v).layout.plain() && lowering.type(from).layout.plain(), "reshape is of plain values");
  lowering.copy(lowering.buffer(from), lowering.buffer(v), lowering.type(v), v);
}

}  // namespace rnc
