#include "passes/lower/conv/weight_grad_result.h"

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
    : gradient_(conv.of),
      lanes_(lowering.lanes()),
      code_(lowering, kernel, epilogue_of(lowering.graph(), group), conv.of, lowering.type(conv.of),
            view(conv, lowering.lanes())) {}

void WeightGradResult::channel(Body& body, Expr channel) {
  channel_ = code_.channels(body, std::move(channel), lanes_, false);
}

void WeightGradResult::store(Body& body, std::vector<Expr> index, Expr gradient) const {
  FusedCode::Values values = channel_;
  values[gradient_] = std::move(gradient);
  code_.at(body, {std::move(index), lanes_, 4, {}}, values);
}

}  // namespace rnc
