// Softmax and cross entropy over rows of logits: a task is one sample. Exponentials are of differences from
// the row's maximum, so none overflows.
#include <functional>

#include "passes/lower/rules.h"

namespace rnc {

using loops::Access;
using loops::Expr;
using loops::MemoryRef;
using loops::Scalar;

namespace {

// Loops over the classes of a row: whole vectors, then the rest one by one.
class Row {
 public:
  using Step = std::function<void(Body&, Expr class_index, int lanes)>;

  Row(Lowering& lowering, const Type& logits)
      : lanes_(lowering.lanes()),
        classes_(logits.shape[1]),
        whole_(classes_ / lanes_ * lanes_),
        n_(loops::task()) {}

  int64_t classes() const { return classes_; }
  const Expr& n() const { return n_; }

  void each(Body& body, const Step& step) const {
    if (whole_ > 0) body.loop("k", 0, whole_, lanes_, [&](Body& b, Expr k) { step(b, k, lanes_); });
    if (whole_ < classes_) body.loop("k", whole_, classes_, 1, [&](Body& b, Expr k) { step(b, k, 1); });
  }
  Expr load(const MemoryRef& m, Expr k, int lanes) const { return loaded(m, {n_, k}, lanes, 1); }
  void store(Body& body, const MemoryRef& m, Expr k, Expr value) const { body.store(m, {n_, k}, value, 1); }

  // The fold of a value per class: vector lanes and the rest are folded at the end.
  Expr fold(Body& body, double start, const std::function<Expr(Expr, Expr)>& combine, loops::Reduce across,
            const std::function<Expr(Body&, Expr, int)>& value) const {
    const auto vector = body.alloc("vector", Scalar::f32, {lanes_}, loops::Space::registers);
    const auto single = body.alloc("single", Scalar::f32, {1}, loops::Space::registers);
    body.store(vector, {0}, loops::constant(Scalar::f32, start, lanes_), 0);
    body.store(single, {0}, loops::constant(Scalar::f32, start));
    each(body, [&](Body& b, Expr k, int lanes) {
      if (lanes > 1) {
        b.store(vector, {0}, combine(loaded(vector, {0}, lanes, 0), value(b, k, lanes)), 0);
      } else {
        b.store(single, {0}, combine(loaded(single, {0}), value(b, k, 1)));
      }
    });
    const Expr all = loops::reduce(across, loaded(vector, {0}, lanes_, 0));
    return body.let("folded", combine(all, loaded(single, {0})));
  }

  Expr maximum(Body& body, const MemoryRef& logits) const {
    return fold(
        body, -3.4028234663852886e38, [](Expr a, Expr b) { return loops::max(a, b); }, loops::Reduce::max,
        [&](Body&, Expr k, int lanes) { return load(logits, k, lanes); });
  }
  Expr exponential(const MemoryRef& logits, const Expr& maximum, Expr k, int lanes) const {
    return loops::unary(loops::Unary::exp, load(logits, k, lanes) - spread(maximum, lanes));
  }
  Expr sum_of_exponentials(Body& body, const MemoryRef& logits, const Expr& maximum) const {
    return sum(body, [&](Body&, Expr k, int lanes) { return exponential(logits, maximum, k, lanes); });
  }
  Expr sum(Body& body, const std::function<Expr(Body&, Expr, int)>& value) const {
    return fold(
        body, 0, [](Expr a, Expr b) { return a + b; }, loops::Reduce::add, value);
  }
  static Expr spread(const Expr& e, int lanes) { return lanes > 1 ? loops::broadcast(e, lanes) : e; }

