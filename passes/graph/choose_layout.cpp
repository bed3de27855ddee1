// Gives every value the layout that its kernels want, and inserts relayout where producer and consumer differ.
//
// Activations from the first convolution to the last pooling are in blocks of one vector of channels, so that
// kernels load and store whole vectors. Images stay plain, as do values of rank 2 and parameters; weights are
// repacked for the kernel that reads them. Sound because a layout does not change a value. Cost: the
// relayouts, of weights only in all usual networks; for inference hoist_parameters moves those to entry
// prepare.
//
// Where weights are fixed, a grouped convolution gets them packed as its kernel reads them, as another
// operand, and one that Winograd's algorithm computes faster gets them transformed. Cost: memory for both.
#include <algorithm>
#include <optional>
#include <unordered_map>
#include <unordered_set>

#include "ir/ops/reduce.h"
#include "passes/graph/narrow_values.h"
#include "passes/graph/rewrite.h"
#include "passes/lower/conv/winograd/winograd.h"
#include "passes/lower/pair_blocks.h"
#include "passes/passes.h"

namespace rnc {
namespace {

// Elements in a vector of the values that the node computes.
int lanes_of(const Node& node, const TargetInfo& target) {
  return target.lanes(is_real(node.type.dtype) ? node.type.dtype : contract::kDefaultReal);
}

// Whether values of this type go through kernels image by image. Parameters and what is computed from them
// do so as well where an operand varies by channel, or a reduction or a convolution takes them for images.
bool is_image(const Type& type) { return type.rank() == 4; }

bool varies_by_channel(const std::vector<Type>& operands) {
  return std::ranges::any_of(operands, [](const Type& type) { return type.rank() == 1; });
}

// The layouts a node wants for its operands and gives its result.
struct Wanted {
  std::vector<Layout> operands;
  Layout result;
};

// A convolution reads a plain input if it has few channels and is plain already.
bool reads_plain(const Type& x, int64_t groups) {
  return groups == 1 && x.layout.plain() && x.shape[1] <= kPlainChannels;
}

Wanted wanted(const Graph& graph, const Node& node, const std::vector<Type>& operands,
              const TargetInfo& target) {
  const int lanes = lanes_of(node, target);
  const Layout blocked{{}, {{1, lanes}}};
  Wanted want{std::vector<Layout>(operands.size()), {}};
  if (info(node.op).reads_shape_only) {
    for (size_t i = 0; i < operands.size(); ++i) want.operands[i] = operands[i].layout;
    return want;
  }
  switch (info(node.op).kind) {
    case OpKind::elementwise:
    case OpKind::reduction: {
      const bool images = is_image(node.type) && (has_batch(node.type.shape) || varies_by_channel(operands));
      const bool spreads = std::ranges::any_of(operands, [&](const Type& type) {
        return type.rank() == node.type.rank() && type.shape != node.type.shape;
      });
      if (!images && info(node.op).kind == OpKind::elementwise && spreads) return want;  // all plain
      if (!images && info(node.op).kind == OpKind::elementwise) {
        // Parameters and their like: all as the first that is packed.
        for (const Type& type : operands) {
          if (type.shape == node.type.shape && want.result.plain()) want.result = type.layout;
        }
        for (size_t i = 0; i < operands.size(); ++i) {
          if (operands[i].shape == node.type.shape) want.operands[i] = want.result;
        }
        return want;
      }
      // In blocks if any operand is, or if something varies by channel; reductions always are.
      bool blocks = info(node.op).kind == OpKind::reduction && is_image(operands[0]);
      // A mask lies as what it is for most likely does: it is computed there.
      blocks |= node.op == Op::dropout_mask && is_image(node.type) && node.type.shape[1] > 1;
      for (const Type& type : operands) {
        blocks |= is_image(node.type) && (!type.layout.plain() || (type.rank() == 1));
      }
      for (size_t i = 0; i < operands.size(); ++i) {
        // What spreads over channels lies beside them without blocks.
        const bool one = info(node.op).kind == OpKind::elementwise && is_image(operands[i]) &&
                         operands[i].shape[1] != node.type.shape[1];
        if (blocks && is_image(operands[i]) && !one) want.operands[i] = blocked;
      }
      if (blocks && is_image(node.type)) want.result = blocked;
      return want;
    }
    case OpKind::window:
      if (!is_image(node.type)) return want;  // rows
      for (size_t i = 0; i < operands.size(); ++i) want.operands[i] = blocked;
      want.result = blocked;
      return want;
    default:
      break;
  }
  const auto groups = [&] { return node.attributes.get<int64_t>("groups"); };
  switch (node.op) {
    case Op::conv2d: {
      const ConvShape shape = conv_shape(graph, node);
      const bool plain = reads_plain(operands[0], groups());
      want.operands[0] = plain ? Layout{} : blocked;
      if (groups() == 1) want.operands[1] = forward_weight_layout(shape, plain, target);
      if (const int transformed = operand_place(node, "transformed"); transformed >= 0) {
        want.operands[static_cast<size_t>(transformed)] = transformed_weight_layout(want.operands[1]);
      }
      want.result = blocked;
      return want;
    }
    case Op::winograd_weight: {
      const int64_t panel = std::max<int64_t>(node.type.layout.block(0), lanes);
      want.operands[0].blocks = {{1, lanes}, {0, panel}};
      want.result = transformed_weight_layout(want.operands[0]);
      return want;
    }
    case Op::conv2d_input_grad:
      want.operands[0] = want.result = blocked;
      if (groups() == 1) {
        const ConvShape shape = conv_shape(graph, node);
        // Winograd has to transform the weights and exchanges their channels as it does so.
        want.operands[1] = tile_of(algorithm_of(node)) > 0 ? forward_weight_layout(shape, false, target)
                                                           : input_grad_weight_layout(shape, target);
      }
      return want;
    case Op::conv2d_weight_grad: {
      const bool plain = reads_plain(operands[1], groups());
      want.operands = {blocked, plain ? Layout{} : blocked};
      if (groups() == 1) want.result = forward_weight_layout(conv_shape(graph, node), plain, target);
      return want;
    }
    case Op::sum:
      if (is_image_sum(node)) want.operands[0] = want.result = blocked;
      if (sums_channels(node) && !operands[0].layout.plain()) want.operands[0] = blocked;
      return want;
    case Op::resize:
    case Op::resize_grad:
    case Op::pad:
    case Op::pad_grad: {
      // Images as they come in, of few channels, are resized where they lie; nothing else is.
      const bool image = node.op == Op::resize && operands[0].layout.plain() &&
                         operands[0].shape[1] <= kPlainChannels &&
                         node.attributes.get<std::string>("mode") == "bilinear";
      if (node.type.dtype != DType::u8 && !image) want.operands[0] = want.result = blocked;
      return want;
    }
    case Op::matmul:
      if (node.attributes.get<bool>("transpose_b") && operands[1].rank() == 2)
        want.operands[1].order = {1, 0};
      return want;
    case Op::relayout:
      return {{operands[0].layout}, node.type.layout};
    case Op::input:
    case Op::state:
      want.result = node.type.layout;
      return want;
    default:
      return want;
  }
}

class LayoutChoice {
 public:
  LayoutChoice(Module& module, const TargetInfo& target)
      : module_(module), tensors_(module), target_(target) {}

