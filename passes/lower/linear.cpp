// Matrix products in register tiles of rows by vectors of columns.
#include <algorithm>

#include "passes/lower/fused.h"
#include "passes/lower/rules.h"

namespace rnc {

using loops::Access;
using loops::Expr;
using loops::Extent;
using loops::MemoryRef;
using loops::Scalar;

namespace {

// out[m, j] = sum over k of a(m, k) b(k, j), where b lies in memory with j contiguous. Tasks are tiles of
// columns, and of rows too where their number does not grow with the batch, of each matrix.
class MatmulKernel {
 public:
  MatmulKernel(Lowering& lowering, const Group& group)
      : lowering_(lowering),
        node_(lowering.node(group.front())),
        out_(group.front()),
        a_columns_(node_.attributes.get<bool>("transpose_a")),
        lanes_(lowering.lanes()),
        many_(node_.type.rank() > 2),
        rows_(node_.type.shape[node_.type.shape.size() - 2]),
        columns_(node_.type.shape.back()),
        inner_(inner(lowering.type(node_.inputs[0]).shape)),
        vectors_(std::min<int64_t>(2, ceil_div(columns_, lanes_))),
        tile_rows_(std::clamp<int64_t>((lowering.target().vector_registers - 1 - vectors_) / vectors_, 1, 8)),
        kernel_("matmul"),
        code_(lowering, kernel_, group, out_, node_.type, matrices(rows_, columns_)) {
    const auto a_dims = a_columns_ ? matrices(inner_, rows_) : matrices(rows_, inner_);
    a_ = lowering.view(kernel_, "a", node_.inputs[0], a_dims, Access::read);
    check(!many_ || !node_.attributes.get<bool>("transpose_b"), "decompose_linear transposes");
    b_ = lowering.view(kernel_, "b", node_.inputs[1], matrices(inner_, columns_), Access::read);
  }

  void lower() {
    Body body(kernel_.names());
    const int64_t column_tiles = ceil_div(columns_, vectors_ * lanes_);
    const bool split_rows = rows_ != kBatch;
    const int64_t row_tiles = split_rows ? ceil_div(rows_, tile_rows_) : 1;
    if (many_) of_ = body.let("of", loops::task() / (column_tiles * row_tiles));
    j_ = body.let("j", loops::task() % column_tiles * (vectors_ * lanes_));
    for (int64_t v = 0; v < vectors_; ++v) {
      const Expr left = loops::min(lanes_, loops::max(0, columns_ - (j_ + v * lanes_)));
      valid_.push_back(columns_ % (vectors_ * lanes_) == 0 ? Expr() : body.let("valid", left));
      channels_.push_back(code_.channels(body, j_ + v * lanes_, lanes_, true, valid_.back()));
    }
    if (split_rows) {
      const Expr m = body.let("m", loops::task() / column_tiles % row_tiles * tile_rows_);
      rows(body, m, loops::min(m + tile_rows_, rows_));
    } else {
      rows(body, 0, loops::batch());
    }
    const Extent count = number();
    const int64_t tiles = column_tiles * row_tiles;
    lowering_.call(kernel_, count * tiles, body, out_, work());
  }

 private:
  int64_t inner(const Shape& a) const { return a[a.size() - (a_columns_ ? 2 : 1)]; }
  // How many matrices there are: one for each index of the dimensions before.
  Extent number() const {
    return many_
               ? elements({node_.type.dtype, Shape(node_.type.shape.begin(), node_.type.shape.end() - 2), {}})
               : Extent{1, 0};
  }
  std::vector<Extent> matrices(int64_t rows, int64_t columns) const {
    if (!many_) return {extent_of(rows), extent_of(columns)};
    return {number(), {rows, 0}, {columns, 0}};
  }
  std::vector<Expr> at(const Expr& row, const Expr& column) const {
    if (!many_) return {row, column};
    return {of_, row, column};
  }
  // Full tiles, then the rest row by row.
  void rows(Body& body, Expr begin, Expr end) {
    const Expr full = body.let("full", begin + (end - begin) / tile_rows_ * tile_rows_);
    body.loop("m", begin, full, tile_rows_, [&](Body& b, Expr m) { tile(b, m, tile_rows_); });
    if (tile_rows_ > 1) body.loop("m", full, end, 1, [&](Body& b, Expr m) { tile(b, m, 1); });
  }

