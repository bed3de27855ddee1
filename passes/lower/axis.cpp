// Concatenation, slices, zeros and turns along one dimension: every result is made of pieces of its operands.
//
// Where that dimension is the one in blocks, a task makes one block of one image from runs of channels that lie together
// on both sides. Else a task copies rows: what lies behind one position of the dimensions before. All is one row where
// that dimension is the first, as it may be for values without a batch.
#include "ir/ops/axis.h"

#include <numeric>

#include "passes/lower/rules.h"

namespace rnc {

using loops::Access;
using loops::Expr;
using loops::Extent;
using loops::MemoryRef;

namespace {

// Elements [from, from + count) of operand x become those of the result from `to` on; of kNoValue, zeros.
struct Piece {
  ValueId x;
  int64_t from, to, count;
};

// In the result's order, without gaps.
std::vector<Piece> pieces_of(const Lowering& lowering, const Node& node, size_t axis) {
  const auto size = [&](ValueId v) { return lowering.type(v).shape[axis]; };
  if (node.op == Op::slice)
    return {{node.inputs[0], node.attributes.get<int64_t>("begin"), 0, node.type.shape[axis]}};
  std::vector<Piece> pieces;
  int64_t to = 0;
  const auto add = [&](ValueId x, int64_t count, int64_t from = 0) {
    if (count > 0) pieces.push_back({x, from, to, count});
    to += count;
  };
  if (node.op == Op::roll) {
    const int64_t all = node.type.shape[axis], shift = shift_of(node, all);
    add(node.inputs[0], shift, all - shift);
    add(node.inputs[0], all - shift);
    return pieces;
  }
  const bool pads = node.op == Op::pad_axis;
  if (pads) add(kNoValue, node.attributes.get<int64_t>("before"));
  for (const ValueId x : node.inputs) add(x, size(x));
  if (pads) add(kNoValue, node.attributes.get<int64_t>("after"));
  return pieces;
}

// A memory for each operand, in the order of pieces.
std::vector<MemoryRef> operands(Lowering& lowering, KernelBuilder& kernel, const std::vector<Piece>& pieces,
                                const std::function<std::vector<Extent>(ValueId)>& dims) {
  std::vector<MemoryRef> memories;
  for (const Piece& piece : pieces)
    memories.push_back(
        piece.x == kNoValue ? nullptr : lowering.view(kernel, "x", piece.x, dims(piece.x), Access::read));
  return memories;
}

void lower_channels_in_blocks(Lowering& lowering, ValueId v, std::vector<Piece> pieces) {
  const Shape& shape = lowering.type(v).shape;
  const int64_t pixels = shape[2] * shape[3], lanes = lowering.lanes(), blocks = ceil_div(shape[1], lanes);
  const auto dims = [&](int64_t count) {
    return std::vector<Extent>{{0, 1}, {count, 0}, {pixels, 0}, {lanes, 0}};
  };
  KernelBuilder kernel(std::string(name(lowering.node(v).op)));
  const auto x = operands(lowering, kernel, pieces,
                          [&](ValueId u) { return dims(ceil_div(lowering.type(u).shape[1], lanes)); });
  const auto y = lowering.view(kernel, "y", v, dims(blocks), Access::write);
  if (shape[1] % lanes != 0) pieces.push_back({kNoValue, 0, shape[1], blocks * lanes - shape[1]});
  Body body(kernel.names());
  const Expr n = body.let("n", loops::task() / blocks), cb = body.let("cb", loops::task() % blocks);
  int64_t read = 0;
  for (const Piece& piece : pieces) read += piece.x == kNoValue ? 0 : piece.count;
  // Runs of a few channels go over the same vectors many times: over so few pixels that these stay in the first cache.
  constexpr int64_t kPixels = 64;
  body.loop("p0", 0, pixels, kPixels, [&](Body& tile, Expr p0) {
    const Expr end = tile.let("end", loops::min(p0 + kPixels, pixels));
    for (size_t k = 0; k < pieces.size(); ++k) {
      const Piece& piece = pieces[k];
      const int64_t run = std::gcd(std::gcd(lanes, piece.to), std::gcd(piece.from, piece.count));
      const auto width = static_cast<int>(run);
      tile.loop("i", 0, lanes, run, [&](Body& b, Expr i) {
        const Expr c = b.let("c", cb * lanes + i + (piece.from - piece.to));  // the operand's channel
        const Expr exists = loops::binary(loops::Binary::logic_and, loops::less_equal(piece.from, c),
                                          loops::less(c, piece.from + piece.count));
        b.when(exists, [&](Body& f) {
          f.loop("p", p0, end, 1, [&](Body& g, Expr p) {
            const std::vector<Expr> at = {n, c / lanes, p, c % lanes};
            const Expr value = piece.x == kNoValue ? zeros(width) : loaded(x[k], at, width, 3);
            g.store(y, {n, cb, p, i}, value, 3);
          });
        });
      });
    }
  });
  lowering.call(kernel, {0, blocks}, body, v, {.bytes = {0, kFloatBytes * pixels * (blocks * lanes + read)}});
}

void lower_rows(Lowering& lowering, ValueId v, std::vector<Piece> pieces, size_t axis) {
  const std::vector<int64_t> dims = physical_dims(lowering.type(v));
  const Extent images = axis == 0 ? Extent{1, 0} : Extent{0, 1};
  int64_t outer = 1, inner = 1;  // of one image
  for (size_t d = 1; d < axis; ++d) outer *= dims[d];
  for (size_t d = axis + 1; d < dims.size(); ++d) inner *= dims[d];
  const int lanes = lowering.lanes();
  const auto row_of = [&](ValueId u) {
    const int64_t row = lowering.type(u).shape[axis] * inner;
    return dims.size() == 1 ? round_up(row, lanes) : row;  // a vector of channels has zeros behind
  };
  const auto view = [&](ValueId u) { return std::vector<Extent>{images, {outer, 0}, {row_of(u), 0}}; };
  const int64_t row = row_of(v);
  if (dims.size() == 1 && row > dims[0]) pieces.push_back({kNoValue, 0, dims[0], row - dims[0]});
  KernelBuilder kernel(std::string(name(lowering.node(v).op)));
  const auto x = operands(lowering, kernel, pieces, view);
  const auto y = lowering.view(kernel, "y", v, view(v), Access::write);
  Body body(kernel.names());
  const Expr n = body.let("n", loops::task() / outer), o = body.let("o", loops::task() % outer);
  for (size_t k = 0; k < pieces.size(); ++k) {
    const Piece& piece = pieces[k];
    const int64_t count = piece.count * inner;
    body.loop("i", 0, count, lanes, [&](Body& b, Expr i) {
      const Expr valid = count % lanes == 0 ? Expr() : b.let("valid", loops::min(lanes, count - i));
      const Expr value =
          piece.x == kNoValue ? zeros(lanes) : loaded(x[k], {n, o, piece.from * inner + i}, lanes, 2, valid);
      b.store(y, {n, o, piece.to * inner + i}, value, 2, valid);
    });
  }
  lowering.call(kernel, images * outer, body, v, {.bytes = images * (2 * kFloatBytes * outer * row)});
}

}  // namespace

void lower_axis(Lowering& lowering, const Group& group) {
  const ValueId v = group.front();
  if (lowering.copies_nothing(v)) return;
  const Node& node = lowering.node(v);
  const auto axis = static_cast<size_t>(axis_of(node, node.type.rank()));
  const std::vector<Piece> pieces = pieces_of(lowering, node, axis);
  if (axis == 1 && !node.type.layout.plain())
    lower_channels_in_blocks(lowering, v, pieces);
  else
    lower_rows(lowering, v, pieces, axis);
}

}  // namespace rnc
