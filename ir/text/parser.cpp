#include "ir/text/parser.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <initializer_list>

#include "ir/text/lexer.h"
#include "ir/text/suggest.h"

namespace rnc::text {
namespace {

// The words that open a statement.
const std::vector<std::string>& statement_words() {
  static const std::vector<std::string> words = {"if",      "return", "predict",  "loss",    "train",
                                                 "classes", "recipe", "init",     "output",  "assign",
                                                 "hash",    "freeze", "entry",    "kernel",  "parameter",
                                                 "buffer",  "slot",   "gradient", "prepared"};
  return words;
}

// Counts a level of nesting while it lives.
class Nesting {
 public:
  Nesting(int& depth, int limit, const SourceLocation& location, std::string_view what) : depth_(depth) {
    if (++depth_ > limit) {
      throw UserError(location, fmt::format("{} are nested more than {} deep", what, limit));
    }
  }
  ~Nesting() { --depth_; }
  Nesting(const Nesting&) = delete;
  Nesting& operator=(const Nesting&) = delete;

 private:
  int& depth_;
};

class Parser {
 public:
  explicit Parser(std::shared_ptr<const SourceFile> source) : lexer_(std::move(source)) {
    current_ = lexer_.next();
    following_ = lexer_.next();
  }

  File file() {
    File file;
    for (skip_newlines(); current_.kind != TokenKind::end; skip_newlines()) {
      file.items.push_back(item());
      end_of_statement();
    }
    return file;
  }

  Expr lone_expression() {
    skip_newlines();
    Expr result = expression();
    skip_newlines();
    if (current_.kind != TokenKind::end) unexpected("end of text");
    return result;
  }

 private:
  // --- tokens

  Token take() {
    Token token = std::move(current_);
    current_ = std::move(following_);
    following_ = lexer_.next();
    return token;
  }

  bool take_if(std::string_view symbol) {
    if (!current_.is(symbol)) return false;
    take();
    return true;
  }

  Token expect(std::string_view symbol) {
    if (!current_.is(symbol)) unexpected(fmt::format("'{}'", symbol));
    return take();
  }

  Token expect(TokenKind kind, std::string_view what) {
    if (current_.kind != kind) unexpected(what);
    return take();
  }

  // The end of what `open` began.
  void expect_close(std::string_view symbol, const Token& open) {
    if (take_if(symbol)) return;
    throw UserError(Diagnostic{current_.location,
                               fmt::format("expected '{}', found {}", symbol, current_.describe()),
                               {{open.location, fmt::format("to close this '{}'", open.text), {}}}});
  }

  [[noreturn]] void unexpected(std::string_view expected) const {
    throw UserError(current_.location, fmt::format("expected {}, found {}", expected, current_.describe()));
  }

  void skip_newlines() {
    while (current_.kind == TokenKind::newline) take();
  }

  // A statement ends with its line, its body or the file.
  void end_of_statement() {
    if (current_.kind != TokenKind::newline && current_.kind != TokenKind::end && !current_.is("}")) {
      unexpected("end of line");
    }
  }

  // A word that can never be a name.
  bool at_reserved_word() const {
    return current_.kind == TokenKind::name && !current_.quoted && !is_plain_name(current_.text);
  }

  // --- items

  Item item() {
    const Token word = expect(TokenKind::name, "include, const, block or model");
    Item item{.location = current_.location};
    if (word.text == "include") {
      item.kind = Item::Kind::include;
      item.name = expect(TokenKind::string, "the file to include, in quotes").text;
    } else if (word.text == "const") {
      item.kind = Item::Kind::constant;
      item.name = expect(TokenKind::name, "the name of the constant").text;
      expect("=");
      item.value = expression();
    } else if (word.text == "inline" || word.text == "block" || word.text == "model") {
      item.kind = word.text == "model" ? Item::Kind::model : Item::Kind::block;
      if (word.text == "inline") {
        const Token next = expect(TokenKind::name, "block");
        if (next.text != "block") {
          throw UserError(next.location, fmt::format("expected block, found '{}'", next.text));
        }
      }
      Definition made = definition(item.kind);
      made.inlined = word.text == "inline";
      item.name = made.name;
      item.definition = std::make_shared<const Definition>(std::move(made));
    } else {
      throw UserError(word.location,
                      fmt::format("expected include, const, block or model, found '{}'", word.text));
    }
    return item;
  }

