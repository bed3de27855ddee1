#include "ir/loops/text/expression_reader.h"

#include <fmt/format.h>

#include "ir/loops/construct.h"

namespace rnc::loops {

Expr ExpressionReader::expression() {
  operations_ = 0;
  return disjunction();
}

Expr ExpressionReader::sum() {
  operations_ = 0;
  return operand_sum();
}

AccessPlace ExpressionReader::place() {
  operations_ = 0;
  return access(expect_name(tokens_, "the name of a memory"));
}

// Trees of any shape stay small enough for all who walk them.
void ExpressionReader::count(const SourceLocation& at) {
  if (++operations_ > kMostOperations)
    throw UserError(at, fmt::format("the expression has more than {} operations", kMostOperations));
}

Expr ExpressionReader::joined(Binary op, const SourceLocation& at, const Expr& a, const Expr& b) {
  count(at);
  return obeying_rules(at, [&] { return binary(op, a, b); });
}

Expr ExpressionReader::disjunction() {
  Expr left = conjunction();
  while (tokens_.current().is_word("or")) {
    const SourceLocation at = tokens_.take().location;
    left = joined(Binary::logic_or, at, left, conjunction());
  }
  return left;
}

Expr ExpressionReader::conjunction() {
  Expr left = comparison();
  while (tokens_.current().is_word("and")) {
    const SourceLocation at = tokens_.take().location;
    left = joined(Binary::logic_and, at, left, comparison());
  }
  return left;
}

Expr ExpressionReader::comparison() {
  const Expr left = operand_sum();
  const Token& op = tokens_.current();
  const auto compared = [&](Binary binary, bool swapped) {
    const SourceLocation at = tokens_.take().location;
    const Expr right = operand_sum();
    return swapped ? joined(binary, at, right, left) : joined(binary, at, left, right);
  };
  if (op.is("<")) return compared(Binary::lt, false);
  if (op.is("<=")) return compared(Binary::le, false);
  if (op.is(">")) return compared(Binary::lt, true);
  if (op.is(">=")) return compared(Binary::le, true);
  if (op.is("==")) return compared(Binary::eq, false);
  if (op.is("!=")) return compared(Binary::ne, false);
  return left;
}

Expr ExpressionReader::operand_sum() {
  Expr left = product();
  while (tokens_.current().is("+") || tokens_.current().is("-")) {
    const Token op = tokens_.take();
    left = joined(op.is("+") ? Binary::add : Binary::sub, op.location, left, product());
  }
  return left;
}

Expr ExpressionReader::product() {
  Expr left = prefix();
  while (tokens_.current().is("*") || tokens_.current().is("/") || tokens_.current().is("%")) {
    const Token op = tokens_.take();
    const Binary binary = op.is("*") ? Binary::mul : op.is("/") ? Binary::div : Binary::mod;
    left = joined(binary, op.location, left, prefix());
  }
  return left;
}

Expr ExpressionReader::prefix() {
  const SourceLocation at = tokens_.current().location;
  const text::Nesting level(depth_, kMostExpressionDepth, at, "expressions");
  if (!tokens_.take_if("-")) return primary();
  const Expr operand = prefix();
  count(at);
  return obeying_rules(at, [&] { return unary(Unary::neg, operand); });
}

Expr ExpressionReader::primary() {
  const Token& token = tokens_.current();
  count(token.location);
  if (token.kind == TokenKind::integer) return {tokens_.take().integer};
  if (token.kind == TokenKind::real)
    throw UserError(token.location,
                    fmt::format("a number with a fraction needs a type: f32({})", token.text));
  if (token.is_word("true") || token.is_word("false"))
    return integer(tokens_.take().is_word("true") ? 1 : 0, {Scalar::boolean, 1});
  if (token.is("(")) {
    const Token open = tokens_.take();
    Expr inner = disjunction();
    tokens_.expect_close(")", open);
    return inner;
  }
  const Token name = expect_name(tokens_, "an expression");
  if (tokens_.current().is("(")) return call(name);
  if (!tokens_.current().is("[")) return scope_.variable(name);
  const AccessPlace place = access(name);
  return obeying_rules(name.location, [&] {
    return load(place.memory, place.index, place.lanes, place.lane_dim, place.valid);
  });
}

AccessPlace ExpressionReader::access(const Token& name) {
  AccessPlace place{.memory = scope_.memory(name)};
  const Token open = tokens_.expect("[");
  while (!tokens_.current().is("]")) {
    index(place);
    if (!tokens_.take_if(",")) break;
  }
  tokens_.expect_close("]", open);
  return place;
}

// "w + 1", "w:+16", "w:+16 valid 100 - w"
void ExpressionReader::index(AccessPlace& place) {
  place.index.push_back(disjunction());
  const SourceLocation at = tokens_.current().location;
  if (!tokens_.take_if(":")) return;
  if (place.lane_dim >= 0) throw UserError(at, "an access runs along one dimension");
  tokens_.expect("+");
  place.lanes = static_cast<int>(read_integer(tokens_, "the number of lanes", 2, kMostLanes));
  place.lane_dim = static_cast<int>(place.index.size()) - 1;
  if (take_word(tokens_, "valid")) place.valid = disjunction();
}

}  // namespace rnc::loops
