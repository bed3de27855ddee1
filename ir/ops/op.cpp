#include "ir/ops/op.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>

#include "ir/ops/ops.h"

namespace rnc {
namespace {

constexpr Op kOps[] = {
#define RNC_OP(name, family, kernel) Op::name,
#include "ir/ops/ops.def"
#undef RNC_OP
};

const std::vector<OpInfo>& table() {
  static const std::vector<OpInfo> rows = {
#define RNC_OP(name, family, kernel) ops::name(),
#include "ir/ops/ops.def"
#undef RNC_OP
  };
  return rows;
}

std::string quoted(std::string_view text) {
  std::string result = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') result += '\\';
    if (c == '\n') {
      result += "\\n";
    } else {
      result += c;
    }
  }
  return result + '"';
}

// Shortest text that reads back as the same double, and as a real rather than an integer.
std::string real(double value) {
  std::string text = fmt::format("{}", value);
  if (text.find_first_not_of("-0123456789") == std::string::npos) text += ".0";
  return text;
}

template <class T, class F>
std::string list(const std::vector<T>& values, F element) {
  std::string text = "[";
  for (const T& value : values) {
    if (text.size() > 1) text += ", ";
    text += element(value);
  }
  return text + "]";
}

// Whether `value` is what an attribute of this kind holds.
bool holds(AttributeKind kind, const Attribute& value) {
  switch (kind) {
    case AttributeKind::boolean:
      return std::holds_alternative<bool>(value);
    case AttributeKind::integer:
      return std::holds_alternative<int64_t>(value);
    case AttributeKind::real:
      return std::holds_alternative<double>(value);
    case AttributeKind::string:
      return std::holds_alternative<std::string>(value);
    case AttributeKind::pair:
    case AttributeKind::sides: {
      const auto* numbers = std::get_if<std::vector<int64_t>>(&value);
      return numbers != nullptr && numbers->size() == (kind == AttributeKind::pair ? 2 : 4) &&
             std::ranges::all_of(*numbers, [](int64_t n) { return n >= 0; });
    }
    case AttributeKind::integers:
      return std::holds_alternative<std::vector<int64_t>>(value);
    case AttributeKind::reals:
      return std::holds_alternative<std::vector<double>>(value);
  }
  unreachable("attribute kind");
}

// `value` as an attribute of this kind holds it; nothing where it cannot be one.
std::optional<Attribute> coerced(AttributeKind kind, const Attribute& value) {
  if (holds(kind, value)) return value;
  if (const auto* integer = std::get_if<int64_t>(&value)) {
    if (kind == AttributeKind::real) return static_cast<double>(*integer);
    if (kind == AttributeKind::reals) return std::vector{static_cast<double>(*integer)};
    if (kind == AttributeKind::pair && *integer >= 0) return std::vector<int64_t>(2, *integer);
    if (kind == AttributeKind::sides && *integer >= 0) return std::vector<int64_t>(4, *integer);
  }
  if (const auto* number = std::get_if<double>(&value); number != nullptr && kind == AttributeKind::reals)
    return std::vector{*number};
  const auto* integers = std::get_if<std::vector<int64_t>>(&value);
  if (integers != nullptr && kind == AttributeKind::reals) {
    return std::vector<double>(integers->begin(), integers->end());
  }
  if (kind == AttributeKind::sides && holds(AttributeKind::pair, value)) {
    const int64_t vertical = integers->front(), horizontal = integers->back();
    return std::vector{vertical, horizontal, vertical, horizontal};
  }
  return std::nullopt;
}

bool too_large(const Attribute& value) {
  constexpr int64_t limit = int64_t{1} << 31;
  const auto beyond = [](int64_t v) { return v > limit || v < -limit; };
  if (const auto* integer = std::get_if<int64_t>(&value)) return beyond(*integer);
  if (const auto* integers = std::get_if<std::vector<int64_t>>(&value)) {
    return std::ranges::any_of(*integers, beyond);
  }
  return false;
}

}  // namespace

std::string_view describe(AttributeKind kind) {
  switch (kind) {
    case AttributeKind::boolean:
      return "true or false";
    case AttributeKind::integer:
      return "an integer";
    case AttributeKind::real:
      return "a number";
    case AttributeKind::string:
      return "a string";
    case AttributeKind::pair:
      return "an integer or a pair of integers, none negative";
    case AttributeKind::sides:
      return "an integer, [height, width] or [top, left, bottom, right], none negative";
    case AttributeKind::integers:
      return "a list of integers";
    case AttributeKind::reals:
      return "a list of numbers";
  }
  unreachable("attribute kind");
}