  Definition definition(Item::Kind kind) {
    const bool is_model = kind == Item::Kind::model;
    const Token name = expect(TokenKind::name, is_model ? "the model's name" : "the block's name");
    Definition result{.name = name.text, .location = name.location};
    if (!is_model || current_.is("(")) {
      const Token open = expect("(");
      while (!current_.is(")")) {
        result.parameters.push_back(is_model ? model_input() : block_parameter());
        if (!take_if(",")) break;
      }
      expect_close(")", open);
    }
    result.body = body();
    return result;
  }

  Parameter model_input() {
    const Token name = expect(TokenKind::name, "the name of an input");
    expect(":");
    return {.name = name.text, .location = name.location, .type = type()};
  }

  Parameter block_parameter() {
    const Token name = expect(TokenKind::name, "the name of a parameter");
    Parameter result{.name = name.text, .location = name.location};
    if (take_if("=")) result.default_value = expression();
    return result;
  }

  // --- statements

  std::vector<Statement> body() {
    const Nesting nesting(body_depth_, kMaxBodyDepth, current_.location, "bodies");
    const Token open = expect("{");
    std::vector<Statement> statements;
    for (skip_newlines(); !current_.is("}") && current_.kind != TokenKind::end; skip_newlines()) {
      statements.push_back(statement());
      end_of_statement();
    }
    expect_close("}", open);
    return statements;
  }

  Statement statement() {
    if (current_.kind != TokenKind::name) unexpected("a statement");
    const bool names_a_value = (following_.is("=") || following_.is(":")) && !at_reserved_word();
    Statement result = names_a_value ? let() : keyword_statement();
    result.origin = origin();
    return result;
  }

  Statement let() {
    const Token name = take();
    Statement result{.kind = Statement::Kind::let, .location = name.location, .name = name.text};
    if (take_if(":")) result.type = type();
    expect("=");
    result.value = expression();
    return result;
  }

  Statement keyword_statement() {
    using Kind = Statement::Kind;
    const std::string word = current_.quoted ? std::string() : current_.text;
    if (word == "if") return condition();
    if (word == "return") return with_value(Kind::result);
    if (word == "predict") return with_value(Kind::predict);
    if (word == "loss") return with_value(Kind::loss);
    if (word == "train") return with_value(Kind::train);
    if (word == "classes") return with_value(Kind::classes);
    if (word == "hash") return with_value(Kind::hash);
    if (word == "freeze") return with_value(Kind::freeze);
    if (word == "init") return with_name_and_value(Kind::init);
    if (word == "output") return with_name_and_value(Kind::output);
    if (word == "assign") return with_name_and_value(Kind::assign);
    if (word == "entry" || word == "kernel") return group(word == "entry" ? Kind::entry : Kind::kernel);
    if (word == "recipe" && following_.is("(")) {
      Statement result{.kind = Kind::recipe, .location = current_.location, .word = word};
      result.value = expression();
      return result;
    }
    constexpr std::array<std::string_view, 5> tensors = {"parameter", "buffer", "slot", "gradient",
                                                         "prepared"};
    if (std::find(tensors.begin(), tensors.end(), word) != tensors.end()) return tensor();
    if (following_.is("(")) {
      throw UserError(current_.location,
                      fmt::format("the result of '{0}' is not used: write NAME = {0}(...)", word));
    }
    throw UserError(current_.location, fmt::format("expected a statement, found {}{}", current_.describe(),
                                                   suggestion(word, statement_words())));
  }

  Statement with_value(Statement::Kind kind) {
    const Token word = take();
    Statement result{.kind = kind, .location = word.location, .word = word.text};
    result.value = expression();
    return result;
  }

  Statement with_name_and_value(Statement::Kind kind) {
    const Token word = take();
    const Token name = expect(TokenKind::name, "a name");
    Statement result{.kind = kind, .location = name.location, .word = word.text, .name = name.text};
    expect("=");
    result.value = expression();
    return result;
  }

