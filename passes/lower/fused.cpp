#include "passes/lower/fused.h"

#include <algorithm>
#include <functional>

#include "ir/ops/random.h"
#include "ir/ops/reduce.h"
#include "passes/lower/padding_lanes.h"

namespace rnc {

using loops::Access;
using loops::Expr;
using loops::Extent;
using loops::MemoryRef;
using loops::Scalar;

namespace {

// A value that is the same at all points, in each lane. What is f64 stays a scalar, until it is rounded.
Expr in_lanes(Expr value, const Type& type, int lanes) {
  return value->type.lanes < lanes && type.dtype != DType::f64 ? loops::broadcast(value, lanes) : value;
}

void to_same_lanes(Expr& a, Expr& b) {
  const int lanes = std::max(a->type.lanes, b->type.lanes);
  if (a->type.lanes < lanes) a = loops::broadcast(a, lanes);
  if (b->type.lanes < lanes) b = loops::broadcast(b, lanes);
}

// Whole numbers are made of real ones.
Scalar computed_in(DType type) {
  const bool is_whole = contract::graph_use(type) == contract::GraphUse::whole;
  return contract::compute_type(is_whole ? contract::kDefaultReal : type);
}

using Operands = std::function<Expr(int)>;
// Writes a formula as an expression of its operands; constants are of type `scalar`.
class FormulaCode {
 public:
  FormulaCode(const Operands& operand, Scalar scalar) : operand_(operand), scalar_(scalar) {}

  Expr of(const Formula& formula) const {
    using Kind = Formula::Kind;
    switch (formula.kind()) {
      case Kind::operand:
        return operand_(formula.index());
      case Kind::constant:
        return loops::constant(scalar_, formula.value());
      case Kind::add:
        return binary(formula, loops::Binary::add);
      case Kind::sub:
        return binary(formula, loops::Binary::sub);
      case Kind::mul:
        return binary(formula, loops::Binary::mul);
      case Kind::div:
        return binary(formula, loops::Binary::div);
      case Kind::min:
        return extreme(formula, false);
      case Kind::max:
        return extreme(formula, true);
      case Kind::sqrt:
        return unary(formula, loops::Unary::sqrt);
      case Kind::exp:
        return unary(formula, loops::Unary::exp);
      case Kind::log:
        return unary(formula, loops::Unary::log);
      case Kind::tanh:
        return unary(formula, loops::Unary::tanh);
      case Kind::erf:
        return unary(formula, loops::Unary::erf);
      case Kind::floor:
        return unary(formula, loops::Unary::floor);
      case Kind::less:
        return choice(formula, loops::Binary::lt);
      case Kind::equal:
        return choice(formula, loops::Binary::eq);
    }
    unreachable("formula");
  }

 private:
  // Two parts that meet, of as many lanes.
  std::pair<Expr, Expr> pair(const Formula& a, const Formula& b) const {
    const auto constant = [&](const Formula& f, const Expr& other) {
      return loops::constant(other->type.scalar, f.value(), other->type.lanes);
    };
    const bool a_constant = a.kind() == Formula::Kind::constant,
               b_constant = b.kind() == Formula::Kind::constant;
    if (a_constant && !b_constant) {
      const Expr other = of(b);
      return {constant(a, other), other};
    }
    Expr x = of(a);
    if (b_constant && !a_constant) return {x, constant(b, x)};
    Expr y = of(b);
    to_same_lanes(x, y);
    return {x, y};
  }
  Expr unary(const Formula& f, loops::Unary op) const { return loops::unary(op, of(f.parts()[0])); }
  Expr binary(const Formula& f, loops::Binary op) const {
    const auto [a, b] = pair(f.parts()[0], f.parts()[1]);
    return loops::binary(op, a, b);
  }
  // The larger or smaller, or a NaN.
  Expr extreme(const Formula& f, bool larger) const {
    const auto [a, b] = pair(f.parts()[0], f.parts()[1]);
    const Expr ahead = larger ? loops::less(a, b) : loops::less(b, a);
    return loops::select(loops::binary(loops::Binary::ne, b, b), b, loops::select(ahead, b, a));
  }
  Expr choice(const Formula& f, loops::Binary comparison) const {
    auto [a, b] = pair(f.parts()[0], f.parts()[1]);
    auto [yes, no] = pair(f.parts()[2], f.parts()[3]);
    to_same_lanes(a, yes);
    to_same_lanes(b, yes);
    to_same_lanes(no, yes);
    return loops::select(loops::binary(comparison, a, b), yes, no);
  }

