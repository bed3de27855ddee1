// Groups nodes into kernels: an elementwise operation or a channel reduction joins the kernel that computes
// its last operand, if that is a convolution, a matrix product, the gradient of max pooling or another
// elementwise kernel over the same shape. So bias, shortcut add and ReLU, the sums of batch norm and both
// reductions of its gradient are computed where their operand is in registers. The elementwise operations of the
// optimizer's update also join weight gradients by Winograd's algorithm.
//
// Cheap values are computed again where they are used rather than stored: those per channel always (the scale
// of batch norm), others if they are made of one stored value and values per channel (its normalised input).
// Max pooling, its gradient and convolutions by Winograd's algorithm compute such an operand as they load it: it stands
// before them in their kernel. So batch norm with ReLU between two of them is never stored.
//
// What is computed again is bounded, and so is a kernel: however long a chain of operations is, each of its
// kernels is compiled in bounded time, and no value is computed more often than it is used times that bound.
//
// Sound because a kernel is only a schedule: the nodes and their operands stay what they are. Cost: the
// repeated arithmetic, which is hidden behind memory.
#include <algorithm>
#include <map>
#include <optional>
#include <set>

#include "ir/graph/unique_names.h"
#include "ir/ops/conv_algorithm.h"
#include "ir/ops/reduce.h"
#include "passes/passes.h"

namespace rnc {
namespace {

class Fuser {
 public:
  explicit Fuser(const Graph& graph)
      : old_(graph),
        users_(graph.nodes.size()),
        users_compute_(graph.nodes.size()),
        small_(graph.nodes.size()),
        primary_(graph.nodes.size(), -1) {}

  Graph run() {
    find_users();
    find_small();
    for (ValueId v = 0; v < static_cast<ValueId>(old_.nodes.size()); ++v) place(v);
    return build();
  }

 private:
  static constexpr int kSources = -1;          // "group" of inputs and states: before all kernels
  static constexpr size_t kChainLength = 16;   // operations computed again for one use, at most,
  static constexpr int kSmallOperations = 64;  // and of values per channel
  static constexpr size_t kKernelOperations = 128;

  struct Item {  // a node of the new graph
    ValueId of;  // the old node
    std::vector<int> inputs;
    int group;
    bool stored = false;  // read by another kernel
  };
  struct Kernel {
    ValueId first;            // the old node it is named after
    bool epilogue = false;    // takes elementwise nodes
    bool reductions = false;  // takes channel reductions,
    bool moments = false;     // means and variances too
    bool image_sums = false;  // takes sums over each channel of each image
    Type domain;
    std::vector<int> items;
    std::map<ValueId, int> here;  // items of this kernel by old node
  };

  const Node& old(ValueId v) const { return old_[v]; }
  bool is_elementwise(ValueId v) const { return info(old(v).op).kind == OpKind::elementwise; }
  bool is_channel_reduction(ValueId v) const { return info(old(v).op).kind == OpKind::reduction; }
  bool is_reduction(ValueId v) const { return is_channel_reduction(v) || is_image_sum(old(v)); }
  void find_users() {
    for (ValueId v = 0; v < static_cast<ValueId>(old_.nodes.size()); ++v) {
      if (info(old(v).op).reads_shape_only) continue;
      for (const ValueId u : old(v).inputs) users_[static_cast<size_t>(u)].push_back(v);
    }
    for (const Output& output : old_.outputs) results_.insert(output.value);
    for (const Assign& assign : old_.assigns) results_.insert(assign.value);
  }

  // Counts what a value per channel takes to be computed again, all its operands each time they are used. One
  // that takes too much is stored, and its users count from there.
  void find_small() {
    for (size_t v = 0; v < old_.nodes.size(); ++v) {
      const Node& n = old_.nodes[v];
      if (info(n.op).kind != OpKind::elementwise || n.type.rank() > 1) continue;
      int count = 1;
      if (!info(n.op).reads_shape_only) {
        for (const ValueId u : n.inputs) count += small_[static_cast<size_t>(u)];
      }
      if (count <= kSmallOperations) small_[v] = count;
    }
  }

