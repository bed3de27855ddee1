// What operations mean at their edges: ties, NaN, padding, overflow, labels. The rest of their meaning is
// tested against PyTorch (golden_test.cpp).
#include "ir/graph/interpreter.h"

#include <doctest/doctest.h>

#include <cmath>
#include <limits>

#include "tests/support/model_builder.h"

using namespace rnc;
using rnc::test::ModelBuilder;

namespace {

using Values = std::vector<double>;
using List = std::initializer_list<std::pair<std::string, Attribute>>;
constexpr double NaN = std::numeric_limits<double>::quiet_NaN();

// The result of one operation on f32 values (i32 for a third or second operand of one dimension of cross
// entropy).
Values evaluate(Op op, const std::vector<TensorData>& operands, List list = {}) {
  ModelBuilder m;
  Tensors inputs;
  std::vector<ValueId> values;
  for (const TensorData& operand : operands) {
    const std::string name = "x" + std::to_string(values.size());
    const bool label = (op == Op::cross_entropy || op == Op::cross_entropy_grad) && operand.shape.size() == 1;
    values.push_back(m.input(name, label ? DType::i32 : DType::f32, operand.shape));
    inputs[name] = operand;
  }
  m.output("y", m.op(op, values, list));
  return interpret(m.graph(), 1, inputs, {}).outputs.at("y").values;
}

}  // namespace

TEST_CASE("relu keeps NaN; its gradient needs a positive result") {
  const Values y = evaluate(Op::relu, {{{4}, {-1, 0, 2, NaN}}});
  CHECK(Values(y.begin(), y.end() - 1) == Values{0, 0, 2});
  CHECK(std::isnan(y[3]));
  CHECK(evaluate(Op::relu_grad, {{{4}, {5, 5, 5, 5}}, {{4}, {0, 2, -1, NaN}}}) == Values{0, 5, 0, 0});
}

TEST_CASE("operands spread over channels, whatever follows them") {
  const TensorData x{{1, 2, 2}, {1, 2, 3, 4}};
  CHECK(evaluate(Op::sub, {x, {{2}, {10, 20}}}) == Values{-9, -8, -17, -16});
  CHECK(evaluate(Op::sub, {{{2}, {10, 20}}, x}) == Values{9, 8, 17, 16});
  CHECK(evaluate(Op::div, {x, {{}, {2}}}) == Values{0.5, 1, 1.5, 2});
  CHECK(evaluate(Op::expand_as, {{{2}, {10, 20}}, {{1, 2, 2}, {NaN, 2, 3, 4}}}) == Values{10, 10, 20, 20});
}

TEST_CASE("max_pool takes the first of equals, lets NaN win and never sees padding") {
  const List window = {{"kernel", int64_t{2}}, {"stride", int64_t{2}}};
  const TensorData x{{1, 1, 2, 4}, {3, 3, 1, 2, 3, 0, NaN, 5}};
  const Values y = evaluate(Op::max_pool, {x}, window);
  CHECK(y[0] == 3);
  CHECK(std::isnan(y[1]));
  CHECK(evaluate(Op::max_pool_grad, {{{1, 1, 1, 2}, {7, 9}}, x}, window) == Values{7, 0, 0, 0, 0, 0, 9, 0});
  CHECK(evaluate(Op::max_pool_select, {{{1, 1, 2, 4}, {1, 2, 3, 4, 5, 6, 7, 8}}, x}, window) == Values{1, 7});
  const List padded = {{"kernel", int64_t{3}}, {"stride", int64_t{2}}, {"pad", int64_t{1}}};
  CHECK(evaluate(Op::max_pool, {{{1, 1, 2, 2}, {-4, -3, -2, -1}}}, padded) == Values{-1});
}

TEST_CASE("avg_pool divides by the window or by its elements in the image") {
  const TensorData x{{1, 1, 1, 2}, {6, 12}};
  const std::vector<int64_t> kernel = {1, 3}, pad = {0, 1};
  CHECK(evaluate(Op::avg_pool, {x}, {{"kernel", kernel}, {"stride", int64_t{1}}, {"pad", pad}}) ==
        Values{6, 6});
  CHECK(evaluate(Op::avg_pool, {x},
                 {{"kernel", kernel}, {"stride", int64_t{1}}, {"pad", pad}, {"count_include_pad", false}}) ==
        Values{9, 9});
}

TEST_CASE("pad_channels adds zeros on both sides, slice_channels takes some channels") {
  const TensorData x{{2, 2, 1, 2}, {1, 2, 3, 4, 5, 6, 7, 8}};
  CHECK(evaluate(Op::pad_channels, {x}, {{"before", int64_t{1}}, {"after", int64_t{0}}}) ==
        Values{0, 0, 1, 2, 3, 4, 0, 0, 5, 6, 7, 8});
  CHECK(evaluate(Op::pad_channels, {x}, {{"before", int64_t{0}}, {"after", int64_t{1}}}) ==
        Values{1, 2, 3, 4, 0, 0, 5, 6, 7, 8, 0, 0});
  CHECK(evaluate(Op::slice_channels, {x}, {{"begin", int64_t{1}}, {"end", int64_t{2}}}) ==
        Values{3, 4, 7, 8});
}

