// Ten steps of compiled optimizers, with numbers that f32 does not hold: as exact as PyTorch in float32,
// whose numbers are double. The expected values are those of torch.optim in float64 (PyTorch 1.13), which
// PyTorch in float32 meets within 4e-7.
#include <doctest/doctest.h>

#include <cmath>

#include "ir/text/text.h"
#include "tests/run/compiled_model.h"
#include "tests/unit/compiler/compiled.h"

using namespace rnc;
using namespace rnc::test;

namespace {

struct Case {
  std::string optimizer;
  double lr;
  std::map<std::string, std::vector<double>> expected;
};

const std::vector<Case>& cases() {
  static const std::vector<Case> table = {
      {"sgd(momentum = 0.0, dampening = 0.5)",
       0.1,
       {{"p", {0.4999999999999996, 1.2499999999999991, -1.0, 0.9990000000000001}}}},
      {"sgd(momentum = 0.9999, dampening = 0.9999, weight_decay = 0.01)",
       0.1,
       {{"p", {0.4900008413313198, 1.2399996040793793, -1.0099966841647978, 0.9890000181463618}},
        {"momentum.p", {0.5099977056135754, -0.2399989202887414, 2.009990957418208, 0.010999950513233983}}}},
      {"sgd(momentum = 0.999, nesterov = true)",
       0.1,
       {{"p", {-2.2390247104461602, 2.6195123552230806, -11.95609884178464, 0.9935219505791076}},
        {"momentum.p", {4.977559895125895, -2.4887799475629473, 19.91023958050358, 0.00995511979025179}}}},
      {"adam(beta1 = 0.9, beta2 = 0.9999)",
       0.05,
       {{"p", {0.5000000099999988, 1.499999980000002, 0.500000002499999, 0.5000049999499995}},
        {"exp_avg.p", {0.3256607799499999, -0.16283038997499996, 1.3026431197999997, 0.0006513215598999998}},
        {"exp_avg_sq.p",
         {0.00024988752999472315, 6.247188249868079e-05, 0.00399820047991557, 9.995501199788925e-10}}}},
      {"adam(beta1 = 0.0, beta2 = 0.9999999, eps = 1e-8, weight_decay = 0.1)",
       0.05,
       {{"p", {0.5095368654382657, 1.459985373797582, 0.5026918414944994, 0.5610699872947666}},
        {"exp_avg.p", {0.5557619323850481, -0.10818680368122134, 2.0552152628315365, 0.06085802305291671}},
        {"exp_avg_sq.p",
         {3.339981494221745e-07, 1.6704236012177162e-08, 4.316506509781217e-06, 6.5807535396485794e-09}}}},
      {"adamw(beta1 = 0.9999, beta2 = 0.99999, weight_decay = 0.3)",
       0.05,
       {{"p", {0.39216525914100936, 1.3272956160259732, 0.39216525212753167, 0.39216992539487455}},
        {"exp_avg.p",
         {0.0004997750599894463, -0.00024988752999472315, 0.001999100239957785, 9.995501199788926e-07}},
        {"exp_avg_sq.p",
         {2.499887502988571e-05, 6.249718757471428e-06, 0.0003999820004781714, 9.999550011954288e-11}}}},
      {"rmsprop(alpha = 0.9999)",
       0.001,
       {{"p", {0.49785717520934736, 1.5021422389286776, 0.49785673581181833, 0.4981493221291837}},
        {"square_avg.p",
         {0.00024988752999472315, 6.247188249868079e-05, 0.00399820047991557, 9.995501199788925e-10}}}},
      {"rmsprop(alpha = 0.99999, momentum = 0.9, centered = true)",
       0.001,
       {{"p", {-6.499899202222635, 8.499868122384136, -6.499922512292973, -6.4844265200472755}},
        {"square_avg.p",
         {2.499887502988571e-05, 6.249718757471428e-06, 0.0003999820004781714, 9.999550011954288e-11}},
        {"momentum.p", {930.9249894641813, -930.9219337445592, 930.9272812694321, 929.4031199593993}},
        {"grad_avg.p",
         {4.999775005977142e-05, -2.499887502988571e-05, 0.0001999910002390857, 9.999550011954288e-08}}}},
  };
  return table;
}

Module model_with(const std::string& optimizer) {
  const std::string text =
      "model m(x: f32[N, 4], label: i32[N]) {\n"
      "  parameter p : f32[4] = constant(1.0)\n"
      "  y = x * p\n  predict y\n  loss cross_entropy(y, label)\n"
      "  train " +
      optimizer + "\n}\n";
  return parse(std::make_shared<SourceFile>(SourceFile{"m.graph", text}));
}

double error_of(double value, double expected) {
  return expected == 0 ? std::abs(value) : std::abs(value - expected) / std::abs(expected);
}

}  // namespace

TEST_CASE("optimizers: ten steps with numbers close to 1 are PyTorch's") {
  for (const Case& c : cases()) {
    CAPTURE(c.optimizer);
    const CompiledModel model(model_with(c.optimizer), runnable_cpus().front());
    const Tensors tensors = {{"p", {{4}, {1, 1, 1, 1}}}, {"grad.p", {{4}, {0.5, -0.25, 2.0, 0.001}}}};
    const Tensors result = model.run("update", {{"lr", {{}, {c.lr}}}}, tensors, 10);
    for (const auto& [name, expected] : c.expected) {
      CAPTURE(name);
      REQUIRE(result.contains(name));
      for (size_t i = 0; i < expected.size(); ++i) {
        CAPTURE(result.at(name).values[i]);
        CHECK(error_of(result.at(name).values[i], expected[i]) < 1e-6);
      }
    }
  }
}