  // Whether v's kernel can compute operand `u` as it loads it. Direct convolutions cannot: they load each
  // element many times.
  bool takes_expression(ValueId v, ValueId u) const {
    const Node& n = old(v);
    switch (n.op) {
      case Op::max_pool:
        return true;
      case Op::max_pool_select:
      case Op::max_pool_grad:
        return u == n.inputs[1];
      case Op::conv2d:
      case Op::conv2d_input_grad:
        return u == n.inputs[0] && transforms(n);
      case Op::conv2d_weight_grad:
        return transforms(n);
      default:
        return false;
    }
  }
  // Whether a convolution's kernel is Winograd's and transforms its weights itself.
  bool transforms(const Node& n) const {
    const bool beforehand = n.op == Op::conv2d && rnc::operand(n, "transformed") != kNoValue;
    return tile_of(algorithm_of(n)) > 0 && !beforehand;
  }
  static bool is_source(Op op) { return op == Op::input || op == Op::state; }

  // Per-channel and scalar values that are computed again inside kernels over larger shapes.
  bool is_small(ValueId v, const Type& domain) const {
    const Node& n = old(v);
    if (n.op == Op::constant || info(n.op).reads_shape_only) return true;
    return small_[static_cast<size_t>(v)] > 0 && n.type.rank() < domain.rank();
  }

  // The last kernel that must run before `v` can be computed in a kernel over `domain`; where it is computed
  // again, that of its operands.
  int last_kernel_before(ValueId v, const Type& domain) const {
    if (is_source(old(v).op)) return kSources;
    if (!is_small(v, domain) && !is_cheap(v, domain)) return primary(v).group;
    int last = kSources;
    if (!info(old(v).op).reads_shape_only) {
      for (const ValueId u : old(v).inputs) last = std::max(last, last_kernel_before(u, domain));
    }
    return last;
  }

  // Whether `v` can be had inside kernel g while it runs: a reduction's result cannot.
  bool computable_in(ValueId v, int g, const Type& domain) const {
    if (is_source(old(v).op)) return true;
    if (is_small(v, domain) || is_cheap(v, domain)) {
      if (info(old(v).op).reads_shape_only) return true;
      return std::all_of(old(v).inputs.begin(), old(v).inputs.end(),
                         [&](ValueId u) { return computable_in(u, g, domain); });
    }
    const int made = primary(v).group;
    return made < g || (made == g && !is_reduction(v));
  }

  bool fits(ValueId v, int g, const Type& domain) const {
    if (g < 0) return false;
    const Kernel& k = kernels_[static_cast<size_t>(g)];
    const bool channel_reduction = is_channel_reduction(v);
    if (!(channel_reduction ? k.reductions : is_image_sum(old(v)) ? k.image_sums : k.epilogue)) return false;
    if (channel_reduction && old(v).op != Op::channel_sum && !k.moments) return false;
    if (!(k.domain == domain) || k.items.size() >= kKernelOperations) return false;
    return std::all_of(old(v).inputs.begin(), old(v).inputs.end(),
                       [&](ValueId u) { return computable_in(u, g, domain); });
  }

  Kernel new_kernel(ValueId v, const Type& domain) const {
    const Op op = old(v).op;
    const bool fusible = is_elementwise(v) || is_reduction(v);
    const bool convolution = op == Op::conv2d || op == Op::conv2d_input_grad;
    const bool weight_grad = op == Op::conv2d_weight_grad && transforms(old(v));
    const bool pool = op == Op::max_pool_grad, select = op == Op::max_pool_select;
    const bool blocked = domain.rank() != 4 || !domain.layout.plain();
    const bool moments = (fusible && blocked) || convolution;
    const bool takes_elementwise =
        fusible || convolution || weight_grad || pool || select || (op == Op::matmul && domain.rank() == 2);
    const bool image_sums = fusible && domain.rank() == 4 && blocked;
    return {v, takes_elementwise, moments || pool, moments, image_sums, domain};
  }

