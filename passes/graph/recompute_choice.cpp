#include "passes/graph/recompute_choice.h"

#include <algorithm>
#include <optional>

#include "passes/graph/postpone_weight_grads.h"
#include "passes/graph/rewrite.h"

namespace rnc {
namespace {

bool is_source(const Node& node) { return node.op == Op::input || node.op == Op::state; }

// An element loaded or stored takes about the time of so many multiply-adds.
constexpr int64_t kMove = 16;

// What computing an element of the result again costs, in multiply-adds; none where that is not done.
std::optional<int64_t> cost(const Graph& graph, const Node& node) {
  const auto elements_of = [&](ValueId v) { return elements_per_sample(graph[v].type.shape); };
  const auto moves = [&] {
    return kMove + kMove * elements_of(node.inputs[0]) / elements_per_sample(node.type.shape);
  };
  switch (node.op) {
    case Op::conv2d: {
      const Shape& weight = graph[node.inputs[1]].type.shape;
      return weight[1] * weight[2] * weight[3] + moves();
    }
    case Op::max_pool:
    case Op::max_pool_select:
    case Op::avg_pool: {  // of values that are normalised, rectified and compared once per window
      const auto& kernel = node.attributes.get<std::vector<int64_t>>("kernel");
      return 3 * kernel[0] * kernel[1] + moves();
    }
    case Op::normalize:
      return 1 + moves();
    default:
      return std::nullopt;
  }
}

int64_t bytes(const Type& type) { return rnc::bytes(type.dtype) * elements_per_sample(type.shape); }

}  // namespace

bool reads_elements(const Node& node) { return !info(node.op).reads_shape_only; }

RecomputeChoice::RecomputeChoice(const Graph& graph, const RecomputeLimits& limits)
    : graph_(postpone_weight_grads(graph)), limits_(limits) {
  number_values();
  find_uses();
  for (ValueId v = 0; v < backward_; ++v) consider(v);
}

ValueId RecomputeChoice::copied(ValueId v) const {
  const auto found = copied_.find(number(v));
  return found == copied_.end() ? kNoValue : found->second;
}

ValueId RecomputeChoice::group_end(ValueId begin) const { return kernel_end(graph_, begin); }

ValueId RecomputeChoice::first_stored(ValueId begin, ValueId end) const {
  ValueId first = begin;
  for (ValueId v = begin; v < end; ++v) {
    if (is_anchor(v)) first = v + 1;
  }
  return first;
}

bool RecomputeChoice::hosts(ValueId begin, ValueId end, ValueId u) const {
  const auto chain = chosen_.find(u);
  if (!is_elementwise(u) || (chain != chosen_.end() && chain->second.anchored)) return false;
  const ValueId first = first_stored(begin, end);
  for (ValueId v = begin; v < end; ++v) {
    if (!reads_elements(node(v)) || std::ranges::find(node(v).inputs, u) == node(v).inputs.end()) continue;
    if (v < first || !is_elementwise(v) || !(node(v).type == node(u).type)) return false;
  }
  return true;
}

bool RecomputeChoice::is_elementwise(ValueId v) const { return info(node(v).op).kind == OpKind::elementwise; }

bool RecomputeChoice::is_anchor(ValueId v) const {
  const OpKind kind = info(node(v).op).kind;
  return kind == OpKind::contraction || kind == OpKind::window;
}

void RecomputeChoice::find_uses() {
  backward_ = count();
  for (ValueId v = 0; v < backward_; ++v) {
    if (node(v).phase != Phase::forward) backward_ = v;
  }
  while (backward_ > 0 && backward_ < count() && node(backward_).kernel >= 0 &&
         node(backward_ - 1).kernel == node(backward_).kernel)
    --backward_;
  for (ValueId begin = 0; begin < count(); begin = group_end(begin)) {
    const ValueId end = group_end(begin), first = first_stored(begin, end);
    for (ValueId v = begin; v < end; ++v) {
      if (begin >= backward_ && v >= first) first_copy_.emplace(number(v), begin);
      if (node(v).op == Op::conv2d) convolutions_[node(v).inputs[0]].push_back(v);
      if (!reads_elements(node(v))) continue;
      for (const ValueId u : node(v).inputs) {
        if (node(v).kernel < 0 || node(u).kernel != node(v).kernel) stored_.insert(u);
        if (begin < backward_) continue;
        needed_.insert(u);
        first_use_.emplace(u, begin);
      }
    }
  }
}

void RecomputeChoice::number_values() {
  ValueNumbering numbering;
  for (ValueId v = 0; v < count(); ++v) {
    Node unfused = node(v);
    unfused.kernel = -1;
    for (ValueId& u : unfused.inputs) u = number(u);
    ValueId& first = numbering[unfused];
    if (first == kNoValue) first = v;
    number_.push_back(first);
  }
}

// How the backward pass can have v without a kernel for it: from one that computes it in any case before it
// is first used, or in the one that uses it first.
RecomputeChoice::Free RecomputeChoice::free(ValueId v) const {
  const ValueId use = first_use_.at(v);
  const auto copy = first_copy_.find(number(v));
  if (copy != first_copy_.end() && copy->second < use) return Free::copied;
  return hosts(use, group_end(use), v) ? Free::hosted : Free::no;
}

void RecomputeChoice::consider(ValueId v) {
  const Node& n = node(v);
  if (n.kernel < 0 || n.type.rank() != 4 || !stored_.contains(v) || !needed_.contains(v)) return;
  Chain chain;
  if (!collect(v, v, chain)) return;
  const Free how = chain.anchored ? Free::no : free(v);
  if (!count_kernels(chain) && how != Free::copied) return;
  const bool from_input = chain.kernels == 0;
  const int own = how == Free::hosted ? limits_.kernels + 1 : limits_.kernels;
  if (how == Free::copied) {
    copied_.emplace(number(v), v);
    chain.kernels = 1;
  } else if (!from_input && (chain.kernels > own || (chain.anchored && bytes(n.type) < limits_.bytes))) {
    return;
  }
  if (!chain.anchored && chain.kernels + 1 > limits_.kernels && branches(v)) return;
  chosen_.emplace(v, std::move(chain));
}

// Whether several convolutions read v, and a result of theirs could be computed again from it, or is already.
bool RecomputeChoice::branches(ValueId v) const {
  int64_t readers = 0, again = 0;
  const auto convolutions = convolutions_.find(v);
  if (convolutions == convolutions_.end()) return false;
  for (const ValueId w : convolutions->second) {
    const Node& n = node(w);
    if (w >= backward_) return true;
    ++readers;
    const bool kept = stored_.contains(w) && needed_.contains(w) && bytes(n.type) >= limits_.bytes;
    if (kept && *cost(graph_, n) <= limits_.cost) ++again;
  }
  return readers > 1 && again > 0;
}

// Finds out how many kernels run one after the other; false where something would have to be kept for this
// chain alone. What is made of the entry's inputs alone counts as there.
bool RecomputeChoice::count_kernels(Chain& chain) const {
  const Node& value = node(chain.nodes.back());
  bool kept = true, from_input = true;
  for (const ValueId leaf : chain.leaves) {
    if (is_source(node(leaf)) || node(leaf).type.rank() < 2) continue;
    from_input = false;
    const auto again = chosen_.find(leaf);
    if (again != chosen_.end()) {
      // One kernel computes both, as in the forward pass.
      const bool together = node(leaf).kernel == value.kernel && node(leaf).type == value.type &&
                            !again->second.anchored && !chain.anchored;
      chain.kernels = std::max(chain.kernels, again->second.kernels + (together ? 0 : 1));
    } else {
      kept = kept && needed_.contains(leaf);
    }
  }
  if (from_input) chain.kernels = 0;
  return kept;
}

// Whether `u` can be had again for `v`, within v's kernel or from stored values.
bool RecomputeChoice::collect(ValueId u, ValueId v, Chain& chain) const {
  if (std::ranges::find(chain.nodes, u) != chain.nodes.end()) return true;
  const Node& n = node(u);
  const bool inside = n.kernel == node(v).kernel;
  const bool anchor = cost(graph_, n).value_or(limits_.cost + 1) <= limits_.cost;
  const bool again = inside && (is_elementwise(u) || n.op == Op::constant || !reads_elements(n) || anchor);
  if (is_source(n) || !again || (u != v && stored_.contains(u) && n.type.rank() == 4)) {
    chain.leaves.insert(u);
    return u != v && (is_source(n) || !inside || stored_.contains(u));
  }
  if (reads_elements(n)) {
    for (const ValueId w : n.inputs) {
      if (!collect(w, v, chain)) return false;
    }
  }
  chain.anchored = chain.anchored || anchor;
  chain.nodes.push_back(u);
  return true;
}

}  // namespace rnc