  bool run(Graph& graph) {
    trains_ = computes_gradients(graph.role);
    fixed_ = fixed_values(module_, graph);
    narrow_.emplace(graph, target_.precision);
    if (trains_) find_families();
    bool changed = rewrite(module_, graph, [&](Rewriter& r, ValueId v) { return choose(r, v); });
    GraphBuilder builder(module_, graph);
    const auto settle = [&](ValueId& value, const Layout& layout) {
      if (graph[value].type.layout == layout) return;
      builder.set_origin_of(graph[value]);
      value = relayout(builder, value, layout);
      changed = true;
    };
    for (Output& output : graph.outputs) settle(output.value, {});
    for (Assign& assign : graph.assigns) {
      settle(assign.value, tensors_.find(assign.tensor)->type.layout);
    }
    return changed;
  }

 private:
  ValueId choose(Rewriter& r, ValueId v) {
    Node node = r.with_inputs_now(v);
    const bool seen_as_image = info(node.op).kind == OpKind::reduction && as_image(r, node.inputs[0]);
    std::vector<Type> operands;
    for (const ValueId u : node.inputs) operands.push_back(r.graph_now()[u].type);
    // Shapes come from the old graph; only layouts differ in the new one.
    Wanted want = wanted(r.old_graph(), r.old(v), operands, target_);
    if (node.op == Op::state) want.result = tensors_.find(node.name)->type.layout;
    if (trains_ && node.op == Op::conv2d && keep(r.builder().graph(), node.inputs[1], want.operands[1])) {
      operands[1].layout = want.operands[1];
    }
    bool same = want.result == node.type.layout && !seen_as_image;
    for (size_t i = 0; i < operands.size(); ++i) {
      if (operands[i].layout == want.operands[i]) continue;
      if (is_stored_only(operands[i]) && unpaired(operands[i].layout) == want.operands[i]) continue;
      node.inputs[i] = packed(r, node.inputs[i], want.operands[i]);
      same = false;
    }
    if (takes_pairs(r, v, node)) {
      node.inputs[1] = packed(r, node.inputs[1], paired(want.operands[1]), DType::bf16);
      same = false;
    }
    if (const int m = transform(r, v); m > 0) {
      const auto stride = node.attributes.get<std::vector<int64_t>>("stride")[0];
      set_operand(node, "transformed", transformed(r.builder(), node.inputs[1], m, stride));
      same = false;
    }
    if (packs_groups(r, v)) {
      set_operand(node, "packed", grouped(r.builder(), node.inputs[1], conv_shape(r.old_graph(), r.old(v))));
      same = false;
    }
    if (same) return kNoValue;
    const ValueId made = r.builder().clone(node, node.inputs);
    r.builder().graph()[made].type.layout = want.result;
    return made;
  }

