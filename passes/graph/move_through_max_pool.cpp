// Computes on the result of max pooling what training needs of its operand where the maxima are. Between a
// convolution c and the pool, let x = f(c) be elementwise (batch norm and ReLU); p = max_pool(x), g its
// gradient, and at(y) = max_pool_select(y, x): the elements of y where the maxima of x are. Then
//   - max_pool(x)                             is f(at(c)): of p and c, one is stored, a stride^2-th of c;
//   - relu_grad(max_pool_grad(g, x), x)       is max_pool_grad(relu_grad(g, p), x);
//   - channel_sum(max_pool_grad(g, x))        is channel_sum(g);
//   - channel_sum(max_pool_grad(g, x) * h(c)) is channel_sum(g * h(at(c))).
// So the two sums of batch norm's gradient join the convolution that computes g, and the gradient of the
// large map is computed once, where batch norm's own needs it.
//
// Sound because max_pool_grad gives each element of g to one element of x and zero to all others, and because
// an elementwise function with values per channel commutes with selecting elements. The first two keep every
// bit, the sums add fewer zeros (times values that are finite, unless those of all c's channel are not).
// Cost: the pool compares as before and selects once more per element. Done only where such a product is
// summed: without batch norm, c would be stored for nothing. Repeats arithmetic, which cse merges.
#include <map>
#include <optional>
#include <set>

#include "passes/graph/rewrite.h"
#include "passes/passes.h"

namespace rnc {
namespace {

constexpr int kChainLength = 8;  // elementwise operations between convolution and pool, at most

// Whether an operand of a map is the same at all pixels of a channel.
bool is_per_channel(const Shape& operand) {
  return operand.size() < 2 || (operand.size() == 4 && operand[2] == 1 && operand[3] == 1);
}

// The one value of v's shape that `v` is computed from by elementwise operations and values per channel: v
// itself if it is not elementwise, kNoValue if there are several, or values that differ from pixel to pixel.
ValueId origin(const Graph& graph, ValueId v, int length = 0) {
  if (info(graph[v].op).kind != OpKind::elementwise) return v;
  if (length == kChainLength) return kNoValue;
  std::set<ValueId> origins;
  for (const ValueId u : graph[v].inputs) {
    const bool whole = graph[u].type.shape == graph[v].type.shape;
    if (!whole && !is_per_channel(graph[u].type.shape)) return kNoValue;
    if (whole) origins.insert(origin(graph, u, length + 1));
  }
  return origins.size() == 1 ? *origins.begin() : kNoValue;
}

// A gradient of max pooling that stands as factor or alone: max_pool_grad(g, x) * other.
struct Product {
  ValueId pool_grad;
  ValueId other = kNoValue;
};

// What `sum`, a channel_sum, adds up, if it is such a product. `is_pool_grad` knows the gradients.
template <class IsPoolGrad>
std::optional<Product> product_in(const Graph& graph, ValueId sum, const IsPoolGrad& is_pool_grad) {
  if (graph[sum].op != Op::channel_sum) return std::nullopt;
  const ValueId term = graph[sum].inputs[0];
  if (is_pool_grad(term)) return Product{term};
  if (graph[term].op != Op::mul) return std::nullopt;
  const ValueId a = graph[term].inputs[0], b = graph[term].inputs[1];
  if (is_pool_grad(a)) return Product{a, b};
  if (is_pool_grad(b)) return Product{b, a};
  return std::nullopt;
}

class Mover {
 public:
  explicit Mover(const Graph& graph) : old_(graph) {
    for (ValueId v = 0; v < static_cast<ValueId>(graph.nodes.size()); ++v) {
      const auto product = product_in(graph, v, [&](ValueId u) { return pool_grad(u) != kNoValue; });
      if (!product || product->other == kNoValue) continue;
      const ValueId x = operand(pool_grad(product->pool_grad)), c = origin(graph, x);
      if (c != kNoValue && c != x && origin(graph, product->other) == c) moved_.insert(x);
    }
  }