  void place(ValueId v) {
    const Node& n = old(v);
    if (is_source(n.op)) {
      primary_[static_cast<size_t>(v)] = add({v, {}, kSources});
      return;
    }
    const Type domain = is_reduction(v) ? old(n.inputs[0]).type : n.type;
    int g = kSources;
    for (const ValueId u : n.inputs) g = std::max(g, last_kernel_before(u, domain));
    if (!(is_elementwise(v) || is_reduction(v)) || !fits(v, g, domain)) {
      g = static_cast<int>(kernels_.size());
      kernels_.push_back(new_kernel(v, domain));
    }
    const int item = primary_[static_cast<size_t>(v)] = compute(v, g, domain);
    // The backward pass reads it in any case: what is computed from it need not be stored as well.
    if (n.op == Op::max_pool_select) items_[static_cast<size_t>(item)].stored = true;
  }

  // The item where an old node is computed for all who do not compute it again.
  int primary_item(ValueId v) const { return primary_[static_cast<size_t>(v)]; }
  const Item& primary(ValueId v) const { return items_[static_cast<size_t>(primary_item(v))]; }

  int add(Item item) {
    items_.push_back(std::move(item));
    return static_cast<int>(items_.size()) - 1;
  }

  // Adds `v`, over `domain`, to kernel g, with what it takes to have its operands there.
  int compute(ValueId v, int g, const Type& domain) {
    Kernel& k = kernels_[static_cast<size_t>(g)];
    const auto made = k.here.find(v);
    if (made != k.here.end()) return made->second;
    std::vector<int> inputs;
    for (const ValueId u : old(v).inputs) inputs.push_back(operand(v, u, g, domain));
    const int item = add({v, std::move(inputs), g});
    k.items.push_back(item);
    k.here[v] = item;
    return item;
  }

  int operand(ValueId v, ValueId u, int g, const Type& domain) {
    if (is_source(old(u).op)) return primary_item(u);
    if (info(old(v).op).reads_shape_only) return primary_item(u);
    Kernel& k = kernels_[static_cast<size_t>(g)];
    const auto here = k.here.find(u);
    if (here != k.here.end()) return here->second;
    const bool fusible = is_elementwise(v) || is_reduction(v) || old(v).op == Op::constant;
    if (fusible && (is_small(u, domain) || is_cheap(u, domain))) return compute(u, g, domain);
    if (takes_expression(v, u) && need_not_be_stored(u)) return compute(u, g, old(u).type);
    const int item = primary_item(u);
    items_[static_cast<size_t>(item)].stored = true;
    return item;
  }

  // Whether computing `u` again reads no more than loading it would: a short chain from one value of its
  // shape that is stored anyway, and values per channel.
  bool is_cheap(ValueId u, const Type& domain) const {
    if (!is_elementwise(u) || !(old(u).type == domain) || primary(u).stored) return false;
    const auto [operations, leaves] = chain_of(u, domain);
    if (leaves.size() > 1 || operations.size() > kChainLength) return false;
    if (leaves.empty()) return true;
    const ValueId leaf = *leaves.begin();
    return !is_elementwise(leaf) || primary(leaf).stored;
  }

  // Whether `u` need not be stored, as all that read it can compute it again from one value that is stored by
  // now. (From two, as the gradient of batch norm, it is not worth it: in Winograd's transforms, which have
  // all registers in use, that costs more than a pass through memory.)
  bool need_not_be_stored(ValueId u) const {
    const Type& domain = old(u).type;
    if (!is_cheap(u, domain) || results_.contains(u)) return false;
    const std::set<ValueId> leaves = chain_of(u, domain).leaves;
    if (leaves.empty() || is_random(u, domain)) return false;
    const ValueId leaf = *leaves.begin();
    if (!is_source(old(leaf).op) && !primary(leaf).stored) return false;
    return users_compute(u);
  }

  // Whether a chain that is computed again has random numbers, which kernels that load parts of a value do not count.
  bool is_random(ValueId u, const Type& domain) const {
    if (old(u).op == Op::dropout_mask) return true;
    if (is_small(u, domain) || !is_elementwise(u) || primary(u).stored) return false;
    return std::ranges::any_of(old(u).inputs, [&](ValueId w) { return is_random(w, domain); });
  }

