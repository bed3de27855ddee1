#include "passes/lower/conv/direct/weight_grad_result.h"

#include "passes/lower/rules.h"

namespace rnc {

using loops::Expr;
using loops::Extent;

namespace {

std::vector<Extent> view(const WeightGrad& conv, int64_t lanes) {
  const int64_t panel = conv.vectors * lanes;
  return {{ceil_div(conv.shape.outputs, panel), 0},
          {conv.in_blocks, 0},
          {conv.shape.h.kernel * conv.shape.w.kernel, 0},
          {conv.weight_lanes(static_cast<int>(lanes)), 0},
          {panel, 0}};
}

}  // namespace

WeightGradResult::WeightGradResult(Lowering& lowering, KernelBuilder& kernel, const Group& group,
                                   const WeightGrad& conv)
    : shape_(conv.shape),
      panel_(conv.vectors * lowering.lanes()),
      gradient_(conv.of),
      lanes_(lowering.lanes()),
      code_(lowering, kernel, epilogue_of(lowering.graph(), group), conv.of, lowering.type(conv.of),
            view(conv, lowering.lanes())) {}

void WeightGradResult::channel(Body& body, Expr channel) {
  input_channel_ = channel;
  channel_ = code_.channels(body, std::move(channel), lanes_, false);
}

// Of the vector at `index`, which lies along outputs: none of an input channel past the last.
Expr WeightGradResult::existing_lanes(Body& body, const std::vector<Expr>& index) const {
  const bool rows = shape_.channels % lanes_ != 0, lanes = shape_.outputs % panel_ != 0;
  if (!code_.masks() || (!rows && !lanes)) return {};
  Expr room = lanes ? loops::min(lanes_, shape_.outputs - (index[0] * panel_ + index[4])) : Expr(lanes_);
  if (rows) room = loops::select(loops::less(input_channel_, shape_.channels), room, 0);
  return body.let("room", room);
}

void WeightGradResult::store(Body& body, std::vector<Expr> index, Expr gradient) const {
  FusedCode::Values values = channel_;
  values.room = existing_lanes(body, index);
  values[gradient_] = std::move(gradient);
  code_.at(body, {std::move(index), lanes_, 4, {}}, values);
}

}  // namespace rnc
