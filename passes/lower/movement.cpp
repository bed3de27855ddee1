// The same elements elsewhere: reshape and relayout. What needs no move shares its operand's buffer
// (Lowering::buffer).
#include <algorithm>

#include "passes/lower/pair_blocks.h"
#include "passes/lower/rules.h"
#include "passes/lower/transpose.h"

namespace rnc {

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
      const int dim = type_.layout.dim_at(i);
      at.push_back(logical[static_cast<size_t>(dim)] / type_.layout.block(dim));
    }
    for (size_t b = 0; b < type_.layout.blocks.size(); ++b) {
      const Layout::Block& block = type_.layout.blocks[b];
      at.push_back(logical[static_cast<size_t>(block.dim)] / type_.layout.step(b) % block.size);
    }
    return at;
  }

  // The widest vectors of at most `lanes` lanes along `dim` whose elements lie side by side.
  int vector(int dim, int lanes) const {
    for (size_t b = 0; b < type_.layout.blocks.size(); ++b) {
      const Layout::Block& block = type_.layout.blocks[b];
      if (block.dim != dim || type_.layout.step(b) > 1 || block.size % lanes == 0) continue;
      return lanes % block.size == 0 ? static_cast<int>(block.size) : 1;
    }
    return lanes;
  }
  // The physical dimension along which `dim` runs at unit steps of the logical index (within its last block,
  // if it has any).
  int position(int dim) const {
    for (size_t i = type_.layout.blocks.size(); i-- > 0;) {
      if (type_.layout.blocks[i].dim == dim) return type_.rank() + static_cast<int>(i);
    }
    if (type_.layout.order.empty()) return dim;
    const auto it = std::find(type_.layout.order.begin(), type_.layout.order.end(), dim);
    return static_cast<int>(it - type_.layout.order.begin());
  }

 private:
  const Type& type_;
};

// Copies x to y, which differ in layout only. Where the last block of x and of y are of different dimensions
// and hold whole vectors, squares of both are transposed in registers. Otherwise lanes run along the blocked
// dimension, the last of either side's blocks, so that one side moves whole vectors; without blocks, along
// the last dimension of the result.
class Relayout {
 public:
  Relayout(Lowering& lowering, ValueId v)
      : lowering_(lowering),
        value_(v),
        from_(lowering.type(lowering.node(v).inputs[0])),
        to_(lowering.type(v)),
        kernel_("relayout"),
        x_(lowering.read(kernel_, "x", lowering.node(v).inputs[0])),
        y_(lowering.write(kernel_, "y", v)) {}

  void lower() {
    if (transposes()) return lower_squares();
    const Layout& blocked = to_.layout.blocks.empty() ? from_.layout : to_.layout;
    if (!blocked.blocks.empty()) {
      lane_dim_ = blocked.blocks.back().dim;
    } else {
      lane_dim_ = to_.layout.order.empty() ? to_.rank() - 1 : to_.layout.order.back();
    }
    check(to_.shape[static_cast<size_t>(lane_dim_)] != kBatch, "lanes do not run along the batch");
    for (int d = 0; d < to_.rank(); ++d) {
      const int64_t size = to_.shape[static_cast<size_t>(d)];
      sizes_.push_back(size == kBatch ? kBatch : round_up(size, to_.layout.block(d)));
    }
    Body body(kernel_.names());
    // A task moves one tile of the first two dimensions, so that both sides of a transpose stay in cache.
    std::vector<Expr> at(sizes_.size()), first(sizes_.size());
    Extent tasks{1, 0};
    Expr rest = loops::task();
    for (int d = std::min(to_.rank(), 2) - 1; d >= 0; --d) {
      const size_t i = static_cast<size_t>(d);
      check(sizes_[i] != kBatch || tile(d) == 1, "a batch is not tiled");
      const int64_t tiles = sizes_[i] == kBatch ? kBatch : ceil_div(sizes_[i], tile(d));
      first[i] = d == 0 ? rest : body.let("tile", rest % tiles);
      if (d > 0) rest = body.let("rest", rest / tiles);
      tasks = tiles == kBatch ? Extent{0, tasks.fixed} : Extent{tasks.fixed * tiles, 0};
    }
    outer(body, at, first, 2);
    lowering_.call(kernel_, tasks, body, value_, {.bytes = elements(to_) * (2 * kFloatBytes)});
  }