  // Whether all kernels that read `u` can compute it as they load it.
  bool users_compute(ValueId u) const {
    std::optional<bool>& known = users_compute_[static_cast<size_t>(u)];
    if (!known) {
      known = std::ranges::all_of(users_[static_cast<size_t>(u)], [&](ValueId v) {
        return is_elementwise(v) || is_reduction(v) || takes_expression(v, u);
      });
    }
    return *known;
  }

  // The operations of `domain` that are computed again for `u`, up to one more than are allowed, and what they read.
  struct Chain {
    std::set<ValueId> operations, leaves;
  };
  Chain chain_of(ValueId u, const Type& domain) const {
    Chain chain;
    collect(u, domain, chain);
    return chain;
  }
  void collect(ValueId u, const Type& domain, Chain& chain) const {
    if (is_small(u, domain) || chain.operations.size() > kChainLength || chain.operations.contains(u)) return;
    if (!is_elementwise(u) || primary(u).stored) {
      if (old(u).type.rank() == domain.rank()) chain.leaves.insert(u);
      return;
    }
    chain.operations.insert(u);
    for (const ValueId w : old(u).inputs) collect(w, domain, chain);
  }

  // Items that a result depends on.
  std::vector<bool> live() const {
    std::vector<bool> alive(items_.size(), false);
    for (const Output& output : old_.outputs) alive[static_cast<size_t>(primary_item(output.value))] = true;
    for (const Assign& assign : old_.assigns) alive[static_cast<size_t>(primary_item(assign.value))] = true;
    for (size_t i = items_.size(); i-- > 0;) {
      if (!alive[i]) continue;
      for (const int input : items_[i].inputs) alive[static_cast<size_t>(input)] = true;
    }
    return alive;
  }

  Graph build() {
    const std::vector<bool> alive = live();
    Graph graph;
    graph.name = old_.name;
    graph.role = old_.role;
    std::vector<ValueId> now(items_.size(), kNoValue);
    UniqueNames names;
    const auto emit = [&](int i, int kernel) {
      const Item& item = items_[static_cast<size_t>(i)];
      Node node = old(item.of);
      for (size_t k = 0; k < node.inputs.size(); ++k)
        node.inputs[k] = now.at(static_cast<size_t>(item.inputs[k]));
      node.kernel = kernel;
      if (!names.take(node.name))
        node.name = names.numbered((node.name.starts_with('%') ? "" : "%") + node.name + ".", 2);
      now[static_cast<size_t>(i)] = static_cast<ValueId>(graph.nodes.size());
      graph.nodes.push_back(std::move(node));
    };
    // Values computed once keep their names; copies get others.
    for (size_t i = 0; i < items_.size(); ++i) {
      if (items_[i].group == kSources && (alive[i] || old(items_[i].of).op == Op::input))
        emit(static_cast<int>(i), -1);
    }
    for (const Kernel& k : kernels_) {
      int kernel = -1;
      for (const int i : k.items) {
        if (!alive[static_cast<size_t>(i)]) continue;
        if (kernel < 0) {
          kernel = static_cast<int>(graph.kernels.size());
          graph.kernels.push_back(old(k.first).name);
        }
        emit(i, kernel);
      }
    }
    for (const Output& output : old_.outputs)
      graph.outputs.push_back(output.with(now.at(static_cast<size_t>(primary_item(output.value)))));
    for (const Assign& assign : old_.assigns)
      graph.assigns.push_back({assign.tensor, now.at(static_cast<size_t>(primary_item(assign.value)))});
    return graph;
  }

  const Graph& old_;
  std::vector<std::vector<ValueId>> users_;                 // by value
  mutable std::vector<std::optional<bool>> users_compute_;  // see users_compute()
  std::vector<int> small_;  // operations to compute it again, where that is done; else 0
  std::set<ValueId> results_;
  std::vector<Item> items_;
  std::vector<Kernel> kernels_;
  std::vector<int> primary_;  // by value: see primary()
};

}  // namespace

bool fuse(Module& module) {
  bool changed = false;
  for (Graph& graph : module.entries) {
    if (graph.role == EntryRole::model || !graph.kernels.empty()) continue;
    graph = Fuser(graph).run();
    changed |= !graph.kernels.empty();
  }
  return changed;
}

}  // namespace rnc