 private:
  int lanes_;
  int64_t classes_, whole_;
  Expr n_;
};

// The sample's label as an index. Labels outside the classes are refused by the host; here they only must not
// read or write elsewhere.
Expr label_index(Body& body, const MemoryRef& labels, const Row& row) {
  const Expr label = loops::cast(loaded(labels, {row.n()}), Scalar::i64);
  return body.let("label", loops::max(0, loops::min(label, row.classes() - 1)));
}

Expr real(double value) { return loops::constant(Scalar::f32, value); }

}  // namespace

void lower_softmax(Lowering& lowering, const Group& group) {
  const ValueId v = group.front(), input = lowering.node(v).inputs[0];
  KernelBuilder kernel("softmax");
  const auto x = lowering.read(kernel, "x", input), y = lowering.write(kernel, "y", v);
  const Row row(lowering, lowering.type(v));
  Body body(kernel.names());
  const Expr m = row.maximum(body, x), total = row.sum_of_exponentials(body, x, m);
  row.each(body, [&](Body& b, Expr k, int lanes) {
    row.store(b, y, k, row.exponential(x, m, k, lanes) / Row::spread(total, lanes));
  });
  lowering.call(kernel, {0, 1}, body, v, {.bytes = {0, 8 * row.classes()}});
}

// dx = y (dy - sum y dy)
void lower_softmax_grad(Lowering& lowering, const Group& group) {
  const ValueId v = group.front();
  KernelBuilder kernel("softmax_grad");
  const auto dy = lowering.read(kernel, "dy", lowering.node(v).inputs[0]);
  const auto y = lowering.read(kernel, "y", lowering.node(v).inputs[1]), dx = lowering.write(kernel, "dx", v);
  const Row row(lowering, lowering.type(v));
  Body body(kernel.names());
  const Expr dot =
      row.sum(body, [&](Body&, Expr k, int lanes) { return row.load(y, k, lanes) * row.load(dy, k, lanes); });
  row.each(body, [&](Body& b, Expr k, int lanes) {
    row.store(b, dx, k, row.load(y, k, lanes) * (row.load(dy, k, lanes) - Row::spread(dot, lanes)));
  });
  lowering.call(kernel, {0, 1}, body, v, {.bytes = {0, 12 * row.classes()}});
}

// With smoothing s and K classes, the target is 1 - s at the label plus s / K everywhere:
// loss = log(sum exp(x)) - (1 - s) x[label] - s mean(x), averaged over the batch.
void lower_cross_entropy(Lowering& lowering, const Group& group) {
  const ValueId v = group.front();
  const Node& node = lowering.node(v);
  const double smoothing = node.attributes.get<double>("label_smoothing");
  KernelBuilder kernel("cross_entropy");
  const auto x = lowering.read(kernel, "x", node.inputs[0]),
             labels = lowering.read(kernel, "label", node.inputs[1]);
  const int buffer = lowering.temporary("losses", {0, 64});
  const auto losses = kernel.param("losses", buffer, Scalar::f32, {{0, 1}, {1, 0}}, Access::write);
  const Row row(lowering, lowering.type(node.inputs[0]));
  Body body(kernel.names());
  const Expr m = row.maximum(body, x), total = row.sum_of_exponentials(body, x, m);
  const Expr at_label = loaded(x, {row.n(), label_index(body, labels, row)}) - m;
  Expr target = body.let("target", real(1 - smoothing) * at_label);
  if (smoothing != 0) {
    const Expr sum = row.sum(
        body, [&](Body&, Expr k, int lanes) { return row.load(x, k, lanes) - Row::spread(m, lanes); });
    target = target + sum * real(smoothing / static_cast<double>(row.classes()));
  }
  body.store(losses, {row.n(), 0}, loops::unary(loops::Unary::log, total) - target);
  lowering.call(kernel, {0, 1}, body, v, {.bytes = {0, kFloatBytes * row.classes()}});

  KernelBuilder mean("mean_loss");
  const auto terms = mean.param("losses", buffer, Scalar::f32, {{0, 1}, {1, 0}}, Access::read);
  const auto loss = lowering.write(mean, "loss", v);
  Body sum_body(mean.names());
  const auto sum = sum_body.alloc("sum", Scalar::f64, {1}, loops::Space::registers);
  sum_body.store(sum, {0}, loops::constant(Scalar::f64, 0));
  sum_body.loop("n", 0, lowering.images(), 1, [&](Body& b, Expr n) {
    b.accumulate(sum, {0}, loops::cast(loaded(terms, {n, 0}), Scalar::f64), 0);
  });
  const Expr average = loaded(sum, {0}) / loops::cast(lowering.images(), Scalar::f64);
  sum_body.store(loss, {0}, loops::cast(average, Scalar::f32));
  lowering.call(mean, {1, 0}, sum_body, v);
}

// dlogits = dloss / N (softmax(x) - target)
void lower_cross_entropy_grad(Lowering& lowering, const Group& group) {
  const ValueId v = group.front();
  const Node& node = lowering.node(v);
  const double smoothing = node.attributes.get<double>("label_smoothing");
  KernelBuilder kernel("cross_entropy_grad");
  const auto dloss = lowering.read(kernel, "dloss", node.inputs[0]),
             x = lowering.read(kernel, "x", node.inputs[1]);
  const auto labels = lowering.read(kernel, "label", node.inputs[2]);
  const auto dx = lowering.view(kernel, "dx", v, physical_extents(lowering.type(v)), Access::update);
  const Row row(lowering, lowering.type(v));
  Body body(kernel.names());
  const Expr m = row.maximum(body, x), total = row.sum_of_exponentials(body, x, m);
  const Expr scale = body.let("scale", loaded(dloss, {0}) / loops::cast(lowering.images(), Scalar::f32));
  const Expr everywhere = real(smoothing / static_cast<double>(row.classes()));
  row.each(body, [&](Body& b, Expr k, int lanes) {
    const Expr p = row.exponential(x, m, k, lanes) / Row::spread(total, lanes);
    row.store(b, dx, k, (p - Row::spread(everywhere, lanes)) * Row::spread(scale, lanes));
  });
  const Expr label = label_index(body, labels, row);
  body.store(dx, {row.n(), label}, loaded(dx, {row.n(), label}) - real(1 - smoothing) * scale);
  lowering.call(kernel, {0, 1}, body, v, {.bytes = {0, 8 * row.classes()}});
}

}  // namespace rnc