Attribute shortened(AttributeKind kind, const Attribute& value) {
  const auto* numbers = std::get_if<std::vector<int64_t>>(&value);
  if (kind == AttributeKind::sides && numbers != nullptr) {
    const std::vector<int64_t> pair(numbers->begin(), numbers->begin() + 2);
    const bool mirrored = (*numbers)[0] == (*numbers)[2] && (*numbers)[1] == (*numbers)[3];
    return mirrored ? shortened(AttributeKind::pair, pair) : value;
  }
  if (kind == AttributeKind::pair && numbers != nullptr && (*numbers)[0] == (*numbers)[1])
    return (*numbers)[0];
  return value;
}

std::string str(const Attribute& attribute) {
  struct Writer {
    std::string operator()(bool v) const { return v ? "true" : "false"; }
    std::string operator()(int64_t v) const { return std::to_string(v); }
    std::string operator()(double v) const { return real(v); }
    std::string operator()(const std::string& v) const { return quoted(v); }
    std::string operator()(const std::vector<int64_t>& v) const {
      return list(v, [](int64_t e) { return std::to_string(e); });
    }
    std::string operator()(const std::vector<double>& v) const { return list(v, real); }
  };
  return std::visit(Writer{}, attribute);
}

bool identical(const Attribute& a, const Attribute& b) {
  const auto same = [](double x, double y) {
    return x == y ? std::signbit(x) == std::signbit(y) : std::isnan(x) && std::isnan(y);
  };
  if (a.index() != b.index()) return false;
  if (const auto* x = std::get_if<double>(&a)) return same(*x, std::get<double>(b));
  if (const auto* x = std::get_if<std::vector<double>>(&a)) {
    return std::ranges::equal(*x, std::get<std::vector<double>>(b), same);
  }
  return a == b;
}

bool Attributes::operator==(const Attributes& other) const {
  return std::ranges::equal(values_, other.values_, [](const auto& a, const auto& b) {
    return a.first == b.first && identical(a.second, b.second);
  });
}

const OpInfo& info(Op op) { return table()[static_cast<size_t>(op)]; }

Formula formula_of(const OpInfo& op, const Attributes& attributes) {
  check(op.formula.has_value() != (op.formula_with != nullptr), op.name);
  return op.formula ? *op.formula : op.formula_with(attributes);
}

const OpInfo* find_op(std::string_view name) {
  const auto it = std::ranges::find(table(), name, &OpInfo::name);
  return it == table().end() ? nullptr : &*it;
}

std::span<const Op> all_ops() { return kOps; }

bool is_complete(const OpInfo& op, const Attributes& attributes) {
  const auto& given = attributes.all();
  return given.size() == op.attributes.size() &&
         std::ranges::all_of(op.attributes, [&](const AttributeSpec& spec) {
           const auto found = given.find(spec.name);
           return found != given.end() && holds(spec.kind, found->second) && !too_large(found->second);
         });
}

Attributes complete_attributes(const OpInfo& op, Attributes given, const SourceLocation& location) {
  return complete_attributes(op.name, op.attributes, std::move(given), location);
}

Attributes complete_attributes(std::string_view what, std::span<const AttributeSpec> specs, Attributes given,
                               const SourceLocation& location) {
  Attributes complete;
  for (const AttributeSpec& spec : specs) {
    const std::string key(spec.name);
    if (!given.has(key)) {
      if (!spec.default_value) throw UserError(location, fmt::format("{}: {} is missing", what, key));
      complete.set(key, *spec.default_value);
      continue;
    }
    const Attribute& value = given.all().at(key);
    if (too_large(value)) {
      throw UserError(location, fmt::format("{}: {} = {} is too large", what, key, str(value)));
    }
    const std::optional<Attribute> held = coerced(spec.kind, value);
    if (!held) {
      throw UserError(location,
                      fmt::format("{}: {} must be {}, not {}", what, key, describe(spec.kind), str(value)));
    }
    complete.set(key, *held);
    given.erase(key);
  }
  if (!given.all().empty()) {
    throw UserError(location, fmt::format("{}: there is no attribute {}", what, given.all().begin()->first));
  }
  return complete;
}

}  // namespace rnc