  const Operands& operand_;
  Scalar scalar_;
};

}  // namespace

bool is_reduction(const Node& node) { return info(node.op).kind == OpKind::reduction || is_image_sum(node); }

Extent channel_extent(int64_t channels, int lanes) { return {round_up(channels, lanes), 0}; }

FusedCode::FusedCode(Lowering& lowering, KernelBuilder& kernel, const Group& group, ValueId anchor,
                     const Type& domain, std::vector<Extent> view)
    : lowering_(lowering), kernel_(kernel), domain_(domain), view_(std::move(view)), anchor_(anchor) {
  const auto inside = [&](ValueId v) { return std::find(group.begin(), group.end(), v) != group.end(); };
  for (const ValueId v : group) {
    const bool reduces = is_reduction(lowering.node(v));  // see ChannelReductions and ImageSums
    if (v != anchor && !reduces) (full(v) ? full_nodes_ : channel_nodes_).push_back(v);
    if (v == anchor || info(lowering.node(v).op).reads_shape_only) continue;
    for (const ValueId u : lowering.node(v).inputs) {
      if (spreads(u)) {
        check(!inside(u), "what spreads over a kernel's values is computed before it");
        if (!spread_operands_.contains(u))
          spread_operands_.emplace(u, SpreadOperand(lowering, kernel, u, domain_, view_));
        continue;
      }
      std::vector<ValueId>& list = full(u) ? operands_ : channel_operands_;
      if (!inside(u) && std::find(list.begin(), list.end(), u) == list.end()) list.push_back(u);
    }
  }
  for (const ValueId v : operands_) memories_[v] = lowering.view(kernel, "in", v, view_, Access::read);
  for (const ValueId v : channel_operands_) {
    const Type& type = lowering.type(v);
    const Extent dim = type.rank() == 0 ? Extent{1, 0} : channel_extent(type.shape[0], lowering.lanes());
    memories_[v] = lowering.view(kernel, type.rank() == 0 ? "scalar" : "channel", v, {dim}, Access::read);
  }
  for (const ValueId v : full_nodes_) {
    if (lowering.stored(v)) memories_[v] = lowering.view(kernel, "out", v, view_, Access::write);
  }
  if (anchor != kNoValue && lowering.stored(anchor)) {
    memories_[anchor] = lowering.view(kernel, "out", anchor, view_, Access::write);
  }
  for (const ValueId v : group) {
    if (is_reduction(lowering.node(v))) leaving_.insert(lowering.node(v).inputs[0]);
    if (padded() && v != anchor && full(v) && lowering.stored(v)) leaving_.insert(v);
  }
}

// Whether memory has lanes past the last channel.
bool FusedCode::padded() const {
  const bool vector = domain_.rank() == 1 && !has_batch(domain_.shape);
  return vector ? domain_.shape[0] % lowering_.lanes() != 0 : has_padding_lanes(domain_);
}

Expr FusedCode::channel_operand(Body& body, ValueId v, Expr channel, int lanes, bool along_channels,
                                const Expr& valid) {
  const MemoryRef& memory = memories_.at(v);
  Expr value;
  if (lowering_.type(v).rank() == 0) {
    value = loaded(memory, {0});
  } else if (along_channels && lanes > 1) {
    return body.let("c", loaded(memory, {channel}, lanes, 0, valid));
  } else {
    value = loaded(memory, {channel});
  }
  return body.let("c", in_lanes(value, lowering_.type(v), lanes));
}

// The count of lanes that exist, if a value needs it.
Expr FusedCode::existing_lanes(Body& body, const Expr& channel, int lanes, bool along_channels,
                               const Expr& valid) const {
  if (!masks()) return {};
  if (valid) return valid;
  const bool blocked = along_channels && domain_.layout.block(1) == lanes;
  if (!blocked || domain_.shape[1] % lanes == 0) return {};
  return body.let("room", loops::min(lanes, domain_.shape[1] - channel));
}

FusedCode::Values FusedCode::channels(Body& body, Expr channel, int lanes, bool along_channels, Expr valid) {
  Group nodes = channel_nodes_;
  nodes.insert(nodes.end(), full_nodes_.begin(), full_nodes_.end());
  masked_ = values_to_mask(lowering_, nodes, domain_.shape, along_channels, leaving_);
  Values values;
  values.room = existing_lanes(body, channel, lanes, along_channels, valid);
  for (const ValueId v : channel_operands_)
    values[v] = channel_operand(body, v, channel, lanes, along_channels, valid);
  for (const ValueId v : channel_nodes_) {
    const Node& node = lowering_.node(v);
    values[v] = body.let("c", in_lanes(compute(node, values), node.type, lanes));
    check(!lowering_.stored(v), "a value per channel is not stored by a kernel over pixels");
  }
  return values;
}

void FusedCode::at(Body& body, const Point& point, Values& values, bool store) const {
  const auto load = [&](ValueId v) {
    const MemoryRef& memory = memories_.at(v);
    return loaded(memory, point.index, point.lanes, point.lane_dim, point.valid);
  };
  const auto keep = [&](ValueId v) {
    if (store && lowering_.stored(v)) {
      const MemoryRef& memory = memories_.at(v);
      body.store(memory, point.index, loops::cast(values.at(v), memory->scalar), point.lane_dim, point.valid);
    }
  };
  for (const ValueId v : operands_) values[v] = body.let("v", load(v));
  for (const auto& [v, operand] : spread_operands_) values[v] = body.let("s", operand.load(point));
  if (anchor_ != kNoValue) {
    values[anchor_] = widened(loops::cast(values.at(anchor_), lowering_.type(anchor_).dtype));
    keep(anchor_);
  }
  for (const ValueId v : full_nodes_) {
    Expr value = compute(lowering_.node(v), values, &point);
    if (value->type.lanes < point.lanes) value = loops::broadcast(value, point.lanes);
    if (values.room && masked_.contains(v)) value = loops::mask(value, values.room);
    values[v] = body.let("v", value);
    keep(v);
  }
}

void FusedCode::prefetch(Body& body, const std::vector<Expr>& index) const {
  for (const ValueId v : operands_) body.add(loops::prefetch(memories_.at(v), index));
}

// 0 where the element's number is below the threshold.
Expr FusedCode::dropout_mask(const Node& node, const Values& values, const Point& point) const {
  const auto p = node.attributes.get<double>("p");
  const auto i32 = [&](double value) { return loops::constant(Scalar::i32, value, point.lanes); };
  const Expr seed = loops::cast(loops::cast(values.at(node.inputs[0]), Scalar::i64), Scalar::i32);
  const Expr stream = i32(static_cast<double>(node.attributes.get<int64_t>("stream")));
  const Expr number =
      loops::random(loops::broadcast(seed, point.lanes), stream, element_numbers(domain_, view_, point));
  const Expr kept = loops::constant(Scalar::f32, 1 / (1 - p), point.lanes);
  return loops::select(loops::less(number, i32(threshold(p))), loops::constant(Scalar::f32, 0, point.lanes),
                       kept);
}

Expr FusedCode::compute(const Node& node, const Values& values, const Point* point) const {
  const OpInfo& op = info(node.op);
  if (node.op == Op::dropout_mask) return dropout_mask(node, values, *point);
  if (node.op == Op::constant) return loops::constant(Scalar::f32, node.attributes.get<double>("value"));
  if (node.op == Op::element_count)
    return loops::cast(Lowering::elements_per_channel(lowering_.type(node.inputs[0])), Scalar::f32);
  const Formula formula = formula_of(op, node.attributes);
  const Scalar scalar =
      op.in_double && formula.uses(Formula::Kind::log) ? Scalar::f64 : computed_in(node.type.dtype);
  const auto operand = [&](int i) {
    return loops::cast(values.at(node.inputs[static_cast<size_t>(i)]), scalar);
  };
  // Rounded to what it is stored as, even where it is not stored: fusing changes no value.
  return widened(loops::cast(FormulaCode(operand, scalar).of(formula), node.type.dtype));
}

int64_t FusedCode::bytes_per_element() const {
  int64_t sum = 0;
  for (const ValueId v : operands_) sum += bytes(lowering_.type(v).dtype);
  for (const auto& [v, memory] : memories_) {
    if (full(v) && memory->access == Access::write) sum += bytes(memory->scalar);
  }
  return sum;
}

// Only operands that a stored value is computed from: then every load comes before the store that replaces
// it.
std::vector<std::pair<ValueId, ValueId>> FusedCode::in_place(const Group& read_elsewhere) const {
  std::map<ValueId, std::set<ValueId>> sources;
  for (const ValueId u : operands_) sources[u] = {u};
  std::vector<std::pair<ValueId, ValueId>> pairs;
  for (const ValueId v : full_nodes_) {
    for (const ValueId u : lowering_.node(v).inputs) sources[v].insert(sources[u].begin(), sources[u].end());
    if (!lowering_.stored(v)) continue;
    for (const ValueId u : sources[v]) {
      const bool elsewhere =
          std::find(read_elsewhere.begin(), read_elsewhere.end(), u) != read_elsewhere.end();
      if (!elsewhere) pairs.emplace_back(v, u);
    }
  }
  return pairs;
}

}  // namespace rnc
