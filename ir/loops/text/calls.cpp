// What is written like a call: functions, casts and constants.
#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "ir/loops/construct.h"
#include "ir/loops/text/expression_reader.h"
#include "ir/text/suggest.h"

namespace rnc::loops {
namespace {

// A function of expressions only, with their number.
struct Function {
  std::string_view name;
  size_t operands;
  Expr (*make)(const std::vector<Expr>&);
};

using Operands = const std::vector<Expr>&;

constexpr std::array kFunctions = {
    Function{"min", 2, [](Operands x) { return min(x[0], x[1]); }},
    Function{"max", 2, [](Operands x) { return max(x[0], x[1]); }},
    Function{"sqrt", 1, [](Operands x) { return unary(Unary::sqrt, x[0]); }},
    Function{"exp", 1, [](Operands x) { return unary(Unary::exp, x[0]); }},
    Function{"log", 1, [](Operands x) { return unary(Unary::log, x[0]); }},
    Function{"floor", 1, [](Operands x) { return unary(Unary::floor, x[0]); }},
    Function{"tanh", 1, [](Operands x) { return unary(Unary::tanh, x[0]); }},
    Function{"erf", 1, [](Operands x) { return unary(Unary::erf, x[0]); }},
    Function{"fma", 3, [](Operands x) { return fma(x[0], x[1], x[2]); }},
    Function{"dot_pairs", 3, [](Operands x) { return dot_pairs(x[0], x[1], x[2]); }},
    Function{"select", 3, [](Operands x) { return select(x[0], x[1], x[2]); }},
    Function{"random", 3, [](Operands x) { return random(x[0], x[1], x[2]); }},
    Function{"zip", 2, [](Operands x) { return zip(x[0], x[1]); }},
    Function{"mask", 2, [](Operands x) { return mask(x[0], x[1]); }},
    Function{"reduce_add", 1, [](Operands x) { return reduce(Reduce::add, x[0]); }},
    Function{"reduce_max", 1, [](Operands x) { return reduce(Reduce::max, x[0]); }},
};

[[noreturn]] void unknown(const Token& name) {
  std::vector<std::string> known = {"broadcast", "spread", "interleave", "ramp", "f32",
                                    "f64",       "i32",    "i64",        "u8",   "bf16"};
  for (const Function& function : kFunctions) known.emplace_back(function.name);
  throw UserError(name.location, fmt::format("there is no function '{}'{}", name.text,
                                             suggestion(text::Wanted::other, name.text, known)));
}

Expr converted(int64_t literal, Scalar scalar) {
  if (wrap(static_cast<uint64_t>(literal), scalar) != literal)
    throw BrokenRule(fmt::format("{} is outside {}", literal, name(scalar)));
  return integer(literal, {scalar, 1});
}

// What no expression of integers begins with.
bool is_real(const Token& token) {
  return token.kind == TokenKind::real || token.is_word("inf") || token.is_word("nan");
}

}  // namespace

Expr ExpressionReader::call(const Token& name) {
  const Token open = tokens_.expect("(");
  const std::optional<ValueType> type = value_type(name);
  const auto function = std::ranges::find(kFunctions, name.text, &Function::name);
  Expr result;
  if (type) {
    result = constant(*type);
  } else if (function != kFunctions.end()) {
    const std::vector<Expr> given = operands(function->operands);
    result = obeying_rules(name.location, [&] { return function->make(given); });
  } else if (name.text == "broadcast") {
    const Expr a = operands(1)[0];
    const int lanes = small_integer("the number of lanes");
    result = obeying_rules(name.location, [&] { return broadcast(a, lanes); });
  } else if (name.text == "ramp") {
    const Expr first = operands(1)[0];
    tokens_.expect(",");
    const int64_t step = read_integer(tokens_, "the step", 0, INT32_MAX);
    const int lanes = small_integer("the number of lanes");
    result = obeying_rules(name.location, [&] { return ramp(first, step, lanes); });
  } else if (name.text == "spread") {
    const Expr a = operands(1)[0];
    const int group = small_integer("the size of a group"), element = small_integer("the element");
    result = obeying_rules(name.location, [&] { return spread(a, group, element); });
  } else if (name.text == "interleave") {
    const std::vector<Expr> given = operands(2);
    const int half = small_integer("the half");
    result = obeying_rules(name.location, [&] { return interleave(given[0], given[1], half); });
  } else {
    unknown(name);
  }
  tokens_.expect_close(")", open);
  return result;
}

std::vector<Expr> ExpressionReader::operands(size_t count) {
  std::vector<Expr> result;
  while (result.size() < count) {
    if (!result.empty()) tokens_.expect(",");
    result.push_back(disjunction());
  }
  return result;
}

int ExpressionReader::small_integer(std::string_view what) {
  tokens_.expect(",");
  return static_cast<int>(read_integer(tokens_, what, 0, kMostLanes));
}

// "f32x16(0.5)" is a constant, "f32(i)" a cast; "f32(3)" is either.
Expr ExpressionReader::constant(ValueType type) {
  const Token first = tokens_.current();
  const bool negative = first.is("-");
  if (is_float(type.scalar) && is_real(negative ? tokens_.following() : first)) {
    const double value = read_number(tokens_);
    return obeying_rules(first.location, [&] { return loops::constant(type.scalar, value, type.lanes); });
  }
  const Expr value = disjunction();
  const bool literal = is_constant(value) && (value->type == kIndex || value->type.scalar == Scalar::boolean);
  return obeying_rules(first.location, [&] {
    rule(literal || type.lanes == 1, "a cast is written with the scalar's name, whatever the lanes");
    if (literal && is_float(type.scalar)) {
      const auto real = static_cast<double>(value->integer);
      return loops::constant(type.scalar, negative && real == 0 ? -0.0 : real, type.lanes);
    }
    return literal ? broadcast(converted(value->integer, type.scalar), type.lanes) : cast(value, type.scalar);
  });
}

}  // namespace rnc::loops
