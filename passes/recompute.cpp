// Computes results of elementwise kernels again in the backward pass, so that they need not be kept from the
// forward pass until then (Chen et al., "Training deep nets with sublinear memory cost", 2016).
//
// A value is computed again right before its first use in the backward pass, by the same operations on the
// same operands, so its bits are the same. That is worth it where all that it is computed from is there
// anyway: stored values that the backward pass uses too (the convolution's output), values computed again
// themselves, inputs and values per channel. What a value needs may itself be computed again, and so on: the
// level says how long such a chain may be. At level 1 a shortcut add waits for a stored operand, so that
// every second block's result stays stored; at level k, every (k + 1)-th.
//
// Cost: the elementwise kernels run once more, which takes the time to load their operands and store the
// result.
#include <algorithm>
#include <map>
#include <set>

#include "passes/pipeline.h"

namespace rnc {
namespace {

class Recomputation {
 public:
  Recomputation(const Graph& graph, int level) : old_(graph) {
    find_uses();
    for (ValueId v = 0; v < backward_; ++v) consider(v, level);
  }

  bool any() const { return !chosen_.empty(); }

  Graph build() {
    graph_.name = old_.name;
    const auto count = static_cast<ValueId>(old_.nodes.size());
    for (ValueId begin = 0; begin < count;) {
      ValueId end = begin + 1;
      while (old_[begin].kernel >= 0 && end < count && old_[end].kernel == old_[begin].kernel) ++end;
      emit_group(begin, end);
      begin = end;
    }
    for (const Output& output : old_.outputs) graph_.outputs.push_back({output.name, now_.at(output.value)});
    for (const Assign& assign : old_.assigns)
      graph_.assigns.push_back({assign.tensor, now_.at(assign.value)});
    return std::move(graph_);
  }

 private:
  // How to compute a value again.
  struct Chain {
    std::vector<ValueId> nodes;  // of its kernel, in order; the last is the value
    std::set<ValueId> leaves;    // what they read from elsewhere
    int depth = 1;               // chains that have to run one after the other
  };

  const Node& old(ValueId v) const { return old_[v]; }
  bool is_elementwise(ValueId v) const { return info(old(v).op).kind == OpKind::elementwise; }
  bool is_source(ValueId v) const { return old(v).op == Op::input || old(v).op == Op::state; }
  static bool reads(const Node& node) { return node.op != Op::element_count; }

  // Where the backward pass begins, which values other kernels read, and which it reads.
  void find_uses() {
    backward_ = static_cast<ValueId>(old_.nodes.size());
    for (ValueId v = 0; v < backward_; ++v) {
      if (name(old(v).op).ends_with("_grad")) backward_ = v;
    }
    while (backward_ > 0 && backward_ < static_cast<ValueId>(old_.nodes.size()) &&
           old(backward_).kernel >= 0 && old(backward_ - 1).kernel == old(backward_).kernel)
      --backward_;
    for (ValueId v = 0; v < static_cast<ValueId>(old_.nodes.size()); ++v) {
      const Node& n = old(v);
      if (!reads(n)) continue;
      for (const ValueId u : n.inputs) {
        if (n.kernel < 0 || old(u).kernel != n.kernel) stored_.insert(u);
        if (v >= backward_) needed_.insert(u);
      }
    }
  }

  void consider(ValueId v, int level) {
    const Node& n = old(v);
    if (n.kernel < 0 || !is_elementwise(v) || n.type.rank() != 4 || !stored_.contains(v) ||
        !needed_.contains(v))
      return;
    Chain chain;
    if (!collect(v, v, chain)) return;
    for (const ValueId leaf : chain.leaves) {
      if (is_source(leaf) || old(leaf).type.rank() < 2) continue;
      const auto again = chosen_.find(leaf);
      if (again != chosen_.end()) {
        chain.depth = std::max(chain.depth, again->second.depth + 1);
      } else if (!needed_.contains(leaf)) {
        return;  // it would have to be kept for this alone
      }
    }
    if (chain.depth <= level) chosen_.emplace(v, std::move(chain));
  }

