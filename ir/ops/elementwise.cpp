// Operations on each element by itself.
//
// Operands spread over the result as ir/ops/spread.h has it. NaN follows IEEE arithmetic; relu keeps NaN.
//
// A scalar may be f64, as the numbers of an optimizer are. Like a Python number beside a PyTorch tensor, it stays f64
// among its own kind and is rounded to f32 where it meets anything else.
#include "ir/ops/elementwise.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "ir/graph/interpreter.h"
#include "ir/ops/spread.h"

namespace rnc::ops {
namespace {

const Type kF64{DType::f64, {}, {}};

void require_number(const Node& node, const Type& type, std::string_view what) {
  if (type != kF64) require_real_at_least(node, type, 0, what);
}

Type infer_binary(const Node& node, Types in) {
  require_number(node, in[0], "the left operand");
  require_number(node, in[1], "the right operand");
  if (in[0] == kF64 && in[1] == kF64) return kF64;
  // A scalar takes the type of what it meets.
  const bool mixed = in[0].dtype != in[1].dtype && in[0].rank() > 0 && in[1].rank() > 0;
  if (mixed) fail(node, fmt::format("the types of {} and {} do not match", str(in[0]), str(in[1])));
  const Type& larger = in[0].rank() == 0 && (in[1].rank() > 0 || in[0] == kF64) ? in[1] : in[0];
  if (auto shape = spread_shape(in[0].shape, in[1].shape)) return like(larger, std::move(*shape));
  fail(node, fmt::format("the shapes of {} and {} do not match", str(in[0]), str(in[1])));
}

Type infer_unary(const Node& node, Types in) {
  require_number(node, in[0], "the operand");
  return {in[0].dtype, in[0].shape, {}};
}

Type infer_relu_grad(const Node& node, Types in) {
  if (in[0] == kF64 && in[1] == kF64) return kF64;
  require_real_at_least(node, in[0], 0, "the gradient");
  require_type(node, in[1], in[0], "the result of relu");
  return like(in[0], in[0].shape);
}

Type infer_expand_as(const Node& node, Types in) {
  require_real_at_least(node, in[0], 0, "the operand");
  require_real_at_least(node, in[1], 0, "the other");
  if (spreads_over(in[0].shape, in[1].shape)) return like(in[0], in[1].shape);
  fail(node, fmt::format("{} does not spread over {}", str(in[0]), str(in[1])));
}

// Whole numbers as what graphs compute in, and back as i32.
Type infer_cast(const Node& node, Types in) {
  const auto& to = node.attributes.get<std::string>("to");
  const bool becomes_whole = to == name(DType::i32);
  if (!becomes_whole && to != name(contract::kDefaultReal))
    fail(node, fmt::format("to must be \"{}\" or \"{}\", not \"{}\"", name(contract::kDefaultReal),
                           name(DType::i32), to));
  if (in[0].dtype == DType::f64 || (becomes_whole && !is_real(in[0].dtype)))
    fail(node, fmt::format("{} is no operand of it", str(in[0])));
  return {becomes_whole ? DType::i32 : contract::kDefaultReal, in[0].shape, {}};
}

// To whole numbers what is left is cut off afterwards: the largest is the largest f32 below 2^31, and NaN becomes 0.
Formula cast_formula(const Attributes& attributes) {
  const Formula a = Formula::operand(0);
  if (attributes.get<std::string>("to") != name(DType::i32)) return a;
  return where_equal(a, a, max(min(a, 0x1p31 - 128), -0x1p31), 0);
}

Type infer_complement(const Node& node, Types in) {
  if (in[0] == kF64) return kF64;
  require_type(node, in[0], {}, "the operand");
  return {};
}

Type infer_bias_correction(const Node& node, Types in) {
  if (in[0] == kF64 && in[1] == kF64) return kF64;
  require_type(node, in[0], {}, "beta");
  require_type(node, in[1], {}, "step");
  return {};
}

// The element of an operand that meets element `index` of a result of shape `result`.
double element(const TensorData& operand, const Shape& result, size_t index) {
  if (operand.shape == result) return operand.values[index];
  if (operand.shape.empty()) return operand.values[0];
  if (operand.shape.size() == result.size()) {
    size_t place = 0, stride = 1;
    for (size_t d = result.size(); d-- > 0;) {
      const auto size = static_cast<size_t>(result[d]);
      if (operand.shape[d] == result[d]) {
        place += index % size * stride;
        stride *= size;
      }
      index /= size;
    }
    return operand.values[place];
  }
  int64_t inner = 1;  // elements of one channel of one sample
  for (size_t d = 2; d < result.size(); ++d) inner *= result[d];
  return operand.values[index / static_cast<size_t>(inner) % operand.values.size()];
}

void evaluate_formula(EvalContext& context) {
  const Formula formula = formula_of(info(context.node.op), context.node.attributes);
  TensorData& y = context.result;
  std::vector<double> operands(context.inputs.size());
  for (size_t i = 0; i < y.values.size(); ++i) {
    for (size_t k = 0; k < operands.size(); ++k) operands[k] = element(*context.inputs[k], y.shape, i);
    y.values[i] = formula.evaluate(operands);
  }
}

void evaluate_cast(EvalContext& context) {
  evaluate_formula(context);
  if (is_real(context.node.type.dtype)) return;
  for (double& value : context.result.values) value = std::trunc(value);
}

// The sum of all elements of `v`, made of the sums over channels there are.
ValueId sum_all(GraphBuilder& b, ValueId v) {
  Shape shape = b[v].type.shape;
  if (shape.size() == 1) shape.push_back(1);
  if (shape[1] == 1 && shape != b[v].type.shape) v = emit_reshape(b, v, shape);
  if (shape.size() > 2) v = b.emit(Op::flatten, {v});
  v = b.emit(Op::channel_sum, {v});
  const int64_t channels = b[v].type.shape[0];
  if (channels > 1) v = b.emit(Op::channel_sum, {emit_reshape(b, v, {channels, 1})});
  return emit_reshape(b, v, {});
}

// The gradient of an operand from `v`, the gradient of what it was broadcast to.
ValueId reduce_to(GraphBuilder& b, ValueId v, ValueId operand) {
  const Shape shape = b[operand].type.shape;
  if (shape == b[v].type.shape) return v;
  if (shape.size() == b[v].type.shape.size()) {
    Attributes attributes;
    attributes.set("axes", spread_axes(shape, b[v].type.shape));
    attributes.set("keepdims", true);
    return b.emit(Op::sum, {v}, std::move(attributes));
  }
  return shape.empty() ? sum_all(b, v) : b.emit(Op::channel_sum, {v});
}

ValueId scaled(GraphBuilder& b, ValueId v, double factor) {
  const ValueId constant = b.constant(factor);
  return b.emit(Op::mul, {v, constant});
}

Gradients gradient_add(GraphBuilder& b, ValueId forward, ValueId dy) {
  const std::vector<ValueId> in = b[forward].inputs;
  return {reduce_to(b, dy, in[0]), reduce_to(b, dy, in[1])};
}

Gradients gradient_sub(GraphBuilder& b, ValueId forward, ValueId dy) {
  const std::vector<ValueId> in = b[forward].inputs;
  return {reduce_to(b, dy, in[0]), scaled(b, reduce_to(b, dy, in[1]), -1)};
}

Gradients gradient_mul(GraphBuilder& b, ValueId forward, ValueId dy) {
  const std::vector<ValueId> in = b[forward].inputs;
  const ValueId to_left = b.emit(Op::mul, {dy, in[1]});
  const ValueId to_right = b.emit(Op::mul, {dy, in[0]});
  return {reduce_to(b, to_left, in[0]), reduce_to(b, to_right, in[1])};
}

// d(a / b) / db = -y / b.
Gradients gradient_div(GraphBuilder& b, ValueId forward, ValueId dy) {
  const std::vector<ValueId> in = b[forward].inputs;
  const ValueId to_left = b.emit(Op::div, {dy, in[1]});
  const ValueId to_right = b.emit(Op::mul, {to_left, forward});
  return {reduce_to(b, to_left, in[0]), scaled(b, reduce_to(b, to_right, in[1]), -1)};
}

Gradients gradient_sqrt(GraphBuilder& b, ValueId forward, ValueId dy) {
  return {b.emit(Op::div, {scaled(b, dy, 0.5), forward})};
}

// d(a^-1/2) / da = -1/2 y^3.
Gradients gradient_rsqrt(GraphBuilder& b, ValueId forward, ValueId dy) {
  const ValueId square = b.emit(Op::mul, {forward, forward});
  const ValueId cube = b.emit(Op::mul, {square, forward});
  return {b.emit(Op::mul, {scaled(b, dy, -0.5), cube})};
}

Gradients gradient_complement(GraphBuilder& b, ValueId, ValueId dy) { return {scaled(b, dy, -1)}; }

Gradients gradient_relu(GraphBuilder& b, ValueId forward, ValueId dy) {
  return {b.emit(Op::relu_grad, {dy, forward})};
}

Gradients gradient_cast(GraphBuilder& b, ValueId forward, ValueId dy) {
  const bool real = is_real(b[b[forward].inputs[0]].type.dtype);
  return {real ? dy : kNoValue};
}

Gradients gradient_expand_as(GraphBuilder& b, ValueId forward, ValueId dy) {
  return {reduce_to(b, dy, b[forward].inputs[0]), kNoValue};
}

}  // namespace

Type infer_spread(const Node& node, Types in) {
  const auto larger = [](const Type& x, const Type& y) { return x.rank() < y.rank(); };
  Type result = *std::max_element(in.begin(), in.end(), larger);
  result.layout = {};
  for (const Type& type : in) {
    require_number(node, type, "an operand");
    const bool same = type.dtype == result.dtype || type.rank() == 0;
    auto shape = spread_shape(type.shape, result.shape);
    if (!same || !shape) fail(node, fmt::format("{} does not spread over {}", str(type), str(result)));
    result.shape = std::move(*shape);
  }
  return result;
}

// The nodes that compute a formula of these values.
ValueId emit_formula(GraphBuilder& b, const Formula& formula, const std::vector<ValueId>& operands) {
  using Kind = Formula::Kind;
  if (formula.kind() == Kind::operand) return operands[static_cast<size_t>(formula.index())];
  if (formula.kind() == Kind::constant) return b.constant(formula.value());
  std::vector<ValueId> parts;
  for (const Formula& part : formula.parts()) parts.push_back(emit_formula(b, part, operands));
  constexpr std::array kOps = {Op::input, Op::constant, Op::add,        Op::sub,        Op::mul, Op::div,
                               Op::min,   Op::max,      Op::sqrt,       Op::exp,        Op::log, Op::tanh,
                               Op::erf,   Op::floor,    Op::where_less, Op::where_equal};
  return b.emit(kOps[static_cast<size_t>(formula.kind())], std::move(parts));
}

Gradients gradient_of_formula(GraphBuilder& b, ValueId forward, ValueId dy) {
  const Node node = b[forward];
  const Formula formula = formula_of(info(node.op), node.attributes);
  Gradients gradients;
  for (size_t i = 0; i < node.inputs.size(); ++i) {
    const Formula derivative = formula.derivative(static_cast<int>(i));
    if (derivative.is(0)) {
      gradients.push_back(kNoValue);
      continue;
    }
    const ValueId factor = emit_formula(b, derivative, node.inputs);
    gradients.push_back(reduce_to(b, b.emit(Op::mul, {dy, factor}), node.inputs[i]));
  }
  return gradients;
}

OpInfo elementwise(Op op, std::string_view name, int inputs, std::string_view doc,
                   std::optional<Formula> formula) {
  return {.op = op,
          .name = name,
          .kind = OpKind::elementwise,
          .min_inputs = inputs,
          .max_inputs = inputs,
          .doc = doc,
          .formula = std::move(formula),
          .infer = infer_spread,
          .gradient = gradient_of_formula,
          .evaluate = evaluate_formula};
}

OpInfo unary(Op op, std::string_view name, std::string_view doc, std::optional<Formula> formula,
             decltype(OpInfo::gradient) gradient) {
  OpInfo row = elementwise(op, name, 1, doc, std::move(formula));
  row.infer = infer_unary;
  row.gradient = gradient;
  return row;
}

OpInfo binary(Op op, std::string_view name, std::string_view doc, std::optional<Formula> formula,
              decltype(OpInfo::gradient) gradient) {
  OpInfo row = elementwise(op, name, 2, doc, std::move(formula));
  row.infer = infer_binary;
  row.gradient = gradient;
  return row;
}

namespace {

// The operands in formulas.
Formula a() { return Formula::operand(0); }
Formula b() { return Formula::operand(1); }
Formula c() { return Formula::operand(2); }
Formula d() { return Formula::operand(3); }

}  // namespace

OpInfo add() { return binary(Op::add, "add", "a + b", a() + b(), gradient_add); }
OpInfo sub() { return binary(Op::sub, "sub", "a - b", a() - b(), gradient_sub); }
OpInfo mul() { return binary(Op::mul, "mul", "a * b", a() * b(), gradient_mul); }
OpInfo div() { return binary(Op::div, "div", "a / b", a() / b(), gradient_div); }
OpInfo sqrt() { return unary(Op::sqrt, "sqrt", "the square root", sqrt(a()), gradient_sqrt); }
OpInfo rsqrt() { return unary(Op::rsqrt, "rsqrt", "1 / sqrt(a)", 1 / sqrt(a()), gradient_rsqrt); }
OpInfo relu() {
  return unary(Op::relu, "relu", "max(a, 0); NaN stays NaN", where_less(a(), 0, 0, a()), gradient_relu);
}

OpInfo relu_grad() {
  OpInfo row =
      elementwise(Op::relu_grad, "relu_grad", 2, "dy where y > 0, else 0", where_less(0, b(), a(), 0));
  row.infer = infer_relu_grad;
  row.gradient = nullptr;
  return row;
}

OpInfo cast() {
  OpInfo row =
      elementwise(Op::cast, "cast", 1,
                  "the number as one of another type; as \"i32\" without what is behind the point", {});
  row.formula_with = cast_formula;
  row.evaluate = evaluate_cast;
  row.attributes = {{"to", AttributeKind::string, std::string(name(contract::kDefaultReal))}};
  row.infer = infer_cast;
  row.gradient = gradient_cast;
  return row;
}

OpInfo expand_as() {
  OpInfo row = elementwise(Op::expand_as, "expand_as", 2, "a spread over the shape of b", a());
  row.infer = infer_expand_as;
  row.gradient = gradient_expand_as;
  return row;
}

OpInfo complement() {
  OpInfo row = unary(Op::complement, "complement", "1 - a, of a scalar", 1 - a(), gradient_complement);
  row.infer = infer_complement;
  return row;
}

OpInfo bias_correction() {
  OpInfo row = elementwise(Op::bias_correction, "bias_correction", 2, "1 - a^b, of scalars: beta and step",
                           1 - exp(b() * log(a())));
  row.in_double = true;
  row.infer = infer_bias_correction;
  row.gradient = nullptr;
  return row;
}

OpInfo exp() { return unary(Op::exp, "exp", "e to the power of a", exp(a())); }
OpInfo log() { return unary(Op::log, "log", "the natural logarithm", log(a())); }
OpInfo tanh() { return unary(Op::tanh, "tanh", "the hyperbolic tangent", tanh(a())); }
OpInfo erf() { return unary(Op::erf, "erf", "the error function", erf(a())); }
// The gradient of abs at 0 is 0, as PyTorch's.
OpInfo abs() {
  return unary(Op::abs, "abs", "the absolute value",
               where_less(a(), 0, -1 * a(), where_less(0, a(), a(), 0 * a())));
}
OpInfo sign() {
  return unary(Op::sign, "sign", "-1 where a < 0, 1 where a > 0, else 0",
               where_less(a(), 0, -1, where_less(0, a(), 1, 0)));
}
// Rounding is flat: its gradient is 0, as PyTorch's.
OpInfo floor() {
  return unary(Op::floor, "floor", "the largest whole number that is not above a", floor(a()));
}
OpInfo ceil() {
  return unary(Op::ceil, "ceil", "the smallest whole number that is not below a", -1 * floor(-1 * a()));
}
OpInfo round() {
  const Formula below = floor(a()), rest = a() - below, half = 0.5 * below;
  return unary(Op::round, "round", "the nearest whole number; of two as near, the even one",
               where_less(0.5, rest, below + 1,
                          where_equal(rest, 0.5, where_equal(floor(half), half, below, below + 1), below)));
}
OpInfo square() { return unary(Op::square, "square", "a * a", a() * a()); }

OpInfo min() { return binary(Op::min, "min", "the smaller one; NaN if either is", min(a(), b())); }
OpInfo max() { return binary(Op::max, "max", "the larger one; NaN if either is", max(a(), b())); }

// Comparisons are 1 where they hold, else 0.
OpInfo less() { return binary(Op::less, "less", "1 where a < b, else 0", where_less(a(), b(), 1, 0)); }
OpInfo less_equal() {
  return binary(Op::less_equal, "less_equal", "1 where a <= b, else 0",
                where_less(a(), b(), 1, where_equal(a(), b(), 1, 0)));
}
OpInfo greater() {
  return binary(Op::greater, "greater", "1 where a > b, else 0", where_less(b(), a(), 1, 0));
}
OpInfo greater_equal() {
  return binary(Op::greater_equal, "greater_equal", "1 where a >= b, else 0",
                where_less(b(), a(), 1, where_equal(a(), b(), 1, 0)));
}
OpInfo equal() { return binary(Op::equal, "equal", "1 where a == b, else 0", where_equal(a(), b(), 1, 0)); }
OpInfo not_equal() {
  return binary(Op::not_equal, "not_equal", "0 where a == b, else 1", where_equal(a(), b(), 0, 1));
}
OpInfo where() {
  return elementwise(Op::where, "where", 3, "b where a is not 0, else c", where_equal(a(), 0, c(), b()));
}
OpInfo where_less() {
  return elementwise(Op::where_less, "where_less", 4, "c where a < b, else d",
                     where_less(a(), b(), c(), d()));
}
OpInfo where_equal() {
  return elementwise(Op::where_equal, "where_equal", 4, "c where a == b, else d",
                     where_equal(a(), b(), c(), d()));
}

}  // namespace rnc::ops