  // Reductions are of rows or of images: other values are reshaped to images of one column. Whether this one
  // was.
  static bool as_image(Rewriter& r, ValueId& value) {
    const Shape shape = r.graph_now()[value].type.shape;
    if (shape.size() == 2 || shape.size() == 4) return false;
    const int64_t pixels = elements_per_sample(Shape(shape.begin() + 2, shape.end()));
    Attributes attributes;
    attributes.set("shape", Shape{shape[0], shape[1], pixels, 1});
    value = r.builder().emit(Op::reshape, {value}, std::move(attributes));
    return true;
  }

  // The tile of Winograd convolution that convolution `v` should get transformed weights for, or 0.
  int transform(const Rewriter& r, ValueId v) const {
    const Node& node = r.old(v);
    if (node.op != Op::conv2d || trains_ || !fixed_[static_cast<size_t>(node.inputs[1])]) return 0;
    if (operand(node, "transformed") != kNoValue) return 0;
    return tile_of(algorithm_of(node));
  }

  // Whether the kernel of a convolution, whose operands are packed by now, multiplies two inputs at a time.
  bool takes_pairs(Rewriter& r, ValueId v, const Node& node) const {
    if (node.op != Op::conv2d && node.op != Op::conv2d_input_grad) return false;
    if (!target_.dot_pairs || node.attributes.get<int64_t>("groups") > 1 || tile_of(algorithm_of(node)) > 0)
      return false;
    if (is_stored_only(r.graph_now()[node.inputs[1]].type)) return false;  // they are in pairs
    // Elsewhere than in training only where entry prepare makes them.
    if (!trains_ && !fixed_[static_cast<size_t>(r.old(v).inputs[1])]) return false;
    const Node& x = r.graph_now()[node.inputs[0]];
    return !x.type.layout.plain() && x.op != Op::relayout && narrow_->of(r.old(v).inputs[0]) == DType::bf16;
  }

  bool packs_groups(const Rewriter& r, ValueId v) const {
    const Node& node = r.old(v);
    return node.op == Op::conv2d && node.attributes.get<int64_t>("groups") > 1 &&
           fixed_[static_cast<size_t>(node.inputs[1])] && operand(node, "packed") == kNoValue;
  }

  ValueId grouped(GraphBuilder& builder, ValueId weight, const ConvShape& shape) const {
    const GroupedWeight packed = forward_grouped_weight(shape, target_);
    Attributes attributes;
    attributes.set("groups", packed.groups);
    attributes.set("lanes", packed.lanes);
    attributes.set("panel", packed.panel);
    attributes.set("spread", packed.spread);
    const std::string& name = builder[weight].name;
    return builder.emit(Op::grouped_weight, {weight}, attributes,
                        "%packed." + name.substr(name.starts_with('%')));
  }