  void tile(Body& body, Expr m, int64_t count) {
    const auto acc = body.alloc("acc", Scalar::f32, {count, vectors_, lanes_}, loops::Space::registers);
    body.unrolled("r", 0, count, [&](Body& b, Expr r) {
      for (int64_t v = 0; v < vectors_; ++v) b.store(acc, {r, v, 0}, zeros(lanes_), 2);
    });
    body.loop("k", 0, inner_ == kBatch ? loops::batch() : Expr(inner_), 1, [&](Body& b, Expr k) {
      std::vector<Expr> right;
      for (int64_t v = 0; v < vectors_; ++v) {
        const Expr j = j_ + v * lanes_;
        right.push_back(
            b.let("b", loaded(b_, at(k, j), lanes_, many_ ? 2 : 1, valid_[static_cast<size_t>(v)])));
      }
      b.unrolled("r", 0, count, [&](Body& c, Expr r) {
        const Expr left = loaded(a_, a_columns_ ? at(k, m + r) : at(m + r, k));
        const Expr x = c.let("x", loops::broadcast(left, lanes_));
        for (int64_t v = 0; v < vectors_; ++v) {
          const Expr sum = loaded(acc, {r, v, 0}, lanes_, 2);
          c.store(acc, {r, v, 0}, loops::fma(x, right[static_cast<size_t>(v)], sum), 2);
        }
      });
    });
    body.unrolled("r", 0, count, [&](Body& b, Expr r) {
      for (int64_t v = 0; v < vectors_; ++v) {
        FusedCode::Values values = channels_[static_cast<size_t>(v)];
        values[out_] = b.let("y", loaded(acc, {r, v, 0}, lanes_, 2));
        const Expr j = j_ + v * lanes_;
        code_.at(b, {at(m + r, j), lanes_, many_ ? 2 : 1, valid_[static_cast<size_t>(v)]}, values);
      }
    });
  }

  loops::Work work() const {
    int64_t flops = 2 * columns_;
    for (const int64_t n : {rows_, inner_}) flops *= n == kBatch ? 1 : n;
    const bool batched = rows_ == kBatch || inner_ == kBatch;
    if (many_) {
      const Extent count = number();
      flops *= count.fixed + count.per_sample;
      const int64_t bytes = kFloatBytes * (count.fixed + count.per_sample) *
                            (rows_ * columns_ + rows_ * inner_ + inner_ * columns_);
      const bool grows = count.per_sample > 0;
      return {grows ? Extent{0, flops} : Extent{flops, 0}, grows ? Extent{0, bytes} : Extent{bytes, 0}, "",
              ""};
    }
    const int64_t others = inner_ == kBatch ? rows_ : inner_;
    const char* direction = a_columns_                                  ? "weight_grad"
                            : node_.attributes.get<bool>("transpose_b") ? "forward"
                                                                        : "input_grad";
    return {batched ? Extent{0, flops} : Extent{flops, 0},
            {kFloatBytes * columns_ * others, batched ? kFloatBytes * (columns_ + others) : 0},
            "matmul",
            direction};
  }

  Lowering& lowering_;
  const Node& node_;
  ValueId out_;
  bool a_columns_;
  int lanes_;
  bool many_;
  Expr of_;  // which of many
  int64_t rows_, columns_, inner_, vectors_, tile_rows_;
  KernelBuilder kernel_;
  FusedCode code_;
  MemoryRef a_, b_;
  Expr j_;
  std::vector<Expr> valid_;
  std::vector<FusedCode::Values> channels_;
};

}  // namespace

void lower_matmul(Lowering& lowering, const Group& group) { MatmulKernel(lowering, group).lower(); }

}  // namespace rnc