  // Whether `u` can be had again for `v`, within v's kernel or from stored values.
  bool collect(ValueId u, ValueId v, Chain& chain) const {
    if (std::ranges::find(chain.nodes, u) != chain.nodes.end()) return true;
    const bool inside = old(u).kernel == old(v).kernel;
    const bool again = inside && (is_elementwise(u) || old(u).op == Op::constant || !reads(old(u)));
    if (is_source(u) || !again || (u != v && stored_.contains(u) && old(u).type.rank() == 4)) {
      chain.leaves.insert(u);
      return is_source(u) || !inside || stored_.contains(u);
    }
    if (reads(old(u))) {
      for (const ValueId w : old(u).inputs) {
        if (!collect(w, v, chain)) return false;
      }
    }
    chain.nodes.push_back(u);
    return true;
  }

  void emit_group(ValueId begin, ValueId end) {
    const bool backward = begin >= backward_;
    const auto elsewhere = [&](ValueId u) { return u < begin || u >= end; };
    for (ValueId v = begin; backward && v < end; ++v) {
      if (!reads(old(v))) continue;
      for (const ValueId u : old(v).inputs) {
        if (elsewhere(u) && chosen_.contains(u)) compute_again(u);
      }
    }
    const int kernel = old(begin).kernel >= 0 ? new_kernel(old(begin).kernel) : -1;
    for (ValueId v = begin; v < end; ++v) {
      Node node = old(v);
      for (ValueId& u : node.inputs) {
        const auto again = again_.find(u);
        u = backward && elsewhere(u) && reads(node) && again != again_.end() ? again->second : now_.at(u);
      }
      now_[v] = emit(std::move(node), kernel, old(v).name);
    }
  }

  void compute_again(ValueId v) {
    if (again_.contains(v)) return;
    const Chain& chain = chosen_.at(v);
    for (const ValueId leaf : chain.leaves) {
      if (chosen_.contains(leaf)) compute_again(leaf);
    }
    const int kernel = new_kernel(old(v).kernel);
    std::map<ValueId, ValueId> here;
    for (const ValueId u : chain.nodes) {
      Node node = old(u);
      for (ValueId& w : node.inputs) {
        const auto inside = here.find(w);
        const auto again = again_.find(w);
        w = inside != here.end()                   ? inside->second
            : again != again_.end() && reads(node) ? again->second
                                                   : now_.at(w);
      }
      const std::string& name = old(u).name;
      here[u] = emit(std::move(node), kernel, "%again." + name.substr(name.starts_with('%')));
    }
    again_[v] = here.at(v);
  }

  int new_kernel(int kernel) {
    graph_.kernels.push_back(old_.kernels[static_cast<size_t>(kernel)]);
    return static_cast<int>(graph_.kernels.size()) - 1;
  }

  ValueId emit(Node node, int kernel, const std::string& name) {
    node.kernel = kernel;
    node.name = name;
    for (int copy = 2; !names_.insert(node.name).second; ++copy)
      node.name = name + "." + std::to_string(copy);
    graph_.nodes.push_back(std::move(node));
    return static_cast<ValueId>(graph_.nodes.size()) - 1;
  }

  const Graph& old_;
  ValueId backward_ = 0;  // the first node of the backward pass
  std::set<ValueId> stored_, needed_;
  std::map<ValueId, Chain> chosen_;
  Graph graph_;
  std::map<ValueId, ValueId> now_, again_;
  std::set<std::string> names_;
};

}  // namespace

bool recompute(Compilation& compilation) {
  bool changed = false;
  for (Graph& graph : compilation.module.entries) {
    const bool trains = graph.name == "train_step" || graph.name == "backward";
    if (!trains || compilation.recompute == 0) continue;
    Recomputation recomputation(graph, compilation.recompute);
    if (!recomputation.any()) continue;
    graph = recomputation.build();
    changed = true;
  }
  return changed;
}

}  // namespace rnc
