// Activations, as PyTorch's torch.nn.functional has them. At bends the branches are those of its gradients; a NaN stays.
#include <fmt/format.h>

#include <cmath>
#include <numbers>

#include "ir/ops/elementwise.h"

namespace rnc::ops {
namespace {

Formula first() { return Formula::operand(0); }
Formula second() { return Formula::operand(1); }

AttributeSpec real(std::string_view name, std::optional<Attribute> value) {
  return {name, AttributeKind::real, std::move(value)};
}
double number(const Attributes& attributes, std::string_view name) { return attributes.get<double>(name); }

// exp(x) - 1, as exact near 0 as elsewhere.
Formula exp_minus_1(const Formula& x) { return tanh(0.5 * x) * (exp(x) + 1); }

// dy y (1 - y)
Gradients gradient_sigmoid(GraphBuilder& g, ValueId forward, ValueId dy) {
  const ValueId rest = g.emit(Op::sub, {g.constant(1), forward});
  return {g.emit(Op::mul, {dy, g.emit(Op::mul, {forward, rest})})};
}

// With s = sigmoid(a): dy s (1 + a (1 - s)).
Gradients gradient_silu(GraphBuilder& g, ValueId forward, ValueId dy) {
  const ValueId x = g[forward].inputs[0], one = g.constant(1), s = g.emit(Op::sigmoid, {x});
  const ValueId rest = g.emit(Op::mul, {x, g.emit(Op::sub, {one, s})});
  return {g.emit(Op::mul, {dy, g.emit(Op::mul, {s, g.emit(Op::add, {one, rest})})})};
}

// dy sigmoid(beta a), or dy beyond the threshold
Gradients gradient_softplus(GraphBuilder& g, ValueId forward, ValueId dy) {
  const Node node = g[forward];
  const ValueId scaled = g.emit(Op::mul, {node.inputs[0], g.constant(number(node.attributes, "beta"))});
  const ValueId threshold = g.constant(number(node.attributes, "threshold")), one = g.constant(1);
  const ValueId factor = g.emit(Op::where_less, {threshold, scaled, one, g.emit(Op::sigmoid, {scaled})});
  return {g.emit(Op::mul, {dy, factor})};
}

// dy p a^(p - 1)
Gradients gradient_pow(GraphBuilder& g, ValueId forward, ValueId dy) {
  const Node node = g[forward];
  const double exponent = number(node.attributes, "exponent");
  if (exponent == 0) return {kNoValue};
  Attributes less;
  less.set("exponent", exponent - 1);
  const ValueId power = g.emit(Op::pow, {node.inputs[0]}, std::move(less));
  return {g.emit(Op::mul, {dy, g.emit(Op::mul, {power, g.constant(exponent)})})};
}

// a^n for whole n >= 1, by squaring.
Formula whole_power(const Formula& x, int64_t n) {
  if (n == 1) return x;
  const Formula half = whole_power(x, n / 2);
  return n % 2 == 0 ? half * half : half * half * x;
}

Formula power(const Attributes& attributes) {
  constexpr double kMultiplied = 64;
  const double p = number(attributes, "exponent");
  if (p == 0) return 1.0;
  if (p == 0.5) return sqrt(first());
  if (p == std::floor(p) && std::abs(p) <= kMultiplied) {
    const Formula whole = whole_power(first(), static_cast<int64_t>(std::abs(p)));
    return p > 0 ? whole : 1 / whole;
  }
  return exp(p * log(first()));
}

// Fails unless the attribute is a finite number.
void require_finite(const Node& node, std::string_view attribute) {
  const double value = number(node.attributes, attribute);
  if (!std::isfinite(value)) fail(node, fmt::format("{} must be finite, not {}", attribute, value));
}

Type like_operand(const Node& node, Types in) {
  require_real_at_least(node, in[0], 0, "the operand");
  for (const AttributeSpec& spec : info(node.op).attributes)
    if (spec.kind == AttributeKind::real) require_finite(node, spec.name);
  return like(in[0], in[0].shape);
}

Type infer_clip(const Node& node, Types in) {
  const double least = number(node.attributes, "min"), most = number(node.attributes, "max");
  if (!(least <= most)) fail(node, fmt::format("min {} is greater than max {}", least, most));
  require_real_at_least(node, in[0], 0, "the operand");
  return like(in[0], in[0].shape);
}

Type infer_gelu(const Node& node, Types in) {
  const auto& form = node.attributes.get<std::string>("approximate");
  if (form != "none" && form != "tanh")
    fail(node, fmt::format("approximate must be \"none\" or \"tanh\", not {}", str(Attribute(form))));
  return like_operand(node, in);
}

Formula gelu_formula(const Attributes& attributes) {
  if (attributes.get<std::string>("approximate") == "none")
    return 0.5 * first() * (1 + erf(std::numbers::sqrt2 / 2 * first()));
  const double scale = std::numbers::sqrt2 * std::numbers::inv_sqrtpi;
  return 0.5 * first() * (1 + tanh(scale * (first() + 0.044715 * (first() * first() * first()))));
}

OpInfo with(OpInfo row, std::vector<AttributeSpec> attributes, Formula (*formula)(const Attributes&)) {
  row.attributes = std::move(attributes);
  row.formula_with = formula;
  row.infer = like_operand;
  return row;
}

}  // namespace

OpInfo sigmoid() {
  return unary(Op::sigmoid, "sigmoid", "1 / (1 + exp(-a))", 1 / (1 + exp(-1 * first())), gradient_sigmoid);
}

OpInfo silu() {
  return unary(Op::silu, "silu", "a sigmoid(a), also called swish", first() / (1 + exp(-1 * first())),
               gradient_silu);
}

// The bends belong to the flat parts; 0 a keeps a NaN.
OpInfo relu6() {
  return unary(
      Op::relu6, "relu6", "min(max(a, 0), 6)",
      where_less(first(), 0, 0, where_less(0, first(), where_less(first(), 6, first(), 6), 0 * first())));
}

OpInfo hardsigmoid() {
  return unary(
      Op::hardsigmoid, "hardsigmoid", "relu6(a + 3) / 6",
      where_less(first(), -3, 0,
                 where_less(-3, first(), where_less(first(), 3, 1.0 / 6 * first() + 0.5, 1), 0 * first())));
}

OpInfo hardswish() {
  return unary(
      Op::hardswish, "hardswish", "a relu6(a + 3) / 6",
      where_less(first(), -3, 0, where_less(3, first(), first(), 1.0 / 6 * (first() * (first() + 3)))));
}

OpInfo leaky_relu() {
  return with(
      unary(Op::leaky_relu, "leaky_relu", "a where a > 0, else slope a", {}), {real("slope", 0.01)},
      [](const Attributes& f) { return where_less(0, first(), first(), number(f, "slope") * first()); });
}

OpInfo prelu() {
  return binary(Op::prelu, "prelu", "a where a > 0, else a b",
                where_less(0, first(), first(), second() * first()));
}

OpInfo elu() {
  return with(unary(Op::elu, "elu", "a where a > 0, else alpha (exp(a) - 1)", {}), {real("alpha", 1.0)},
              [](const Attributes& f) {
                return where_less(0, first(), first(), number(f, "alpha") * exp_minus_1(first()));
              });
}

OpInfo gelu() {
  OpInfo row = with(
      unary(Op::gelu, "gelu", "a times the normal distribution's share below a, or its form in tanh", {}),
      {{"approximate", AttributeKind::string, std::string("none")}}, gelu_formula);
  row.infer = infer_gelu;
  return row;
}

// log(1 + exp(x)) = max(x, 0) + log(w), w = 1 + u, u = exp(-|x|); what rounding takes from u, u log(w) / (w - 1) gives
// back (Kahan).
OpInfo softplus() {
  return with(unary(Op::softplus, "softplus", "log(1 + exp(beta a)) / beta, or a where beta a > threshold",
                    {}, gradient_softplus),
              {real("beta", 1.0), real("threshold", 20.0)}, [](const Attributes& f) {
                const double beta = number(f, "beta");
                const Formula x = beta * first(), u = exp(where_less(x, 0, x, -1 * x)), w = 1 + u;
                const Formula log_w = where_equal(w, 1, u, u * log(w) / (w - 1));
                return where_less(number(f, "threshold"), x, first(), 1 / beta * (max(x, 0) + log_w));
              });
}

// tanh(log(1 + e)) = n / (n + 2) with n = e (e + 2), e = exp(a); beyond 20 it is 1.
OpInfo mish() {
  const Formula e = exp(first()), n = e * (e + 2);
  return unary(Op::mish, "mish", "a tanh(softplus(a))",
               where_less(20, first(), first(), first() * (n / (n + 2))));
}

OpInfo clip() {
  OpInfo row = with(unary(Op::clip, "clip", "min where a < min, max where a > max, else a", {}),
                    {real("min", {}), real("max", {})}, [](const Attributes& f) {
                      const double least = number(f, "min"), most = number(f, "max");
                      return where_less(first(), least, least, where_less(most, first(), most, first()));
                    });
  row.infer = infer_clip;
  return row;
}

// Whole exponents up to 64 are multiplied, others computed in f64.
OpInfo pow() {
  OpInfo row = with(unary(Op::pow, "pow", "a to the power of exponent", {}, gradient_pow),
                    {real("exponent", {})}, power);
  row.in_double = true;
  return row;
}

}  // namespace rnc::ops
