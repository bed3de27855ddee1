#include "passes/lower/conv/direct/weight_pairs.h"

namespace rnc {

using loops::Access;
using loops::Expr;
using loops::Scalar;

bool takes_pairs(const Lowering& lowering, const DirectConv& conv) {
  return lowering.target().dot_pairs && lowering.type(conv.in).dtype == DType::bf16 &&
         conv.weight_lanes(lowering.lanes()) % 2 == 0 && conv.spread == 0 &&
         computes_gradients(lowering.graph().role);
}

void use_pairs(Lowering& lowering, DirectConv& conv) {
  const int lanes = lowering.lanes();
  const int64_t inputs = conv.weight_lanes(lanes), outputs = conv.vectors * lanes;
  const int64_t rows = ceil_div(conv.out_channels, outputs) * conv.in_blocks * conv.kernel_taps;
  const int64_t weights = rows * inputs * outputs;
  const int64_t bf16_bytes = bytes(DType::bf16);
  const int from = std::exchange(conv.weight, lowering.temporary("weights in pairs", {weights * bf16_bytes, 0}));
  conv.pairs = true;
  KernelBuilder kernel("weight_pairs");
  const auto w = kernel.param("w", from, Scalar::f32, {{rows, 0}, {inputs, 0}, {outputs, 0}}, Access::read);
  const auto pairs = kernel.param("pairs", conv.weight, Scalar::bf16,
                                  {{rows, 0}, {inputs / 2, 0}, {2 * outputs, 0}}, Access::write);
  Body body(kernel.names());
  const Expr row = loops::task();
  body.loop("i", 0, inputs / 2, 1, [&](Body& b, Expr i) {
    for (int64_t o = 0; o < outputs; o += lanes) {
      const Expr even = b.let("even", loaded(w, {row, i * 2, o}, lanes, 2));
      const Expr odd = b.let("odd", loaded(w, {row, i * 2 + 1, o}, lanes, 2));
      for (const int half : {0, 1})
        b.store(pairs, {row, i, 2 * o + half * lanes}, loops::interleave(even, odd, half), 2);
    }
  });
  lowering.call(kernel, {rows, 0}, body, conv.out, {.bytes = {weights * (kFloatBytes + bf16_bytes), 0}});
}

}  // namespace rnc
