// Computes results of the forward pass again in the backward pass, so that they need not be kept from the
// forward pass until then (Chen et al., "Training deep nets with sublinear memory cost", 2016).
//
// A value is computed again before its first use in the backward pass, by the same operations on the same
// operands, so its bits are the same. That is worth it where all that it is computed from is there anyway:
// stored values that the backward pass uses too (the convolution's output), values computed again themselves,
// inputs and values per channel.
//
// Often this costs no more than a store: where a kernel of the backward pass computes the value in any case
// (normalised and rectified, for ReLU's gradient), what comes after reads it from there. Where the first use
// is elementwise (ReLU's gradient at a shortcut add), its kernel computes the value from the operands instead
// of loading it; but not from others that are computed again, so of a chain of shortcut adds every second one
// stays stored; nor where the network branches and the larger result of a convolution there can be computed
// again from what is stored.
//
// The limits say what may take kernels of its own:
//   kernels   how many of them may run one after the other to obtain one value: with k, about every k-th of a chain of
//             adds stays stored. Elementwise values of one shape that need each other share one.
//   cost      of an element of a convolution, a pool or a normalised image, in multiply-adds, where loading or storing
//             one counts as 16;
//   bytes     of such a value per sample: smaller ones are not worth it, as caches hold some of them.
// By default these are the 1x1 convolutions from 64 channels in networks with bottlenecks: their largest maps.
#include <algorithm>
#include <map>
#include <set>

#include "ir/graph/unique_names.h"
#include "passes/graph/recompute_choice.h"
#include "passes/graph/rewrite.h"
#include "passes/pipeline.h"

namespace rnc {
namespace {

// Builds the graph that does as `choice` says.
class Recomputation {
 public:
  explicit Recomputation(const RecomputeChoice& choice) : choice_(choice), old_(choice.graph()) {}

  Graph build() {
    graph_.name = old_.name;
    graph_.role = old_.role;
    for (ValueId begin = 0; begin < choice_.count();) {
      const ValueId end = choice_.group_end(begin);
      emit_group(begin, end);
      begin = end;
    }
    for (const Output& output : old_.outputs) graph_.outputs.push_back(output.with(now_.at(output.value)));
    for (const Assign& assign : old_.assigns)
      graph_.assigns.push_back({assign.tensor, now_.at(assign.value)});
    return std::move(graph_);
  }

 private:
  const Node& old(ValueId v) const { return old_[v]; }
  ValueId number(ValueId v) const { return choice_.number(v); }
  bool is_chosen(ValueId v) const { return choice_.chosen().contains(v); }
  const Chain& chain(ValueId v) const { return choice_.chosen().at(v); }

  void emit_group(ValueId begin, ValueId end) {
    const bool backward = begin >= choice_.backward();
    const auto again = [&](ValueId v, ValueId u) {
      return backward && (u < begin || u >= end) && is_chosen(u) && reads_elements(old(v));
    };
    std::set<ValueId> hosted;
    for (ValueId v = begin; v < end; ++v) {
      for (const ValueId u : old(v).inputs) {
        if (!again(v, u) || again_.contains(u)) continue;
        choice_.hosts(begin, end, u) ? compute_leaves(u) : compute_again(u);
        if (!again_.contains(u)) hosted.insert(u);
      }
    }
    const int kernel = old(begin).kernel >= 0 ? new_kernel(old(begin).kernel) : -1;
    const ValueId first = choice_.first_stored(begin, end);
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
      if (v < first) continue;
      here[number(v)] = now_[v];
      const ValueId copied = choice_.copied(v);
      if (backward && copied != kNoValue) again_.emplace(copied, now_[v]);
    }
  }

  void compute_leaves(ValueId v) {
    for (const ValueId leaf : chain(v).leaves) {
      if (is_chosen(leaf)) compute_again(leaf);
    }
  }

  // In one kernel with the elementwise values of its type that it needs and that are not there yet.
  void compute_again(ValueId v) {
    if (again_.contains(v)) return;
    std::vector<ValueId> together;
    gather(v, together);
    const int kernel = new_kernel(old(v).kernel);
    std::map<ValueId, ValueId> here;
    for (const ValueId u : together) emit_chain(u, kernel, here);
  }

  void gather(ValueId v, std::vector<ValueId>& together) {
    for (const ValueId leaf : chain(v).leaves) {
      if (!is_chosen(leaf) || again_.contains(leaf) || std::ranges::count(together, leaf) > 0) continue;
      const bool shares = old(leaf).type == old(v).type && !chain(v).anchored && !chain(leaf).anchored;
      shares ? gather(leaf, together) : compute_again(leaf);
    }
    together.push_back(v);
  }

  // Emits what computes v again into a kernel that has the values `here`, by number.
  void emit_chain(ValueId v, int kernel, std::map<ValueId, ValueId>& here) {
    for (const ValueId u : chain(v).nodes) {
      if (here.contains(number(u))) continue;
      Node node = old(u);
      for (ValueId& w : node.inputs) {
        const auto inside = here.find(number(w));
        const auto again = again_.find(w);
        w = inside != here.end()                            ? inside->second
            : again != again_.end() && reads_elements(node) ? again->second
                                                            : now_.at(w);
      }
      if (info(node.op).kind != OpKind::source) node.phase = Phase::backward;
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
    node.name = names_.take(name) ? name : names_.numbered(name + ".", 2);
    graph_.nodes.push_back(std::move(node));
    return static_cast<ValueId>(graph_.nodes.size()) - 1;
  }

  const RecomputeChoice& choice_;
  const Graph& old_;
  Graph graph_;
  std::map<ValueId, ValueId> now_, again_;
  UniqueNames names_;
};

}  // namespace

bool recompute(Compilation& compilation) {
  if (!compilation.recompute) return false;
  bool changed = false;
  for (Graph& graph : compilation.module.entries) {
    if (!computes_gradients(graph.role)) continue;
    const RecomputeChoice choice(graph, *compilation.recompute);
    if (choice.chosen().empty()) continue;
    graph = Recomputation(choice).build();
    drop_dead_nodes(graph);  // of the forward pass, where only the backward pass read them
    changed = true;
  }
  return changed;
}

}  // namespace rnc