  ValueId move(Rewriter& r, ValueId v) const {
    const Node& node = old_[v];
    if (node.op == Op::max_pool && moved_.contains(node.inputs[0]))
      return at_maxima(r, node.inputs[0], v, node.name);
    if (node.op == Op::relu_grad && pool_grad(v) != kNoValue && moved_.contains(node.inputs[1])) {
      const Node& pool = old_[pool_grad(v)];
      const ValueId p = at_maxima(r, pool.inputs[1], pool_grad(v));
      const ValueId g = emit(r, node, {r.now(pool.inputs[0]), p});
      return emit(r, pool, {g, r.now(pool.inputs[1])});
    }
    const auto product = product_in(old_, v, [&](ValueId u) {
      return pool_grad(u) != kNoValue && moved_.contains(operand(pool_grad(u)));
    });
    return product ? sum(r, v, *product) : kNoValue;
  }

 private:
  // The gradient of max pooling that `v` is, perhaps after that of a ReLU before the pool; or kNoValue.
  ValueId pool_grad(ValueId v) const {
    if (old_[v].op == Op::max_pool_grad) return v;
    if (old_[v].op != Op::relu_grad) return kNoValue;
    const ValueId of = old_[v].inputs[0];
    return old_[of].op == Op::max_pool_grad && operand(of) == old_[v].inputs[1] ? of : kNoValue;
  }
  ValueId operand(ValueId pool_grad) const { return old_[pool_grad].inputs[1]; }

  // As old node `like`, of other operands.
  static ValueId emit(Rewriter& r, const Node& like, std::vector<ValueId> inputs,
                      const std::string& name = {}) {
    r.builder().set_origin_of(like);
    return r.builder().emit(like.op, std::move(inputs), like.attributes, name);
  }

  ValueId sum(Rewriter& r, ValueId v, const Product& product) const {
    const ValueId pool = pool_grad(product.pool_grad);
    if (product.other != kNoValue && origin(old_, product.other) != origin(old_, operand(pool)))
      return kNoValue;
    ValueId term = r.graph_now()[r.now(product.pool_grad)].inputs[0];  // of the gradient as it is by now
    if (product.other != kNoValue)
      term = emit(r, old_[old_[v].inputs[0]], {term, at_maxima(r, product.other, pool)});
    return emit(r, old_[v], {term});
  }

  // The elements of y where the maxima of `pool` are, which has its windows, by max_pool or max_pool_grad.
  ValueId at_maxima(Rewriter& r, ValueId y, ValueId pool, const std::string& name = {}) const {
    std::map<ValueId, ValueId> made;
    return at_maxima(r, y, pool, name, made);
  }

  // `made`: of the values that are there by now; each once.
  ValueId at_maxima(Rewriter& r, ValueId y, ValueId pool, const std::string& name,
                    std::map<ValueId, ValueId>& made) const {
    if (const auto known = made.find(y); known != made.end()) return known->second;
    const ValueId x = old_[pool].inputs.back();
    if (y == origin(old_, x)) {
      r.builder().set_origin_of(old_[pool]);
      return made[y] = r.builder().emit(Op::max_pool_select, {r.now(y), r.now(x)}, old_[pool].attributes);
    }
    const Node& node = old_[y];
    std::vector<ValueId> inputs;
    for (const ValueId u : node.inputs) {
      const bool whole = old_[u].type.shape == node.type.shape;
      inputs.push_back(whole ? at_maxima(r, u, pool, {}, made) : r.now(u));
    }
    return made[y] = emit(r, node, std::move(inputs), name);
  }

  const Graph& old_;
  std::set<ValueId> moved_;  // operands of max pooling
};

}  // namespace

bool move_through_max_pool(Module& module) {
  return for_each_entry(module, [](const Module& m, Graph& graph) {
    const Mover mover(graph);
    return rewrite(m, graph, [&](Rewriter& r, ValueId v) { return mover.move(r, v); });
  });
}

}  // namespace rnc
