// Computes results of elementwise kernels again in the backward pass, so that they need not be kept from the
// forward pass until then (Chen et al., "Training deep nets with sublinear memory cost", 2016).
//
// A value is computed again before its first use in the backward pass, by the same operations on the same
// operands, so its bits are the same. That is worth it where all that it is computed from is there anyway:
// stored values that the backward pass uses too (the convolution's output), values computed again themselves,
// inputs and values per channel.
//
// At level 1, the default, this costs no more than a store: where a kernel of the backward pass computes the
// value in any case (normalised and rectified, for ReLU's gradient), what comes after reads it from there.
// And where the first use is elementwise (ReLU's gradient at a shortcut add), its kernel computes the value
// from the operands instead of loading it; but not from others that are computed again, so of a chain of
// shortcut adds every second one stays stored. At higher levels values are also computed again by kernels of
// their own, those of one shape that need each other by one. The level says how long such a chain may be: at
// level 2, one; at level k, every k-th of the adds stays stored. Cost: the elementwise kernels run once more,
// which takes the time to load their operands and store the results.
#include <algorithm>
#include <map>
#include <set>

#include "passes/pipeline.h"
#include "passes/postpone_weight_grads.h"
#include "passes/rewrite.h"

namespace rnc {
namespace {

class Recomputation {
 public:
  // `level`: from 1.
  Recomputation(const Graph& graph, int level) : old_(postpone_weight_grads(graph)) {
    find_uses();
    number_values();
    for (ValueId v = 0; v < backward_; ++v) consider(v, level);
  }

  bool any() const { return !chosen_.empty(); }

