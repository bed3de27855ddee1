// Rewrites max_pool and avg_pool of large windows into one along the rows and one down the columns of what that gives,
// which computes the same: the first of the largest in row-major order is in the first row that has one, and a window of
// means has as many elements in each of its rows. A kernel looks at kh + kw elements of a window, not at kh kw, each of which
// is an instruction of its own: a window of 60 by 60 compiles in less than a second instead of a minute. Cost: what lies
// between is stored, which smaller windows do not earn.
#include "ir/ops/ops.h"
#include "passes/graph/rewrite.h"
#include "passes/passes.h"

namespace rnc {
namespace {

constexpr int64_t kMostElements = 64;

using Sizes = std::vector<int64_t>;

// The pool along dimension d, 0 down or 1 along the rows, of what `pool` is over both.
Attributes along(const Node& pool, size_t d) {
  Attributes attributes = pool.attributes;
  for (const char* name : {"kernel", "stride"}) {
    Sizes sizes = {1, 1};
    sizes[d] = attributes.get<Sizes>(name)[d];
    attributes.set(name, std::move(sizes));
  }
  Sizes pad(4);
  for (const size_t side : {d, d + 2}) pad[side] = attributes.get<Sizes>("pad")[side];
  attributes.set("pad", std::move(pad));
  return attributes;
}

bool is_large_pool(const Node& node) {
  if (node.op != Op::max_pool && node.op != Op::avg_pool) return false;
  const auto& kernel = node.attributes.get<Sizes>("kernel");
  return kernel[0] > 1 && kernel[1] > 1 && kernel[0] > kMostElements / kernel[1];
}

bool separate(const Module& module, Graph& graph) {
  if (graph.role == EntryRole::model) return false;
  return rewrite(module, graph, [](Rewriter& r, ValueId v) {
    const Node& node = r.old(v);
    if (!is_large_pool(node)) return kNoValue;
    GraphBuilder& b = r.builder();
    const ValueId rows = b.emit(node.op, r.with_inputs_now(v).inputs, along(node, 1));
    return b.emit(node.op, {rows}, along(node, 0), node.name);
  });
}

}  // namespace

bool separate_pools(Module& module) { return for_each_entry(module, separate); }

}  // namespace rnc
