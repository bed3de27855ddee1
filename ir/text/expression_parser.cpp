#include "ir/text/expression_parser.h"

#include <fmt/format.h>

#include <algorithm>

#include "ir/text/parser.h"

namespace rnc::text {

Expr ExpressionParser::lone_expression() {
  skip_newlines();
  Expr result = expression();
  skip_newlines();
  if (current().kind != TokenKind::end) unexpected("end of text");
  return result;
}

Expr ExpressionParser::make(Expr::Kind kind, SourceLocation location, std::string text) {
  if (++expressions_ > kMaxExpressions) {
    throw LimitExceeded{
        {location, fmt::format("the file has more than {} expressions", kMaxExpressions), {}}};
  }
  return {.kind = kind, .location = std::move(location), .text = std::move(text)};
}

void ExpressionParser::add_operand(Expr& to, Expr operand) {
  to.depth = std::max(to.depth, operand.depth + 1);
  if (to.depth > kMaxExpressionDepth) {
    throw UserError(to.location,
                    fmt::format("expressions are nested more than {} deep", kMaxExpressionDepth));
  }
  to.operands.push_back(std::move(operand));
}

Expr ExpressionParser::binary(const Token& op, Expr left, Expr right) {
  Expr result = make(Expr::Kind::binary, op.location, op.text);
  add_operand(result, std::move(left));
  add_operand(result, std::move(right));
  return result;
}

Expr ExpressionParser::unary(const Token& op, Expr operand) {
  Expr result = make(Expr::Kind::unary, op.location, op.text);
  add_operand(result, std::move(operand));
  return result;
}

bool ExpressionParser::at_any(std::initializer_list<std::string_view> operators) const {
  return std::any_of(operators.begin(), operators.end(),
                     [&](std::string_view op) { return current().is(op) || current().is_word(op); });
}

Expr ExpressionParser::expression() {
  const Nesting nesting(depth_, kMaxExpressionDepth, current().location, "expressions");
  Expr left = conjunction();
  while (at_any({"or"})) {
    const Token op = take();
    left = binary(op, std::move(left), conjunction());
  }
  return left;
}

Expr ExpressionParser::conjunction() {
  Expr left = negation();
  while (at_any({"and"})) {
    const Token op = take();
    left = binary(op, std::move(left), negation());
  }
  return left;
}

Expr ExpressionParser::negation() {
  if (!at_any({"not"})) return comparison();
  const Nesting nesting(depth_, kMaxExpressionDepth, current().location, "expressions");
  const Token op = take();
  return unary(op, negation());
}

Expr ExpressionParser::comparison() {
  Expr left = sum();
  if (!at_any({"==", "!=", "<", "<=", ">", ">="})) return left;
  const Token op = take();
  return binary(op, std::move(left), sum());
}

Expr ExpressionParser::sum() {
  Expr left = product();
  while (at_any({"+", "-"})) {
    const Token op = take();
    left = binary(op, std::move(left), product());
  }
  return left;
}

Expr ExpressionParser::product() {
  Expr left = signed_operand();
  while (at_any({"*", "/", "//"})) {
    const Token op = take();
    if (op.is("*") && current().is("*"))
      throw UserError(op.location, "there is no operator **: write square(x), or pow(x, exponent = 3)");
    left = binary(op, std::move(left), signed_operand());
  }
  return left;
}

Expr ExpressionParser::signed_operand() {
  if (!at_any({"-"})) return postfix();
  const Nesting nesting(depth_, kMaxExpressionDepth, current().location, "expressions");
  const Token op = take();
  return unary(op, signed_operand());
}

Expr ExpressionParser::postfix() {
  Expr result = primary();
  while (current().is("[")) {
    const Token open = take();
    Expr index = make(Expr::Kind::index, open.location);
    add_operand(index, std::move(result));
    add_operand(index, expression());
    expect_close("]", open);
    result = std::move(index);
  }
  return result;
}

Expr ExpressionParser::primary() {
  switch (current().kind) {
    case TokenKind::integer: {
      Expr result = make(Expr::Kind::integer, current().location);
      result.integer = take().integer;
      return result;
    }
    case TokenKind::real: {
      Expr result = make(Expr::Kind::real, current().location);
      result.real = take().real;
      return result;
    }
    case TokenKind::string: {
      const Token token = take();
      return make(Expr::Kind::string, token.location, token.text);
    }
    case TokenKind::name:
      return name_or_call();
    default:
      break;
  }
  if (current().is("[")) return list();
  if (!current().is("(")) unexpected("an expression");
  const Token open = take();
  Expr result = expression();
  if (current().is(",")) throw UserError(open.location, "a list is written in brackets: [3, 3]");
  expect_close(")", open);
  return result;
}

Expr ExpressionParser::name_or_call() {
  if (at_any({"true", "false"})) {
    Expr result = make(Expr::Kind::boolean, current().location);
    result.integer = take().text == "true" ? 1 : 0;
    return result;
  }
  if (at_reserved_word()) unexpected("an expression");
  const Token name = take();
  if (!current().is("(")) return make(Expr::Kind::name, name.location, name.text);
  const Token open = take();
  Expr call = make(Expr::Kind::call, name.location, name.text);
  while (!current().is(")")) {
    add_operand(call, argument());
    if (!take_if(",")) break;
  }
  expect_close(")", open);
  return call;
}

Expr ExpressionParser::argument() {
  if (current().kind != TokenKind::name || !following().is("=")) return expression();
  const Token keyword = take();
  take();
  Expr result = expression();
  result.keyword = keyword.text;
  result.keyword_location = keyword.location;
  return result;
}

Expr ExpressionParser::list() {
  const Token open = take();
  Expr result = make(Expr::Kind::list, open.location);
  while (!current().is("]")) {
    add_operand(result, expression());
    if (!take_if(",")) break;
  }
  expect_close("]", open);
  return result;
}

}  // namespace rnc::text