 private:
  int64_t tile(int d) const { return has_batch(to_.shape) && d == 0 ? 1 : 16; }

  // Whether vectors lie along different dimensions on both sides, and no block is cut off.
  bool transposes() const {
    const auto whole = [&](const Type& type) {
      return std::ranges::all_of(type.layout.blocks, [&](const Layout::Block& b) {
        return b.size % lowering_.lanes() == 0 &&
               type.shape[static_cast<size_t>(b.dim)] % type.layout.block(b.dim) == 0;
      });
    };
    const auto& from = from_.layout.blocks;
    const auto& to = to_.layout.blocks;
    return lowering_.lanes() > 1 && !from.empty() && !to.empty() && !has_batch(to_.shape) && whole(from_) &&
           whole(to_) && from.back().dim != to.back().dim;
  }

  // A task moves the squares of one vector along x's dimension and one along y's.
  void lower_squares() {
    const int lanes = lowering_.lanes(), x_dim = from_.layout.blocks.back().dim,
              y_dim = to_.layout.blocks.back().dim;
    const auto size = [&](int d) { return to_.shape[static_cast<size_t>(d)]; };
    Body body(kernel_.names());
    std::vector<Expr> at(static_cast<size_t>(to_.rank()));
    const Expr x_first = body.let("x0", loops::task() % (size(x_dim) / lanes) * lanes);
    const Expr y_first = body.let("y0", loops::task() / (size(x_dim) / lanes) * lanes);
    squares(body, at, 0, x_dim, y_dim, x_first, y_first);
    const int64_t tasks = size(x_dim) * size(y_dim) / (lanes * lanes);
    lowering_.call(kernel_, {tasks, 0}, body, value_, {.bytes = elements(to_) * (2 * kFloatBytes)});
  }

  void squares(Body& body, std::vector<Expr> at, int d, int x_dim, int y_dim, const Expr& x_first,
               const Expr& y_first) {
    while (d == x_dim || d == y_dim) ++d;
    if (d < to_.rank()) {
      body.loop("i", 0, to_.shape[static_cast<size_t>(d)], 1, [&](Body& b, Expr i) {
        at[static_cast<size_t>(d)] = i;
        squares(b, at, d + 1, x_dim, y_dim, x_first, y_first);
      });
      return;
    }
    const Place from(from_), to(to_);
    const int lanes = lowering_.lanes();
    const auto index = [&](const Place& place, int row_dim, int row, Expr rows, int lane_dim, Expr first) {
      at[static_cast<size_t>(row_dim)] = rows + row;
      at[static_cast<size_t>(lane_dim)] = std::move(first);
      return place.index(at);
    };
    std::vector<Expr> rows;
    for (int i = 0; i < lanes; ++i) {
      rows.push_back(body.let(
          "x", loaded(x_, index(from, y_dim, i, y_first, x_dim, x_first), lanes, from.position(x_dim))));
    }
    rows = transpose(body, rows);
    for (int i = 0; i < lanes; ++i) {
      body.store(y_, index(to, x_dim, i, x_first, y_dim, y_first), rows[static_cast<size_t>(i)],
                 to.position(y_dim));
    }
  }

  // The dimensions after the first two, but for the lanes'; then the rows and columns of the tile.
  void outer(Body& body, std::vector<Expr> at, const std::vector<Expr>& first, int d) {
    if (d == lane_dim_) ++d;
    if (d < to_.rank()) {
      body.loop("i", 0, sizes_[static_cast<size_t>(d)], 1, [&](Body& b, Expr i) {
        at[static_cast<size_t>(d)] = i;
        outer(b, at, first, d + 1);
      });
      return;
    }
    inner(body, at, first, 0);
  }

