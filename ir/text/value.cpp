#include "ir/text/value.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>

#include "ir/text/lexer.h"

namespace rnc::text {
namespace {

constexpr size_t kMaxSteps = 10'000'000;
constexpr int kMaxLevels = 400;

bool is_number(const Value& value) {
  return value.get<int64_t>() != nullptr || value.get<double>() != nullptr;
}

double as_double(const Value& value) {
  const auto* integer = value.get<int64_t>();
  return integer != nullptr ? static_cast<double>(*integer) : *value.get<double>();
}

[[noreturn]] void overflow(const Expr& op, int64_t a, int64_t b) {
  throw UserError(op.location, fmt::format("{} {} {} is too large", a, op.text, b));
}

Value integer_arithmetic(const Expr& op, int64_t a, int64_t b) {
  int64_t result = 0;
  if (op.text == "+" && __builtin_add_overflow(a, b, &result)) overflow(op, a, b);
  if (op.text == "-" && __builtin_sub_overflow(a, b, &result)) overflow(op, a, b);
  if (op.text == "*" && __builtin_mul_overflow(a, b, &result)) overflow(op, a, b);
  if (op.text == "/" || op.text == "//") {
    if (b == 0) throw UserError(op.location, fmt::format("{} {} 0: division by zero", a, op.text));
    if (a == INT64_MIN && b == -1) overflow(op, a, b);
    if (op.text == "/" && a % b != 0) {
      throw UserError(op.location, fmt::format("{} / {} is not an integer; write {} // {} to round down or "
                                               "{}.0 / {} for a real number",
                                               a, b, a, b, a, b));
    }
    result = a / b - (a % b != 0 && (a < 0) != (b < 0) ? 1 : 0);
  }
  return {result};
}

Value real_arithmetic(const Expr& op, double a, double b) {
  if (op.text == "+") return {a + b};
  if (op.text == "-") return {a - b};
  if (op.text == "*") return {a * b};
  if (b == 0) throw UserError(op.location, fmt::format("{} {} 0: division by zero", a, op.text));
  return {op.text == "/" ? a / b : std::floor(a / b)};
}

template <class T>
bool compare(const std::string& op, const T& a, const T& b) {
  if (op == "==") return a == b;
  if (op == "!=") return a != b;
  if (op == "<") return a < b;
  if (op == "<=") return a <= b;
  if (op == ">") return a > b;
  return a >= b;
}

Value binary(const Expr& op, const Value& a, const Value& b) {
  const bool is_comparison = op.text[0] == '<' || op.text[0] == '>' || op.text[0] == '=' || op.text[0] == '!';
  const bool is_equality = op.text == "==" || op.text == "!=";
  const auto *x = a.get<int64_t>(), *y = b.get<int64_t>();
  if (x != nullptr && y != nullptr) {
    return is_comparison ? Value{compare(op.text, *x, *y)} : integer_arithmetic(op, *x, *y);
  }
  if (is_number(a) && is_number(b)) {
    return is_comparison ? Value{compare(op.text, as_double(a), as_double(b))}
                         : real_arithmetic(op, as_double(a), as_double(b));
  }
  const auto *text = a.get<std::string>(), *other = b.get<std::string>();
  if (is_equality && (text != nullptr || other != nullptr)) {  // pad == "same", whatever else a pad may be
    const bool same = text != nullptr && other != nullptr && *text == *other;
    return {same == (op.text == "==")};
  }
  if (is_equality && a.get<bool>() && b.get<bool>())
    return {compare(op.text, *a.get<bool>(), *b.get<bool>())};
  throw UserError(op.location,
                  fmt::format("'{}' cannot be applied to {} and {}", op.text, kind_of(a), kind_of(b)));
}

// What stands after a `//` may be a comment of one word.
Value divisor(const Expr& division, Environment& environment) {
  const Expr& right = division.operands[1];
  if (right.kind != Expr::Kind::name) return evaluate(right, environment);
  try {
    return environment.lookup(right);
  } catch (const UserError& error) {
    Diagnostic diagnostic = error.diagnostic();
    diagnostic.notes.push_back({division.location, std::string(kSlashes), {}});
    throw UserError(std::move(diagnostic));
  }
}

Value evaluate_binary(const Expr& expr, Environment& environment, const std::string& result_name) {
  const Expr &left = expr.operands[0], &right = expr.operands[1];
  if (expr.text == "and" || expr.text == "or") {
    const auto what = fmt::format("an operand of '{}'", expr.text);
    const bool decided = expr.text == "or";
    if (to_boolean(evaluate(left, environment), left.location, what) == decided) return {decided};
    return {to_boolean(evaluate(right, environment), right.location, what)};
  }
  const Value a = evaluate(left, environment);
  const Value b = expr.text == "//" ? divisor(expr, environment) : evaluate(right, environment);
  if (a.is_poison() || b.is_poison()) return {Poison{}};
  if (a.is_tensor() || b.is_tensor()) return environment.tensor_operator(expr, a, b, result_name);
  return binary(expr, a, b);
}

Value evaluate_unary(const Expr& expr, Environment& environment, const std::string& result_name) {
  const Value value = evaluate(expr.operands[0], environment);
  if (value.is_poison()) return value;
  if (expr.text == "not") return {!to_boolean(value, expr.location, "the operand of 'not'")};
  if (value.is_tensor()) return environment.tensor_operator(expr, value, {}, result_name);
  if (const auto* real = value.get<double>()) return {-*real};
  return integer_arithmetic({.location = expr.location, .text = "-"}, 0,
                            to_integer(value, expr.location, "the operand of '-'"));
}

Value evaluate_list(const Expr& expr, Environment& environment) {
  List elements;
  elements.reserve(expr.operands.size());
  for (const Expr& element : expr.operands) elements.push_back(evaluate(element, environment));
  if (std::ranges::any_of(elements, &Value::is_poison)) return {Poison{}};
  return {std::make_shared<const List>(std::move(elements))};
}

Value evaluate_index(const Expr& expr, Environment& environment) {
  const Value value = evaluate(expr.operands[0], environment);
  const auto* list = value.get<std::shared_ptr<const List>>();
  if (list == nullptr) mismatch(value, expr.location, "what is indexed", "a list");
  const int64_t index =
      to_integer(evaluate(expr.operands[1], environment), expr.operands[1].location, "an index");
  const auto size = static_cast<int64_t>((*list)->size());
  if (index < 0 || index >= size) {
    throw UserError(expr.operands[1].location,
                    fmt::format("index {} is outside the list of {} elements", index, size));
  }
  return (**list)[static_cast<size_t>(index)];
}

Value evaluate_kind(const Expr& expr, Environment& environment, const std::string& result_name) {
  switch (expr.kind) {
    case Expr::Kind::integer:
      return {expr.integer};
    case Expr::Kind::real:
      return {expr.real};
    case Expr::Kind::boolean:
      return {expr.integer != 0};
    case Expr::Kind::string:
      return {expr.text};
    case Expr::Kind::name:
      return environment.lookup(expr);
    case Expr::Kind::list:
      return evaluate_list(expr, environment);
    case Expr::Kind::call:
      return environment.call(expr, result_name);
    case Expr::Kind::index:
      return evaluate_index(expr, environment);
    case Expr::Kind::unary:
      return evaluate_unary(expr, environment, result_name);
    case Expr::Kind::binary:
      return evaluate_binary(expr, environment, result_name);
  }
  unreachable("expression kind");
}

}  // namespace

std::string_view kind_of(const Value& value) {
  struct Describe {
    std::string_view operator()(bool) const { return "a boolean"; }
    std::string_view operator()(int64_t) const { return "an integer"; }
    std::string_view operator()(double) const { return "a real number"; }
    std::string_view operator()(const std::string&) const { return "a string"; }
    std::string_view operator()(const std::shared_ptr<const List>&) const { return "a list"; }
    std::string_view operator()(const Definition*) const { return "a block"; }
    std::string_view operator()(const OpInfo*) const { return "an operation"; }
    std::string_view operator()(const std::shared_ptr<const Shared>&) const { return "a shared block"; }
    std::string_view operator()(TensorRef) const { return "a tensor"; }
    std::string_view operator()(Batch) const { return "the batch"; }
    std::string_view operator()(Poison) const { return "a value that failed"; }
  };
  return std::visit(Describe{}, value.held);
}

void Environment::count(const SourceLocation& location, size_t steps) {
  steps_ += steps;
  if (steps_ > kMaxSteps) {
    throw LimitExceeded{
        {location, fmt::format("the model is too large: more than {} steps to read it", kMaxSteps), {}}};
  }
}

void Environment::report(const UserError& error) {
  if (errors_ == nullptr) throw error;
  Diagnostic diagnostic = error.diagnostic();
  add_notes(diagnostic);
  errors_->add(std::move(diagnostic));
}

Environment::Level::Level(Environment& environment, const SourceLocation& location)
    : environment_(environment) {
  if (environment_.depth_ >= kMaxLevels) {
    throw LimitExceeded{
        {location, fmt::format("expressions and blocks are nested more than {} deep", kMaxLevels), {}}};
  }
  ++environment_.depth_;
}

Value evaluate(const Expr& expr, Environment& environment, const std::string& result_name) {
  const Environment::Level level(environment, expr.location);
  environment.count(expr.location);
  Value result{Poison{}};
  environment.attempt(expr.location, [&] { result = evaluate_kind(expr, environment, result_name); });
  return result;
}

Arguments evaluate_arguments(const Expr& call, Environment& environment) {
  Arguments arguments;
  for (const Expr& operand : call.operands) {
    if (operand.keyword.empty() && !arguments.empty() && !arguments.back().syntax->keyword.empty()) {
      throw UserError(operand.location,
                      fmt::format("{}: a positional argument cannot follow a named one", call.text));
    }
    for (const Argument& earlier : arguments) {
      if (!operand.keyword.empty() && earlier.syntax->keyword == operand.keyword) {
        throw UserError(operand.keyword_location,
                        fmt::format("{}: {} is given twice", call.text, operand.keyword));
      }
    }
    arguments.push_back({&operand, evaluate(operand, environment)});
    const auto* list = arguments.back().value.get<std::shared_ptr<const List>>();
    environment.count(operand.location, arguments.size() + (list != nullptr ? (*list)->size() : 0));
  }
  return arguments;
}

size_t positional_count(const Arguments& arguments) {
  const auto named = [](const Argument& argument) { return !argument.syntax->keyword.empty(); };
  return static_cast<size_t>(std::ranges::find_if(arguments, named) - arguments.begin());
}

namespace {

// range(n): [0, 1, ..., n - 1]; range(begin, end): [begin, ..., end - 1]
Value range(const Expr& call, const Arguments& arguments) {
  constexpr int64_t kMost = 1 << 16;
  if (arguments.empty() || arguments.size() > 2 || positional_count(arguments) < arguments.size())
    throw UserError(call.location, "range: takes an end, or a begin and an end");
  const auto number = [&](size_t i) {
    return to_integer(arguments[i].value, arguments[i].syntax->location, "range: an argument");
  };
  const int64_t begin = arguments.size() == 1 ? 0 : number(0), end = number(arguments.size() - 1);
  if (end < begin || begin < -kMost || end > kMost)
    throw UserError(call.location,
                    fmt::format("range: from {} to {} is no range of at most {}", begin, end, kMost));
  List list;
  for (int64_t i = begin; i < end; ++i) list.push_back({i});
  return {std::make_shared<const List>(std::move(list))};
}

}  // namespace

std::optional<Value> call_plain_function(const Expr& call, const Arguments& arguments) {
  const std::string& name = call.text;
  constexpr std::array<std::string_view, 6> kNames = {"min", "max", "sqrt", "len", "is_list", "range"};
  if (std::ranges::find(kNames, name) == kNames.end()) return std::nullopt;
  const auto any = [&](auto holds) {
    return std::ranges::any_of(arguments, [&](const Argument& a) { return std::invoke(holds, a.value); });
  };
  if (any(&Value::is_poison)) return Value{Poison{}};
  if (name == "range") return range(call, arguments);
  if (any(&Value::is_tensor) && name != "len" && name != "is_list") return std::nullopt;  // an operation
  const bool takes_many = name == "min" || name == "max";
  if (arguments.empty() || (!takes_many && arguments.size() > 1) ||
      positional_count(arguments) < arguments.size()) {
    throw UserError(call.location,
                    fmt::format("{}: takes {}", name, takes_many ? "one or more numbers" : "one argument"));
  }
  const Value& first = arguments[0].value;
  const auto* list = first.get<std::shared_ptr<const List>>();
  if (name == "is_list") return Value{list != nullptr};
  if (name == "len") {
    if (list == nullptr) mismatch(first, call.location, "len: the argument", "a list");
    return Value{static_cast<int64_t>((*list)->size())};
  }
  for (const Argument& argument : arguments) {
    to_real(argument.value, argument.syntax->location, fmt::format("{}: an argument", name));
  }
  if (name == "sqrt") return Value{std::sqrt(as_double(first))};
  const auto less = [](const Argument& a, const Argument& b) {
    return as_double(a.value) < as_double(b.value);
  };
  const auto [least, greatest] = std::ranges::minmax_element(arguments, less);
  return name == "min" ? least->value : greatest->value;
}

std::optional<Value> predefined_constant(std::string_view name) {
  if (name == "N") return Value{Batch{}};
  if (name == "inf") return Value{std::numeric_limits<double>::infinity()};
  if (name == "nan") return Value{std::numeric_limits<double>::quiet_NaN()};
  return std::nullopt;
}

void mismatch(const Value& value, const SourceLocation& location, std::string_view what,
              std::string_view needed) {
  if (value.is_poison()) throw Poisoned{};
  throw UserError(location, fmt::format("{} must be {}, not {}", what, needed, kind_of(value)));
}

int64_t to_integer(const Value& value, const SourceLocation& location, std::string_view what) {
  if (const auto* integer = value.get<int64_t>()) return *integer;
  mismatch(value, location, what, "an integer");
}

double to_real(const Value& value, const SourceLocation& location, std::string_view what) {
  if (is_number(value)) return as_double(value);
  mismatch(value, location, what, "a number");
}

bool to_boolean(const Value& value, const SourceLocation& location, std::string_view what) {
  if (const auto* boolean = value.get<bool>()) return *boolean;
  mismatch(value, location, what, "true or false");
}

ValueId to_tensor(const Value& value, const SourceLocation& location, std::string_view what) {
  if (const auto* tensor = value.get<TensorRef>()) return tensor->node;
  mismatch(value, location, what, "a tensor");
}

Attribute to_attribute(const Value& value, const SourceLocation& location, std::string_view what) {
  if (const auto* boolean = value.get<bool>()) return *boolean;
  if (const auto* integer = value.get<int64_t>()) return *integer;
  if (const auto* real = value.get<double>()) return *real;
  if (const auto* string = value.get<std::string>()) return *string;
  const auto* list = value.get<std::shared_ptr<const List>>();
  if (list == nullptr) mismatch(value, location, what, "a number, a boolean, a string or a list of numbers");
  List elements = **list;
  if (!elements.empty() && elements[0].get<Batch>() != nullptr) elements[0] = {kBatch};
  const bool all_integers =
      std::ranges::all_of(elements, [](const Value& element) { return element.get<int64_t>() != nullptr; });
  std::vector<int64_t> integers;
  std::vector<double> reals;
  for (const Value& element : elements) {
    const double real = to_real(element, location, fmt::format("{}: an element", what));
    if (all_integers) {
      integers.push_back(*element.get<int64_t>());
    } else {
      reals.push_back(real);
    }
  }
  return all_integers ? Attribute(integers) : Attribute(reals);
}

}  // namespace rnc::text