  Statement group(Statement::Kind kind) {
    const Token word = take();
    const Token name = expect(TokenKind::name, "a name");
    Statement result{.kind = kind, .location = name.location, .word = word.text, .name = name.text};
    result.body = body();
    return result;
  }

  Statement tensor() {
    const Token word = take();
    const Token name = expect(TokenKind::name, "the name of the tensor");
    Statement result{
        .kind = Statement::Kind::tensor, .location = name.location, .word = word.text, .name = name.text};
    expect(":");
    result.type = type();
    if (take_if("=")) result.value = expression();
    return result;
  }

  Statement condition() {
    const Nesting nesting(body_depth_, kMaxBodyDepth, current_.location, "bodies");  // of else if ... else if
    Statement result{.kind = Statement::Kind::condition, .location = current_.location, .word = take().text};
    result.value = expression();
    result.body = body();
    if (current_.is_word("else")) {
      take();
      if (current_.is_word("if")) {
        result.otherwise.push_back(condition());
      } else {
        result.otherwise = body();
      }
    }
    return result;
  }

  // @ "file" 12:3 in layer; either part may be missing.
  std::optional<Origin> origin() {
    if (!take_if("@")) return std::nullopt;
    Origin result;
    if (current_.kind == TokenKind::string) {
      result.location.file = origin_file(take().text);
      result.location.line = small_integer("a line");
      expect(":");
      result.location.column = small_integer("a column");
    }
    if (current_.is_word("in")) {
      take();
      const bool unnamed = current_.kind == TokenKind::string && current_.text.empty();
      result.layer = unnamed ? take().text : expect(TokenKind::name, "the layer's name").text;
    }
    return result;
  }

  // The text of the file is not known here, only its name.
  std::shared_ptr<const SourceFile> origin_file(const std::string& name) {
    if (!origin_file_ || origin_file_->name != name) {
      origin_file_ = std::make_shared<SourceFile>(SourceFile{name, {}});
    }
    return origin_file_;
  }

  int small_integer(std::string_view what) {
    const Token token = expect(TokenKind::integer, what);
    if (token.integer > 1 << 30) {
      throw UserError(token.location, fmt::format("{} is too large", token.text));
    }
    return static_cast<int>(token.integer);
  }

  // --- types

  TypeSyntax type() {
    const Token dtype = expect(TokenKind::name, "a type, such as f32[N, 64, 56, 56]");
    TypeSyntax result{.location = dtype.location, .dtype = dtype.text};
    const Token open = expect("[");
    while (!current_.is("]") && !current_.is("|")) {
      result.dims.push_back(expression());
      if (!take_if(",")) break;
    }
    if (take_if("|")) result.layout = layout();
    expect_close("]", open);
    return result;
  }

  // order 1 0 2 3, 0:16, 1:32
  Layout layout() {
    Layout result;
    if (current_.is_word("order")) {
      take();
      while (current_.kind == TokenKind::integer) result.order.push_back(small_integer("a dimension"));
      if (!take_if(",")) return result;
    }
    do {
      Layout::Block block;
      block.dim = small_integer("a dimension");
      expect(":");
      block.size = small_integer("the size of a block");
      result.blocks.push_back(block);
    } while (take_if(","));
    return result;
  }

  // --- expressions, loosest binding first

  Expr make(Expr::Kind kind, SourceLocation location, std::string text = {}) {
    if (++expressions_ > kMaxExpressions) {
      throw UserError(location, fmt::format("the file has more than {} expressions", kMaxExpressions));
    }
    return {.kind = kind, .location = std::move(location), .text = std::move(text)};
  }

  static void add_operand(Expr& to, Expr operand) {
    to.depth = std::max(to.depth, operand.depth + 1);
    if (to.depth > kMaxExpressionDepth) {
      throw UserError(to.location,
                      fmt::format("expressions are nested more than {} deep", kMaxExpressionDepth));
    }
    to.operands.push_back(std::move(operand));
  }

  Expr binary(const Token& op, Expr left, Expr right) {
    Expr result = make(Expr::Kind::binary, op.location, op.text);
    add_operand(result, std::move(left));
    add_operand(result, std::move(right));
    return result;
  }

  Expr unary(const Token& op, Expr operand) {
    Expr result = make(Expr::Kind::unary, op.location, op.text);
    add_operand(result, std::move(operand));
    return result;
  }