  void inner(Body& body, std::vector<Expr> at, const std::vector<Expr>& first, int d) {
    if (d == lane_dim_) ++d;
    const auto range = [&](int dim, Body& b) {
      const auto i = static_cast<size_t>(dim);
      if (dim >= 2) return std::pair<Expr, Expr>{0, sizes_[i]};
      const Expr begin = first[i] * tile(dim);
      const bool whole = sizes_[i] == kBatch || sizes_[i] % tile(dim) == 0;
      return std::pair<Expr, Expr>{
          begin, whole ? begin + tile(dim) : b.let("end", loops::min(begin + tile(dim), sizes_[i]))};
    };
    if (d < std::min(to_.rank(), 2)) {
      const auto [begin, end] = range(d, body);
      body.loop("i", begin, end, 1, [&](Body& b, Expr i) {
        at[static_cast<size_t>(d)] = i;
        inner(b, at, first, d + 1);
      });
      return;
    }
    const int64_t size = sizes_[static_cast<size_t>(lane_dim_)];
    const int widest = Place(to_).vector(lane_dim_, Place(from_).vector(lane_dim_, lowering_.lanes()));
    const int lanes = size < widest ? 1 : widest;
    const auto [begin, end] = range(lane_dim_, body);
    body.loop("v", begin, end, lanes, [&](Body& b, Expr i) {
      at[static_cast<size_t>(lane_dim_)] = i;
      copy(b, at, lanes, i, size);
    });
  }

  // Moves one vector; lanes beyond the tensor read as zero, and are written only where the result has room
  // for them.
  void copy(Body& body, const std::vector<Expr>& at, int lanes, Expr i, int64_t size) {
    const Place from(from_), to(to_);
    const int64_t logical = to_.shape[static_cast<size_t>(lane_dim_)];
    const Expr count = logical;
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
      body.when(valid, [&](Body& b) { b.store(y_, to.index(at), loaded(x_, from.index(at))); });
      return;
    }
    const bool tail = logical % lanes != 0 || size > logical;
    Expr valid = tail ? loops::max(0, loops::min(lanes, count - i)) : Expr();
    if (inside) valid = loops::select(inside, valid ? valid : Expr(lanes), Expr(0));
    if (valid) valid = body.let("valid", valid);
    const Expr room = size % lanes != 0 ? loops::min(lanes, Expr(size) - i) : Expr();
    const Expr value = loaded(x_, from.index(at), lanes, from.position(lane_dim_), valid);
    body.store(y_, to.index(at), value, to.position(lane_dim_), room);
  }

  Lowering& lowering_;
  ValueId value_;
  const Type& from_;
  const Type& to_;
  KernelBuilder kernel_;
  MemoryRef x_, y_;
  std::vector<int64_t> sizes_;  // of the result, padding lanes included
  int lane_dim_ = 0;
};

}  // namespace

void lower_movement(Lowering& lowering, const Group& group) {
  const ValueId v = group.front(), from = lowering.node(v).inputs[0];
  if (lowering.buffer(v) == lowering.buffer(from)) return;
  const Node& node = lowering.node(v);
  if (node.op == Op::relayout && pairs_blocks(lowering.type(from), node.type))
    return lower_pair_blocks(lowering, v);
  if (node.op == Op::relayout) return Relayout(lowering, v).lower();
  check(lowering.type(v).layout.plain() && lowering.type(from).layout.plain(), "reshape is of plain values");
  lowering.copy(lowering.buffer(from), lowering.buffer(v), lowering.type(v), v);
}

// Copied to where values are, with zeros behind a vector of channels: kernels read these in whole vectors.
void lower_constants(Lowering& lowering, const Group& group) {
  const ValueId v = group.front();
  const auto& values = lowering.node(v).attributes.get<std::vector<double>>("values");
  std::vector<float> all(values.begin(), values.end());
  all.resize(static_cast<size_t>(elements_per_sample(lowering.type(v).shape)), all.front());
  const int from = lowering.constant(lowering.node(v).name, bytes_of(all));
  lowering.copy(from, lowering.buffer(v), lowering.type(v), v);
}

}  // namespace rnc
