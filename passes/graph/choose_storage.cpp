// Values between kernels in fewer bytes (--precision): maps in blocks of channels, activations and their gradients, become
// bf16 where that is asked for. Kernels compute in f32 as before, widen what they load, and round what they store, of two
// nearest numbers to the even one (mixed precision: Micikevicius et al., "Mixed Precision Training", 2018; with bf16's
// exponent, that of f32, losses need no scaling: Kalamkar et al., "A Study of BFLOAT16 for Deep Learning Training", 2019).
// Parameters, their gradients, slots, statistics, sums, what is one number per channel and results stay f32.
//
// It comes after `fuse`, which says what is stored: what stays in registers is not rounded. Where several kernels compute
// the same value, it is rounded in all of them if it is stored by one, so that recomputing instead of storing changes no
// bits.
#include <set>

#include "passes/graph/rewrite.h"
#include "passes/passes.h"

namespace rnc {
namespace {

// Whether the kernels of an operation can store its result as bf16: each element is stored once, as it is then, and not a
// sum on the way.
bool stores_once(const Node& node) {
  switch (node.op) {
    case Op::conv2d:
    case Op::conv2d_input_grad:
    case Op::max_pool:
    case Op::max_pool_select:
    case Op::max_pool_grad:
    case Op::avg_pool:
    case Op::concat:
    case Op::slice:
    case Op::pad_channels:
    case Op::slice_channels:
    case Op::resize:
    case Op::pad:
      return true;
    case Op::dropout_mask:  // a factor of which the mean is one
      return false;
    default:
      return info(node.op).kind == OpKind::elementwise;
  }
}

// A map in blocks of channels, of more than one pixel.
bool is_map(const Type& type) {
  return type.dtype == contract::kDefaultReal && type.rank() == 4 && has_batch(type.shape) && !type.layout.plain() &&
         type.shape[2] * type.shape[3] > 1;
}

class Storage {
 public:
  Storage(const Graph& graph, const PrecisionRules& rules) : graph_(graph), rules_(rules) {
    number_values();
    for (const Output& output : graph.outputs) kept_.insert(number(output.value));
    for (const Assign& assign : graph.assigns) kept_.insert(number(assign.value));
    for (ValueId v = 0; v < count(); ++v) {
      for (const ValueId u : graph[v].inputs) {
        if (info(graph[v].op).kind == OpKind::movement) kept_.insert(number(u));
        if (graph[v].kernel != graph[u].kernel && !info(graph[v].op).reads_shape_only) stored_.insert(number(u));
      }
    }
  }

  // What v is to be stored as.
  DType of(ValueId v) const {
    const Node& node = graph_[v];
    const bool narrow = node.kernel >= 0 && is_map(node.type) && stores_once(node) && stored_.contains(number(v)) &&
                        !kept_.contains(number(v));
    return narrow ? value_for(rules_, graph_[number(v)].layer, node.type.dtype) : node.type.dtype;
  }

 private:
  ValueId count() const { return static_cast<ValueId>(graph_.nodes.size()); }
  // The first that computes the same, in whatever kernel.
  ValueId number(ValueId v) const { return number_[static_cast<size_t>(v)]; }
  void number_values() {
    ValueNumbering numbering;
    for (ValueId v = 0; v < count(); ++v) {
      Node unfused = graph_[v];
      unfused.kernel = -1;
      for (ValueId& u : unfused.inputs) u = number(u);
      ValueId& first = numbering[unfused];
      if (first == kNoValue) first = v;
      number_.push_back(first);
    }
  }

  const Graph& graph_;
  const PrecisionRules& rules_;
  std::vector<ValueId> number_;
  std::set<ValueId> kept_, stored_;  // by number: not to be changed; read by another kernel
};

}  // namespace

bool choose_storage(Module& module, const TargetInfo& target) {
  if (target.precision.empty()) return false;
  bool changed = false;
  for (Graph& graph : module.entries) {
    std::vector<DType> types;
    const Storage storage(graph, target.precision);
    for (ValueId v = 0; v < static_cast<ValueId>(graph.nodes.size()); ++v) types.push_back(storage.of(v));
    for (size_t v = 0; v < types.size(); ++v) {
      changed |= graph.nodes[v].type.dtype != types[v];
      graph.nodes[v].type.dtype = types[v];
    }
  }
  return changed;
}

}  // namespace rnc
