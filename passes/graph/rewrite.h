// Rewriting graphs: what the passes over the graph IR are made of.
//
// A graph is rewritten by building it anew, node by node in execution order, with a rule that says for each
// old node which value of the new graph stands for it. So a pass never edits a graph under its own feet, and
// order, names, layers, locations, layouts and kernels are kept by construction. Until a rule replaces or builds
// something the old graph stands for the new one, so that a pass which finds nothing to do costs little.
//
//   bool changed = rewrite(module, graph, [](Rewriter& r, ValueId v) {
//     const Node& node = r.old(v);
//     if (node.op != Op::relu || r.old(node.inputs[0]).op != Op::relu) return kNoValue;  // copied as it is
//     return r.now(node.inputs[0]);                                   // relu(relu(x)) is relu(x)
//   });
#pragma once

#include <functional>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "ir/graph/graph.h"

namespace rnc {

// One rewrite of one graph: the old graph, the new one as far as it is built, and which value became which.
class Rewriter {
 public:
  Rewriter(const Module& module, const Graph& old_graph);
  Rewriter(const Rewriter&) = delete;
  Rewriter& operator=(const Rewriter&) = delete;

  const Graph& old_graph() const { return old_; }
  const Node& old(ValueId v) const { return old_[v]; }
  // Builds the new graph. While a rule runs, what it emits takes the old node's location, layer and kernel.
  GraphBuilder& builder();
  // The graph that values of now() are in, to look at them: the old one, whole, until something is built.
  const Graph& graph_now() const { return begun_ ? new_ : old_; }
  // The value in the new graph that stands for the old value `v`, which comes before the node at hand.
  ValueId now(ValueId v) const;
  // The old node with its inputs replaced by what stands for them; all else is kept.
  Node with_inputs_now(ValueId v) const;
  // The same, built.
  ValueId copy(ValueId v);

 private:
  friend bool rewrite(const Module&, Graph&, const std::function<ValueId(Rewriter&, ValueId)>&);
  // Asks the rule about the next node; whether it was replaced.
  bool replace(const std::function<ValueId(Rewriter&, ValueId)>& rule, ValueId v);
  const Graph& old_;
  Graph new_;
  GraphBuilder builder_;
  bool begun_ = false;             // whether new_ holds what stands for the nodes before the one at hand
  std::vector<ValueId> now_;       // by old value, once begun
  ValueId at_hand_ = kNoValue;     // the old node the rule is asked about
  size_t built_before_ = 0;        // nodes of new_ that were there before it
  ValueId plain_copy_ = kNoValue;  // its copy, if the rule made one
};

// What stands for old value `v`: a value of the new graph, of equal dtype and shape; kNoValue or r.copy(v):
// the node as it is.
using RewriteRule = std::function<ValueId(Rewriter&, ValueId v)>;

// Rebuilds `graph` by `rule`, and drops what nobody uses any more. Returns false, and leaves the graph alone,
// if the rule replaced nothing.
bool rewrite(const Module& module, Graph& graph, const RewriteRule& rule);

// Drops nodes that neither an output nor an assign depends on, and names of kernels without nodes. Inputs
// stay: they are the entry's signature. Returns whether there were any.
bool drop_dead_nodes(Graph& graph);

// Whether each value is the same whenever the entry runs, until weights load or change from outside: computed
// from constants and tensors alone, and for training entries only from tensors that training leaves alone.
std::vector<bool> fixed_values(const Module& module, const Graph& graph);

// The end of the kernel that begins with node `begin`; of that node alone where it is in none.
ValueId kernel_end(const Graph& graph, ValueId begin);

// How often each value is used: by nodes (once per operand), outputs and assigns.
std::vector<int> use_counts(const Graph& graph);

// Whether each value can be computed from module tensors of the given kinds and constants alone.
std::vector<bool> depends_only_on(const Module& module, const Graph& graph,
                                  std::span<const TensorKind> kinds);

// Finds nodes that compute the same: equal operation, operands (in either order where that makes no
// difference), attributes, type and kernel. Inputs and states are told apart by name.
class ValueNumbering {
 public:
  // The value that computes what `node` does; kNoValue if none was noted yet. Assign to note one.
  ValueId& operator[](const Node& node);

 private:
  std::unordered_map<std::string, ValueId> values_;
};

// Calls pass(module, graph) on every entry; whether any of them changed something.
template <class GraphPass>
bool for_each_entry(Module& module, const GraphPass& pass) {
  bool changed = false;
  for (Graph& graph : module.entries) changed |= pass(module, graph);
  return changed;
}

}  // namespace rnc
