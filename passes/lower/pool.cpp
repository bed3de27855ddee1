// Average pooling over values in channel blocks: a task is one block of channels of one image.
#include "passes/lower/pool_axis.h"
#include "passes/lower/rules.h"

namespace rnc {

using loops::Access;
using loops::Expr;
using loops::Extent;
using loops::MemoryRef;
using loops::Scalar;

namespace {

// One window of a pool: the position of its output, and how to visit its taps that are inside the input.
class Window {
 public:
  using Visit = std::function<void(Body&, int64_t tap, Expr ih, Expr iw)>;

  Window(const PoolAxis& h, const PoolAxis& w, Expr oh, Expr ow, bool check_columns)
      : h_(h), w_(w), oh_(std::move(oh)), ow_(std::move(ow)), check_columns_(check_columns) {}

  const Expr& oh() const { return oh_; }
  const Expr& ow() const { return ow_; }

  void each_tap(Body& body, const Visit& visit) const {
    const bool check_rows = h_.interior() != std::pair<int64_t, int64_t>{0, h_.out};
    for (int64_t kh = 0; kh < h_.kernel; ++kh) {
      const Expr ih = body.let("ih", oh_ * h_.stride + (kh - h_.pad));
      body.when(check_rows ? inside(ih, h_.in) : Expr(), [&](Body& b) {
        for (int64_t kw = 0; kw < w_.kernel; ++kw) {
          const Expr iw = ow_ * w_.stride + (kw - w_.pad);
          b.when(check_columns_ ? inside(iw, w_.in) : Expr(),
                 [&](Body& c) { visit(c, kh * w_.kernel + kw, ih, iw); });
        }
      });
    }
  }

  // How many taps are inside, with those of the padding or without: rows * columns.
  Expr count(bool include_pad) const {
    const auto along = [&](const PoolAxis& a, const Expr& o) {
      const bool whole = (a.out - 1) * a.stride - a.pad + a.kernel <= a.in + a.pad_after;
      if (include_pad && whole) return Expr(a.kernel);
      const Expr begin = o * a.stride - a.pad;
      if (include_pad) return loops::min(begin + a.kernel, a.in + a.pad_after) - begin;
      return loops::min(begin + a.kernel, a.in) - loops::max(begin, 0);
    };
    return along(h_, oh_) * along(w_, ow_);
  }

 private:
  static Expr inside(const Expr& i, int64_t size) {
    return loops::binary(loops::Binary::logic_and, loops::less_equal(0, i), loops::less(i, size));
  }
  const PoolAxis& h_;
  const PoolAxis& w_;
  Expr oh_, ow_;
  bool check_columns_;
};

class PoolKernel {
 public:
  // `large` and `small`: the values before and after pooling, whatever the direction.
  PoolKernel(Lowering& lowering, ValueId v, const Type& large, const Type& small)
      : lowering_(lowering),
        value_(v),
        kernel_(std::string(rnc::name(lowering.node(v).op))),
        body_(kernel_.names()) {
    h_ = pool_axis(lowering.node(v), large, small, 0);
    w_ = pool_axis(lowering.node(v), large, small, 1);
    const int64_t blocks = physical_dims(large)[1];
    n_ = body_.let("n", loops::task() / blocks);
    cb_ = body_.let("cb", loops::task() % blocks);
    tasks_ = {0, blocks};
  }

  KernelBuilder& kernel() { return kernel_; }
  Body& body() { return body_; }
  int lanes() const { return lowering_.lanes(); }
  Expr load(const MemoryRef& m, Expr h, Expr w) const { return loaded(m, {n_, cb_, h, w, 0}, lanes(), 4); }
  void store(Body& body, const MemoryRef& m, Expr h, Expr w, Expr value) const {
    body.store(m, {n_, cb_, h, w, 0}, value, 4);
  }

  void each_window(const std::function<void(Body&, const Window&)>& visit) {
    const auto [low, high] = w_.interior();
    body_.loop("oh", 0, h_.out, 1, [&, low = low, high = high](Body& b, Expr oh) {
      const auto range = [&](int64_t begin, int64_t end, bool check) {
        if (begin < end)
          b.loop("ow", begin, end, 1, [&](Body& c, Expr ow) { visit(c, {h_, w_, oh, ow, check}); });
      };
      range(0, low, true);
      range(low, high, false);
      range(high, w_.out, true);
    });
  }

  void clear(const MemoryRef& m) {
    body_.loop("h", 0, h_.in, 1, [&](Body& b, Expr h) {
      b.loop("w", 0, w_.in, 1, [&](Body& c, Expr w) { store(c, m, h, w, zeros(lanes())); });
    });
  }

  // 1 / (number of elements averaged), as a vector.
  Expr scale(const Window& window, bool include_pad) const {
    return loops::broadcast(loops::cast(window.count(include_pad), Scalar::f32), lanes());
  }

  void finish() {
    const int64_t elements = tasks_.per_sample * lanes() * (h_.in * w_.in + h_.out * w_.out);
    lowering_.call(kernel_, tasks_, body_, value_, {.bytes = {0, kFloatBytes * elements}});
  }

