// Expressions of the language, by recursive descent: a function per level, the loosest binding first.
#pragma once

#include <initializer_list>

#include "ir/text/syntax.h"
#include "ir/text/token_stream.h"

namespace rnc::text {

class ExpressionParser : public TokenStream {
 public:
  using TokenStream::TokenStream;

  Expr expression();
  // An expression and nothing else.
  Expr lone_expression();

 private:
  Expr make(Expr::Kind kind, SourceLocation location, std::string text = {});
  static void add_operand(Expr& to, Expr operand);
  Expr binary(const Token& op, Expr left, Expr right);
  Expr unary(const Token& op, Expr operand);
  bool at_any(std::initializer_list<std::string_view> operators) const;
  Expr conjunction();
  Expr negation();
  Expr comparison();
  Expr sum();
  Expr product();
  Expr signed_operand();
  Expr postfix();
  Expr primary();
  Expr name_or_call();
  Expr argument();
  Expr list();

  int expressions_ = 0;
  int depth_ = 0;
};

}  // namespace rnc::text