  Graph build() {
    graph_.name = old_.name;
    for (ValueId begin = 0; begin < count();) {
      const ValueId end = group_end(begin);
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
  ValueId count() const { return static_cast<ValueId>(old_.nodes.size()); }
  ValueId group_end(ValueId begin) const { return kernel_end(old_, begin); }
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

  // Gives nodes that compute the same, in whichever kernels, the same number.
  void number_values() {
    ValueNumbering numbering;
    for (ValueId v = 0; v < count(); ++v) {
      Node node = old(v);
      node.kernel = -1;
      for (ValueId& u : node.inputs) u = number_[static_cast<size_t>(u)];
      ValueId& first = numbering[node];
      if (first == kNoValue) first = v;
      number_.push_back(first);
    }
  }
  ValueId number(ValueId v) const { return number_[static_cast<size_t>(v)]; }

  // The first node of the group [begin, end) whose value its kernel can store: one after its anchor. What is
  // before computes the anchor's operands.
  ValueId first_stored(ValueId begin, ValueId end) const {
    ValueId first = begin;
    for (ValueId v = begin; v < end; ++v) {
      const OpKind kind = info(old(v).op).kind;
      if (kind == OpKind::contraction || kind == OpKind::window) first = v + 1;
    }
    return first;
  }

  // Whether the kernel of [begin, end) can compute `u`, which it loads now, itself: it is elementwise where u
  // is used.
  bool hosts(ValueId begin, ValueId end, ValueId u) const {
    const ValueId first = first_stored(begin, end);
    for (ValueId v = begin; v < end; ++v) {
      if (!reads(old(v)) || std::ranges::find(old(v).inputs, u) == old(v).inputs.end()) continue;
      if (v < first || !is_elementwise(v) || !(old(v).type == old(u).type)) return false;
    }
    return true;
  }

  // How the backward pass can have v without a kernel for it.
  enum class Free : uint8_t { no, copied, hosted };
  Free free(ValueId v) const {
    for (ValueId begin = backward_; begin < count(); begin = group_end(begin)) {
      const ValueId end = group_end(begin);
      bool used = false;
      for (ValueId w = begin; w < end; ++w) {
        const std::vector<ValueId>& in = old(w).inputs;
        used = used || (reads(old(w)) && std::ranges::find(in, v) != in.end());
      }
      if (used) return hosts(begin, end, v) ? Free::hosted : Free::no;
      for (ValueId w = first_stored(begin, end); w < end; ++w) {
        if (number(w) == number(v)) return Free::copied;
      }
    }
    return Free::no;
  }

  void consider(ValueId v, int level) {
    const Node& n = old(v);
    if (n.kernel < 0 || !is_elementwise(v) || n.type.rank() != 4 || !stored_.contains(v) ||
        !needed_.contains(v))
      return;
    const Free how = free(v);
    Chain chain;
    if (!collect(v, v, chain)) return;
    if (how == Free::copied) {
      copied_.emplace(number(v), v);
      chosen_.emplace(v, std::move(chain));
      return;
    }
    for (const ValueId leaf : chain.leaves) {
      if (is_source(leaf) || old(leaf).type.rank() < 2) continue;
      const auto again = chosen_.find(leaf);
      if (again != chosen_.end()) {
        chain.depth = std::max(chain.depth, again->second.depth + 1);
      } else if (!needed_.contains(leaf)) {
        return;  // it would have to be kept for this alone
      }
    }
    const int longest = how == Free::hosted ? std::max(level - 1, 1) : level - 1;
    if (chain.depth <= longest) chosen_.emplace(v, std::move(chain));
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
    const auto again = [&](ValueId v, ValueId u) {
      return backward && (u < begin || u >= end) && chosen_.contains(u) && reads(old(v));
    };
    std::set<ValueId> hosted;
    for (ValueId v = begin; v < end; ++v) {
      for (const ValueId u : old(v).inputs) {
        if (!again(v, u) || again_.contains(u)) continue;
        hosts(begin, end, u) ? compute_leaves(u) : compute_again(u);
        if (!again_.contains(u)) hosted.insert(u);
      }
    }
    const int kernel = old(begin).kernel >= 0 ? new_kernel(old(begin).kernel) : -1;
    const ValueId first = first_stored(begin, end);
    std::map<ValueId, ValueId> here;  // by number: what the kernel computes by now and can store
    for (ValueId v = begin; v < end; ++v) {
      for (const ValueId u : old(v).inputs) {
        if (hosted.contains(u) && !again_.contains(u)) emit_chain(u, kernel, here);
      }
      const auto known = here.find(number(v));
      if (!hosted.empty() && known != here.end()) {
        now_[v] = known->second;
        continue;
      }
      Node node = old(v);
      for (ValueId& u : node.inputs) u = again(v, u) ? again_.at(u) : now_.at(u);
      now_[v] = emit(std::move(node), kernel, old(v).name);
      if (v >= first) here[number(v)] = now_[v];
      const auto copied = copied_.find(number(v));
      if (backward && v >= first && copied != copied_.end()) again_.emplace(copied->second, now_[v]);
    }
  }

  void compute_leaves(ValueId v) {
    for (const ValueId leaf : chosen_.at(v).leaves) {
      if (chosen_.contains(leaf)) compute_again(leaf);
    }
  }

  // In one kernel with the values of its type that it needs and that are not there yet.
  void compute_again(ValueId v) {
    if (again_.contains(v)) return;
    std::vector<ValueId> together;
    gather(v, together);
    const int kernel = new_kernel(old(v).kernel);
    std::map<ValueId, ValueId> here;
    for (const ValueId u : together) emit_chain(u, kernel, here);
  }

  void gather(ValueId v, std::vector<ValueId>& together) {
    for (const ValueId leaf : chosen_.at(v).leaves) {
      if (!chosen_.contains(leaf) || again_.contains(leaf) || std::ranges::count(together, leaf) > 0)
        continue;
      old(leaf).type == old(v).type ? gather(leaf, together) : compute_again(leaf);
    }
    together.push_back(v);
  }

  // Emits what computes v again into a kernel that has the values `here`, by number.
  void emit_chain(ValueId v, int kernel, std::map<ValueId, ValueId>& here) {
    for (const ValueId u : chosen_.at(v).nodes) {
      if (here.contains(number(u))) continue;
      Node node = old(u);
      for (ValueId& w : node.inputs) {
        const auto inside = here.find(number(w));
        const auto again = again_.find(w);
        w = inside != here.end()                   ? inside->second
            : again != again_.end() && reads(node) ? again->second
                                                   : now_.at(w);
      }
      const std::string& name = old(u).name;
      here[number(u)] = emit(std::move(node), kernel, "%again." + name.substr(name.starts_with('%')));
    }
    again_[v] = here.at(number(v));
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

  const Graph old_;
  ValueId backward_ = 0;  // the first node of the backward pass
  std::set<ValueId> stored_, needed_;
  std::vector<ValueId> number_;
  std::map<ValueId, Chain> chosen_;
  std::map<ValueId, ValueId> copied_;  // by number: chosen values that a kernel computes in any case
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
    drop_dead_nodes(graph);  // of the forward pass, where only the backward pass read them
    changed = true;
  }
  return changed;
}

}  // namespace rnc