 private:
  Lowering& lowering_;
  ValueId value_;
  KernelBuilder kernel_;
  Body body_;
  PoolAxis h_{}, w_{};
  Expr n_, cb_;
  Extent tasks_;
};

}  // namespace

void lower_avg_pool(Lowering& lowering, const Group& group) {
  const ValueId v = group.front(), input = lowering.node(v).inputs[0];
  const bool include_pad = lowering.node(v).attributes.get<bool>("count_include_pad");
  PoolKernel pool(lowering, v, lowering.type(input), lowering.type(v));
  const auto x = lowering.read(pool.kernel(), "x", input), y = lowering.write(pool.kernel(), "y", v);
  const int lanes = pool.lanes();
  pool.each_window([&](Body& body, const Window& window) {
    const auto sum = body.alloc("sum", Scalar::f32, {lanes}, loops::Space::registers);
    body.store(sum, {0}, zeros(lanes), 0);
    window.each_tap(
        body, [&](Body& b, int64_t, Expr ih, Expr iw) { b.accumulate(sum, {0}, pool.load(x, ih, iw), 0); });
    pool.store(body, y, window.oh(), window.ow(),
               loaded(sum, {0}, lanes, 0) / pool.scale(window, include_pad));
  });
  pool.finish();
}

void lower_avg_pool_grad(Lowering& lowering, const Group& group) {
  const ValueId v = group.front(), gradient = lowering.node(v).inputs[0];
  const bool include_pad = lowering.node(v).attributes.get<bool>("count_include_pad");
  PoolKernel pool(lowering, v, lowering.type(v), lowering.type(gradient));
  const auto dy = lowering.read(pool.kernel(), "dy", gradient);
  const auto dx = lowering.view(pool.kernel(), "dx", v, physical_extents(lowering.type(v)), Access::update);
  pool.clear(dx);
  pool.each_window([&](Body& body, const Window& window) {
    const Expr g = body.let("g", pool.load(dy, window.oh(), window.ow()) / pool.scale(window, include_pad));
    window.each_tap(body, [&](Body& b, int64_t, Expr ih, Expr iw) {
      pool.store(b, dx, ih, iw, pool.load(dx, ih, iw) + g);
    });
  });
  pool.finish();
}

namespace {

// The body of a kernel over whole maps, [N, C/V, H*W, V]: one task per block of channels and image.
struct Planes {
  Planes(Lowering& lowering, ValueId v, const Type& large)
      : kernel(std::string(rnc::name(lowering.node(v).op))),
        body(kernel.names()),
        blocks(physical_dims(large)[1]),
        pixels(large.shape[2] * large.shape[3]),
        n(body.let("n", loops::task() / blocks)),
        cb(body.let("cb", loops::task() % blocks)),
        count(loops::constant(Scalar::f32, static_cast<double>(pixels), lowering.lanes())) {}
  std::vector<Extent> dims(int64_t size, int lanes) const {
    return {{0, 1}, {blocks, 0}, {size, 0}, {lanes, 0}};
  }
  loops::Work work(int lanes) const { return {.bytes = {0, kFloatBytes * blocks * lanes * (pixels + 1)}}; }

  KernelBuilder kernel;
  Body body;
  int64_t blocks, pixels;
  Expr n, cb, count;
};

}  // namespace

void lower_global_avg_pool(Lowering& lowering, const Group& group) {
  const ValueId v = group.front(), input = lowering.node(v).inputs[0];
  const int lanes = lowering.lanes();
  Planes p(lowering, v, lowering.type(input));
  const auto x = lowering.view(p.kernel, "x", input, p.dims(p.pixels, lanes), Access::read);
  const auto y = lowering.view(p.kernel, "y", v, p.dims(1, lanes), Access::write);
  const auto sum = p.body.alloc("sum", Scalar::f32, {lanes}, loops::Space::registers);
  p.body.store(sum, {0}, zeros(lanes), 0);
  p.body.loop("p", 0, p.pixels, 1, [&](Body& b, Expr i) {
    b.accumulate(sum, {0}, loaded(x, {p.n, p.cb, i, 0}, lanes, 3), 0);
  });
  p.body.store(y, {p.n, p.cb, 0, 0}, loaded(sum, {0}, lanes, 0) / p.count, 3);
  lowering.call(p.kernel, {0, p.blocks}, p.body, v, p.work(lanes));
}

void lower_global_avg_pool_grad(Lowering& lowering, const Group& group) {
  const ValueId v = group.front(), gradient = lowering.node(v).inputs[0];
  const int lanes = lowering.lanes();
  Planes p(lowering, v, lowering.type(v));
  const auto dy = lowering.view(p.kernel, "dy", gradient, p.dims(1, lanes), Access::read);
  const auto dx = lowering.view(p.kernel, "dx", v, p.dims(p.pixels, lanes), Access::write);
  const Expr g = p.body.let("g", loaded(dy, {p.n, p.cb, 0, 0}, lanes, 3) / p.count);
  p.body.loop("p", 0, p.pixels, 1, [&](Body& b, Expr i) { b.store(dx, {p.n, p.cb, i, 0}, g, 3); });
  lowering.call(p.kernel, {0, p.blocks}, p.body, v, p.work(lanes));
}

}  // namespace rnc
