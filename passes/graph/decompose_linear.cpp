// Rewrites linear(x, w, bias) into matmul(x, w transposed) + bias, which is its definition: lowering then
// knows one kind of matrix product, and the bias joins whatever the product is fused with. It costs nothing. Right
// operands of many products are transposed before, at the cost of a copy: their kernel reads them by whole vectors.
#include "passes/graph/rewrite.h"
#include "passes/passes.h"

namespace rnc {
namespace {

ValueId transpose_right(GraphBuilder& b, Node product) {
  Attributes order;
  std::vector<int64_t> places;
  for (int64_t d = 0; d < product.type.rank(); ++d) places.push_back(d);
  std::swap(places[places.size() - 2], places.back());
  order.set("order", std::move(places));
  product.inputs[1] = b.emit(Op::permute, {product.inputs[1]}, std::move(order));
  product.attributes.set("transpose_b", false);
  return b.clone(product, product.inputs);
}

bool decompose_linear_in(const Module& module, Graph& graph) {
  return rewrite(module, graph, [](Rewriter& r, ValueId v) {
    const Node& node = r.old(v);
    const bool many = node.op == Op::matmul && node.type.rank() > 2;
    if (many && node.attributes.get<bool>("transpose_b"))
      return transpose_right(r.builder(), r.with_inputs_now(v));
    if (node.op != Op::linear) return kNoValue;
    GraphBuilder& b = r.builder();
    const ValueId bias = operand(node, "bias");
    const bool biased = bias != kNoValue;
    Attributes transposed;
    transposed.set("transpose_b", true);
    const ValueId product = b.emit(Op::matmul, {r.now(node.inputs[0]), r.now(node.inputs[1])},
                                   std::move(transposed), biased ? "" : node.name);
    return biased ? b.emit(Op::add, {product, r.now(bias)}, {}, node.name) : product;
  });
}

}  // namespace

bool decompose_linear(Module& module) { return for_each_entry(module, decompose_linear_in); }

}  // namespace rnc
