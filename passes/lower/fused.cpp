#include "passes/lower/fused.h"

#include <algorithm>
#include <functional>

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

using Operands = std::function<Expr(int)>;
Expr code_of(const Formula& formula, const Operands& operand);

// Two parts of a formula that meet, of one type: a constant is of that of the other.
std::pair<Expr, Expr> pair_of(const Formula& a, const Formula& b, const Operands& operand) {
  const auto like = [](const Formula& constant, const Expr& other) {
    return loops::constant(other->type.scalar, constant.value(), other->type.lanes);
  };
  if (a.kind() == Formula::Kind::constant) {
    const Expr other = code_of(b, operand);
    return {like(a, other), other};
  }
  Expr x = code_of(a, operand);
  if (b.kind() == Formula::Kind::constant) return {x, like(b, x)};
  Expr y = code_of(b, operand);
  to_same_lanes(x, y);
  return {x, y};
}

Expr code_of(const Formula& formula, const Operands& operand) {
  using Kind = Formula::Kind;
  const auto& parts = formula.parts();
  const auto binary = [&](loops::Binary op) {
    const auto [a, b] = pair_of(parts[0], parts[1], operand);
    return loops::binary(op, a, b);
  };
  const auto unary = [&](loops::Unary op) { return loops::unary(op, code_of(parts[0], operand)); };
  switch (formula.kind()) {
    case Kind::operand:
      return operand(formula.index());
    case Kind::constant:
      unreachable("a formula of a constant alone");
    case Kind::add:
      return binary(loops::Binary::add);
    case Kind::sub:
      return binary(loops::Binary::sub);
    case Kind::mul:
      return binary(loops::Binary::mul);
    case Kind::div:
      return binary(loops::Binary::div);
    case Kind::sqrt:
      return unary(loops::Unary::sqrt);
    case Kind::exp:
      return unary(loops::Unary::exp);
    case Kind::log:
      return unary(loops::Unary::log);
    case Kind::select: {
      const Expr condition = binary(loops::Binary::lt);
      auto [yes, no] = pair_of(parts[2], parts[3], operand);
      if (yes->type.lanes < condition->type.lanes) {
        yes = loops::broadcast(yes, condition->type.lanes);
        no = loops::broadcast(no, condition->type.lanes);
      }
      return loops::select(condition, yes, no);
    }
  }
  unreachable("formula");
}

}  // namespace

Extent channel_extent(int64_t channels, int lanes) { return {round_up(channels, lanes), 0}; }

FusedCode::FusedCode(Lowering& lowering, KernelBuilder& kernel, const Group& group, ValueId anchor,
                     const Type& domain, std::vector<Extent> view)
    : lowering_(lowering), kernel_(kernel), domain_(domain), view_(std::move(view)), anchor_(anchor) {
  const auto inside = [&](ValueId v) { return std::find(group.begin(), group.end(), v) != group.end(); };
  for (const ValueId v : group) {
    const bool reduces = info(lowering.node(v).op).kind == OpKind::reduction;  // see ChannelReductions
    if (v != anchor && !reduces) (full(v) ? full_nodes_ : channel_nodes_).push_back(v);
    if (v == anchor || info(lowering.node(v).op).reads_shape_only) continue;
    for (const ValueId u : lowering.node(v).inputs) {
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
    if (info(lowering.node(v).op).kind == OpKind::reduction) leaving_.insert(lowering.node(v).inputs[0]);
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
    value = loops::load(memory, {0});
  } else if (along_channels && lanes > 1) {
    return body.let("c", loops::load(memory, {channel}, lanes, 0, valid));
  } else {
    value = loops::load(memory, {channel});
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
    return point.lanes > 1 ? loops::load(memory, point.index, point.lanes, point.lane_dim, point.valid)
                           : loops::load(memory, point.index);
  };
  const auto keep = [&](ValueId v) {
    if (store && lowering_.stored(v)) {
      body.store(memories_.at(v), point.index, values.at(v), point.lane_dim, point.valid);
    }
  };
  for (const ValueId v : operands_) values[v] = body.let("v", load(v));
  if (anchor_ != kNoValue) keep(anchor_);
  for (const ValueId v : full_nodes_) {
    Expr value = compute(lowering_.node(v), values);
    if (value->type.lanes < point.lanes) value = loops::broadcast(value, point.lanes);
    if (values.room && masked_.contains(v)) value = loops::mask(value, values.room);
    values[v] = body.let("v", value);
    keep(v);
  }
}

void FusedCode::prefetch(Body& body, const std::vector<Expr>& index) const {
  for (const ValueId v : operands_) body.add(loops::prefetch(memories_.at(v), index));
}

Expr FusedCode::compute(const Node& node, const Values& values) const {
  const OpInfo& op = info(node.op);
  if (node.op == Op::constant) return loops::constant(Scalar::f32, node.attributes.get<double>("value"));
  if (node.op == Op::element_count)
    return loops::cast(Lowering::elements_per_channel(lowering_.type(node.inputs[0])), Scalar::f32);
  check(op.formula.has_value(), op.name);
  const Scalar result = node.type.dtype, scalar = op.in_double ? Scalar::f64 : result;
  const auto operand = [&](int i) {
    return loops::cast(values.at(node.inputs[static_cast<size_t>(i)]), scalar);
  };
  return loops::cast(code_of(*op.formula, operand), result);
}

int64_t FusedCode::bytes_per_element() const {
  auto count = static_cast<int64_t>(operands_.size());
  for (const auto& [v, memory] : memories_) count += full(v) && memory->access == Access::write ? 1 : 0;
  return kFloatBytes * count;
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