  static ValueId transformed(GraphBuilder& builder, ValueId packed, int m, int64_t stride) {
    Attributes attributes;
    attributes.set("tile", int64_t{m});
    attributes.set("stride", stride);
    const std::string& name = builder[packed].name;
    const size_t dot = name.starts_with('%') ? name.find('.') + 1 : 0;
    const Layout layout = transformed_weight_layout(builder[packed].type.layout);
    const ValueId made =
        builder.emit(Op::winograd_weight, {packed}, attributes, "%winograd." + name.substr(dot));
    builder.graph()[made].type.layout = layout;
    return made;
  }

  // Decides how a parameter, its gradient and its slots lie in memory, if none is used before this node.
  // Whether it did so.
  bool keep(Graph& graph, ValueId weight, const Layout& layout) {
    if (graph[weight].op != Op::state || layout.plain() || !graph[weight].type.layout.plain()) return false;
    index(graph);
    const std::vector<int>& family = families_[graph[weight].name];
    const auto name = [&](int tensor) { return module_.tensors[static_cast<size_t>(tensor)].name; };
    if (std::ranges::any_of(family, [&](int tensor) { return read_.contains(name(tensor)); })) return false;
    for (const int tensor : family) {
      module_.tensors[static_cast<size_t>(tensor)].type.layout = layout;
      const auto state = states_.find(name(tensor));
      if (state != states_.end()) graph[state->second].type.layout = layout;
    }
    return true;
  }

  // Tensors by the name of the parameter that they belong to.
  void find_families() {
    for (size_t i = 0; i < module_.tensors.size(); ++i) {
      const Tensor& tensor = module_.tensors[i];
      families_[tensor.name].push_back(static_cast<int>(i));
      if (!tensor.of.empty()) families_[tensor.of].push_back(static_cast<int>(i));
    }
  }

  // Notes what has been built of the new graph since.
  void index(const Graph& graph) {
    for (; indexed_ < static_cast<ValueId>(graph.nodes.size()); ++indexed_) {
      const Node& node = graph[indexed_];
      if (node.op == Op::state) states_.emplace(node.name, indexed_);
      if (node.op == Op::relayout) relayouts_[node.inputs[0]].push_back(indexed_);
      for (const ValueId v : node.inputs) {
        if (graph[v].op == Op::state) read_.insert(graph[v].name);
      }
    }
  }

  // The value in another layout: once per value, layout and type.
  ValueId packed(Rewriter& r, ValueId value, const Layout& layout, DType dtype = contract::kDefaultReal) {
    const Graph& graph = r.builder().graph();
    index(graph);
    for (const ValueId v : relayouts_[value]) {
      if (graph[v].type.layout == layout && graph[v].type.dtype == dtype) return v;
    }
    const ValueId made = relayout(r.builder(), value, layout);
    r.builder().graph()[made].type.dtype = dtype;
    return made;
  }

  static ValueId relayout(GraphBuilder& builder, ValueId value, const Layout& layout) {
    const std::string& name = builder[value].name;
    const std::string made_name =
        (layout.plain() ? "%plain." : "%packed.") + name.substr(name.starts_with('%'));
    const ValueId made = builder.emit(Op::relayout, {value}, {}, made_name);
    builder.graph()[made].type.layout = layout;
    return made;
  }

  Module& module_;
  TensorIndex tensors_;
  const TargetInfo& target_;
  bool trains_ = false;
  std::optional<NarrowValues> narrow_;  // of the old graph
  std::vector<bool> fixed_;  // values of the old graph that do not change from run to run in inference
  std::unordered_map<std::string, std::vector<int>> families_;
  // Of the new graph, its first `indexed_` nodes:
  ValueId indexed_ = 0;
  std::unordered_map<std::string, ValueId> states_;
  std::unordered_set<std::string> read_;                         // states that a node reads
  std::unordered_map<ValueId, std::vector<ValueId>> relayouts_;  // by operand
};

}  // namespace

bool choose_layout(Module& module, const TargetInfo& target) {
  bool changed = false;
  // Training first: it decides how parameters are kept.
  for (const bool training : {true, false}) {
    for (Graph& graph : module.entries) {
      const bool trains = computes_gradients(graph.role);
      if (trains == training && graph.role != EntryRole::model)
        changed |= LayoutChoice(module, target).run(graph);
    }
  }
  return changed;
}

}  // namespace rnc