  bool at_any(std::initializer_list<std::string_view> operators) const {
    return std::any_of(operators.begin(), operators.end(),
                       [&](std::string_view op) { return current_.is(op) || current_.is_word(op); });
  }

  Expr expression() {
    const Nesting nesting(expression_depth_, kMaxExpressionDepth, current_.location, "expressions");
    Expr left = conjunction();
    while (at_any({"or"})) {
      const Token op = take();
      left = binary(op, std::move(left), conjunction());
    }
    return left;
  }

  Expr conjunction() {
    Expr left = negation();
    while (at_any({"and"})) {
      const Token op = take();
      left = binary(op, std::move(left), negation());
    }
    return left;
  }

  Expr negation() {
    if (!at_any({"not"})) return comparison();
    const Nesting nesting(expression_depth_, kMaxExpressionDepth, current_.location, "expressions");
    const Token op = take();
    return unary(op, negation());
  }

  Expr comparison() {
    Expr left = sum();
    if (!at_any({"==", "!=", "<", "<=", ">", ">="})) return left;
    const Token op = take();
    return binary(op, std::move(left), sum());
  }

  Expr sum() {
    Expr left = product();
    while (at_any({"+", "-"})) {
      const Token op = take();
      left = binary(op, std::move(left), product());
    }
    return left;
  }

  Expr product() {
    Expr left = signed_operand();
    while (at_any({"*", "/", "//"})) {
      const Token op = take();
      left = binary(op, std::move(left), signed_operand());
    }
    return left;
  }

  Expr signed_operand() {
    if (!at_any({"-"})) return postfix();
    const Nesting nesting(expression_depth_, kMaxExpressionDepth, current_.location, "expressions");
    const Token op = take();
    return unary(op, signed_operand());
  }

  Expr postfix() {
    Expr result = primary();
    while (current_.is("[")) {
      const Token open = take();
      Expr index = make(Expr::Kind::index, open.location);
      add_operand(index, std::move(result));
      add_operand(index, expression());
      expect_close("]", open);
      result = std::move(index);
    }
    return result;
  }

  Expr primary() {
    switch (current_.kind) {
      case TokenKind::integer: {
        Expr result = make(Expr::Kind::integer, current_.location);
        result.integer = take().integer;
        return result;
      }
      case TokenKind::real: {
        Expr result = make(Expr::Kind::real, current_.location);
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
    if (current_.is("[")) return list();
    if (!current_.is("(")) unexpected("an expression");
    const Token open = take();
    Expr result = expression();
    expect_close(")", open);
    return result;
  }

  Expr name_or_call() {
    if (at_any({"true", "false"})) {
      Expr result = make(Expr::Kind::boolean, current_.location);
      result.integer = take().text == "true" ? 1 : 0;
      return result;
    }
    if (at_reserved_word()) unexpected("an expression");
    const Token name = take();
    if (!current_.is("(")) return make(Expr::Kind::name, name.location, name.text);
    const Token open = take();
    Expr call = make(Expr::Kind::call, name.location, name.text);
    while (!current_.is(")")) {
      add_operand(call, argument());
      if (!take_if(",")) break;
    }
    expect_close(")", open);
    return call;
  }

  Expr argument() {
    if (current_.kind != TokenKind::name || !following_.is("=")) return expression();
    const Token keyword = take();
    take();
    Expr result = expression();
    result.keyword = keyword.text;
    result.keyword_location = keyword.location;
    return result;
  }

  Expr list() {
    const Token open = take();
    Expr result = make(Expr::Kind::list, open.location);
    while (!current_.is("]")) {
      add_operand(result, expression());
      if (!take_if(",")) break;
    }
    expect_close("]", open);
    return result;
  }

  Lexer lexer_;
  Token current_;
  Token following_;
  std::shared_ptr<const SourceFile> origin_file_;
  int expressions_ = 0;
  int expression_depth_ = 0;
  int body_depth_ = 0;
};

}  // namespace

File parse_file(std::shared_ptr<const SourceFile> source) { return Parser(std::move(source)).file(); }

Expr parse_expression(std::shared_ptr<const SourceFile> source) {
  return Parser(std::move(source)).lone_expression();
}

}  // namespace rnc::text