TEST_CASE("roll moves elements round the end of their dimension, by any number of turns") {
  const TensorData x{{2, 3}, {1, 2, 3, 4, 5, 6}};
  const auto rolled = [&](int64_t axis, int64_t shift) {
    return evaluate(Op::roll, {x}, {{"axis", axis}, {"shift", shift}});
  };
  CHECK(rolled(1, 1) == Values{3, 1, 2, 6, 4, 5});
  CHECK(rolled(-1, -1) == Values{2, 3, 1, 5, 6, 4});
  CHECK(rolled(1, 7) == rolled(1, 1));
  CHECK(rolled(1, -8) == rolled(1, 1));
  CHECK(rolled(0, -3) == Values{4, 5, 6, 1, 2, 3});
  CHECK(rolled(0, 4) == x.values);
}

TEST_CASE("channel reductions go over batch and space") {
  const TensorData x{{2, 2, 2}, {1, 3, 10, 10, 5, 7, 10, 30}};
  CHECK(evaluate(Op::channel_sum, {x}) == Values{16, 60});
  CHECK(evaluate(Op::channel_mean, {x}) == Values{4, 15});
  CHECK(evaluate(Op::channel_variance, {x}) == Values{5, 75});
  CHECK(evaluate(Op::element_count, {x}) == Values{4});
}

TEST_CASE("softmax and cross entropy do not overflow") {
  const Values y = evaluate(Op::softmax, {{{1, 2}, {1000, 1000}}});
  CHECK(y[0] == doctest::Approx(0.5));
  CHECK(y[1] == doctest::Approx(0.5));
  const TensorData logits{{2, 2}, {1000, 0, 0, 0}};
  CHECK(evaluate(Op::cross_entropy, {logits, {{2}, {1, 0}}})[0] == doctest::Approx((1000 + std::log(2)) / 2));
  const Values gradient = evaluate(Op::cross_entropy_grad, {{{}, {2}}, logits, {{2}, {1, 0}}});
  CHECK(gradient[0] == doctest::Approx(1));
  CHECK(gradient[1] == doctest::Approx(-1));
  CHECK(gradient[2] == doctest::Approx(-0.5));
  CHECK(gradient[3] == doctest::Approx(0.5));
}

TEST_CASE("a label that is no class leaves the loss finite") {
  CHECK(std::isfinite(evaluate(Op::cross_entropy, {{{1, 2}, {1, 2}}, {{1}, {7}}})[0]));
  CHECK(std::isfinite(evaluate(Op::cross_entropy, {{{1, 2}, {1, 2}}, {{1}, {-1}}})[0]));
}

TEST_CASE("bias_correction is 1 - beta^step") {
  CHECK(evaluate(Op::bias_correction, {{{}, {0.9}}, {{}, {2}}})[0] == doctest::Approx(0.19));
}

TEST_CASE("every read in an entry sees the tensors as they were") {
  ModelBuilder m;
  const ValueId w = m.tensor("w", {2});
  const ValueId doubled = m.op(Op::add, {w, w});
  m.graph().assigns.push_back({"w", doubled});
  m.output("old", w);
  const Interpretation run = interpret(m.graph(), 1, {}, {{"w", {{2}, {1, 2}}}});
  CHECK(run.outputs.at("old").values == Values{1, 2});
  CHECK(run.assigned.at("w").values == Values{2, 4});
  CHECK(run.values[static_cast<size_t>(doubled)].values == Values{2, 4});
}

TEST_CASE("with a float's digits every result and every partial sum is a float") {
  CHECK(rounded(1.0 / 3, kFloatDigits) == static_cast<double>(1.0f / 3));
  CHECK(rounded(-1e30, kFloatDigits) == static_cast<double>(-1e30f));
  CHECK(rounded(0.1, kDoubleDigits) == 0.1);
  CHECK(rounded(5, 2) == 4);
  CHECK(std::isnan(rounded(NaN, 20)));
  // 1 is lost beside 2^24, each time.
  ModelBuilder m;
  const ValueId x = m.input("x", DType::f32, {1, 3}), w = m.input("w", DType::f32, {1, 3});
  m.output("y", m.op(Op::linear, {x, w}, {}, "y"));
  const Tensors inputs = {{"x", {{1, 3}, {0x1p24, 1, 1}}}, {"w", {{1, 3}, {1, 1, 1}}}};
  CHECK(interpret(m.graph(), 1, inputs, {}).outputs.at("y").values[0] == 0x1p24 + 2);
  CHECK(interpret(m.graph(), 1, inputs, {}, kFloatDigits).outputs.at("y").values[0] == 0x1p24);
}
