#include "passes/lower/fused_input.h"

#include <algorithm>

namespace rnc {

using loops::Expr;

namespace {

bool contains(const Group& group, ValueId v) { return std::ranges::find(group, v) != group.end(); }

// The nodes of `group` that `value` is computed by, in order.
Group needed_for(const Lowering& lowering, const Group& group, ValueId value) {
  std::set<ValueId> needed = {value};
  Group nodes;
  for (auto v = group.rbegin(); v != group.rend(); ++v) {
    if (!needed.contains(*v)) continue;
    nodes.insert(nodes.begin(), *v);
    if (info(lowering.node(*v).op).reads_shape_only) continue;
    for (const ValueId u : lowering.node(*v).inputs) needed.insert(u);
  }
  return nodes;
}

}  // namespace

FusedInput::FusedInput(Lowering& lowering, KernelBuilder& kernel, const Group& group, std::string_view name,
                       ValueId value, const std::vector<loops::Extent>& view)
    : value_(value), lanes_(lowering.lanes()), view_(view) {
  if (contains(group, value)) {
    const Group nodes = needed_for(lowering, group, value);
    for (const ValueId v : nodes) {
      const Op op = lowering.node(v).op;
      check(info(op).kind == OpKind::elementwise || op == Op::constant || info(op).reads_shape_only,
            "an operand is computed by elementwise nodes");
    }
    code_.emplace(lowering, kernel, nodes, kNoValue, lowering.type(value), view);
    code_->keep_zero(value);
  } else {
    memory_ = lowering.view(kernel, name, value, view, loops::Access::read);
  }
}

void FusedInput::channels(Body& body, Expr channel) {
  if (code_) channels_ = code_->channels(body, std::move(channel), lanes_, true);
}

Expr FusedInput::load(Body& body, const std::vector<Expr>& index, const Expr& inside) const {
  const int lane_dim = static_cast<int>(index.size()) - 1;
  const Expr valid = inside ? loops::select(inside, Expr(lanes_), Expr(0)) : Expr();
  if (!code_) return body.let("x", loaded(memory_, index, lanes_, lane_dim, valid));
  FusedCode::Values values = channels_;
  code_->at(body, {index, lanes_, lane_dim, valid}, values, false);
  const Expr value = values.at(value_);
  if (!inside) return value;
  return body.let("x", loops::select(loops::broadcast(inside, lanes_), value, zeros(lanes_)));
}

void FusedInput::prefetch(Body& body, const std::vector<Expr>& index) const {
  if (code_) return code_->prefetch(body, index);
  body.add(loops::prefetch(memory_, index));
}

int64_t FusedInput::bytes_per_element() const { return code_ ? code_->bytes_per_element() : 4; }

}  // namespace rnc
