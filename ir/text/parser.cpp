#include "ir/text/parser.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "ir/text/expression_parser.h"
#include "ir/text/skip.h"
#include "ir/text/suggest.h"

namespace rnc::text {
namespace {

// The words that open a statement.
const std::vector<std::string>& statement_words() {
  static const std::vector<std::string> words = {"if",        "for",     "return", "predict",  "loss",
                                                 "train",     "classes", "recipe", "init",     "output",
                                                 "assign",    "hash",    "freeze", "entry",    "kernel",
                                                 "parameter", "buffer",  "slot",   "gradient", "prepared"};
  return words;
}

class Parser : public ExpressionParser {
 public:
  Parser(std::shared_ptr<const SourceFile> source, Errors& errors)
      : ExpressionParser(std::move(source)), errors_(errors) {}

  File file() {
    File file;
    skip_newlines();
    if (current().is_word("language") && !language()) {
      file.intact = false;
      return file;
    }
    for (skip_newlines(); current().kind != TokenKind::end; skip_newlines()) {
      const Token first = current();
      try {
        file.items.push_back(item());
        end_of_statement();
      } catch (const UserError& error) {
        errors_.add(error.diagnostic());
        if (first.kind == TokenKind::name) file.intact = false;  // it may have defined something
        skip_item(*this, first);
      }
    }
    return file;
  }

 private:
  // "language 1" at the head. Whether it is one that can be read.
  bool language() {
    expect(TokenKind::name, "language");
    const Token number = expect(TokenKind::integer, "the number of the language, such as 1");
    end_of_statement();
    if (number.integer == kLanguage) return true;
    errors_.add({number.location,
                 fmt::format("the file is in language {}, and this rnc reads language {}; it takes {} rnc",
                             number.integer, kLanguage, number.integer > kLanguage ? "a newer" : "another"),
                 {}});
    return false;
  }

  // --- items

  Item item() {
    const Token word = expect(TokenKind::name, "include, const, block or model");
    Item item{.location = current().location};
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
      const std::string hint =
          current().is("=") ? fmt::format("; write const {} = ...", word.text)
                            : suggestion(Wanted::item, word.text, {"include", "const", "block", "model"});
      throw UserError(word.location,
                      fmt::format("expected include, const, block or model, found '{}'{}", word.text, hint));
    }
    return item;
  }

  Definition definition(Item::Kind kind) {
    const bool is_model = kind == Item::Kind::model;
    const Token name = expect(TokenKind::name, is_model ? "the model's name" : "the block's name");
    Definition result{.name = name.text, .location = name.location};
    if (!is_model || current().is("(")) {
      const Token open = expect("(");
      while (!current().is(")")) {
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
    Parameter result{.name = name.text, .location = name.location, .type = type()};
    if (take_if("=")) result.default_value = expression();
    return result;
  }

  Parameter block_parameter() {
    const Token name = expect(TokenKind::name, "the name of a parameter");
    Parameter result{.name = name.text, .location = name.location};
    if (take_if("=")) result.default_value = expression();
    return result;
  }

  // --- statements

  std::vector<Statement> body() {
    const Nesting nesting(body_depth_, kMaxBodyDepth, current().location, "bodies");
    const Token open = expect("{");
    std::vector<Statement> statements;
    const auto at_end = [&] {
      return current().is("}") || current().kind == TokenKind::end || at_item(*this);
    };
    for (skip_newlines(); !at_end(); skip_newlines()) {
      const Token first = current();
      try {
        Statement complete = statement();
        end_of_statement();
        statements.push_back(std::move(complete));
      } catch (const UserError& error) {
        errors_.add(error.diagnostic());
        statements.push_back(skip_statement(*this, first));
      }
    }
    expect_close("}", open);
    return statements;
  }

  Statement statement() {
    if (current().kind != TokenKind::name) unexpected("a statement");
    const bool names_a_value =
        (following().is("=") || following().is(":") || following().is(",")) && !at_reserved_word();
    Statement result = names_a_value ? let() : keyword_statement();
    result.origin = origin();
    return result;
  }

  Statement let() {
    const Token name = take();
    Statement result{.kind = Statement::Kind::let, .location = name.location, .name = name.text};
    while (take_if(",")) {
      const Token other = expect(TokenKind::name, "the name of another result");
      if (other.text == result.name || std::ranges::count(result.more, other.text) > 0)
        throw UserError(other.location, fmt::format("{} is named twice", other.text));
      result.more.push_back(other.text);
    }
    if (result.more.empty() && take_if(":")) result.type = type();
    expect("=");
    result.value = expression();
    return result;
  }

  // predict VALUE or predict NAME = VALUE
  Statement with_optional_name(Statement::Kind kind) {
    Statement result{.kind = kind, .location = current().location, .word = take().text};
    if (following().is("=")) {
      result.name = expect(TokenKind::name, "the name of what it is").text;
      expect("=");
    }
    result.value = expression();
    return result;
  }

  // for name in list { body }
  Statement loop() {
    Statement result{.kind = Statement::Kind::loop, .location = current().location, .word = take().text};
    result.name = expect(TokenKind::name, "the name that is told each element").text;
    if (!current().is_word("in")) unexpected("in");
    take();
    result.value = expression();
    result.body = body();
    return result;
  }

  Statement keyword_statement() {
    using Kind = Statement::Kind;
    const std::string word = current().quoted ? std::string() : current().text;
    if (word == "if") return condition();
    if (word == "for") return loop();
    if (word == "return") return with_value(Kind::result);
    if (word == "predict") return with_optional_name(Kind::predict);
    if (word == "loss") return with_optional_name(Kind::loss);
    if (word == "train") return with_value(Kind::train);
    if (word == "classes") return with_value(Kind::classes);
    if (word == "hash") return with_value(Kind::hash);
    if (word == "freeze") return with_value(Kind::freeze);
    if (word == "init") return with_name_and_value(Kind::init);
    if (word == "output") return with_name_and_value(Kind::output);
    if (word == "assign") return with_name_and_value(Kind::assign);
    if (word == "entry" || word == "kernel") return group(word == "entry" ? Kind::entry : Kind::kernel);
    if (word == "recipe" && following().is("(")) {
      Statement result{.kind = Kind::recipe, .location = current().location, .word = word};
      result.value = expression();
      return result;
    }
    constexpr std::array<std::string_view, 5> tensors = {"parameter", "buffer", "slot", "gradient",
                                                         "prepared"};
    if (std::find(tensors.begin(), tensors.end(), word) != tensors.end()) return tensor();
    if (following().is("(")) {
      const std::string_view use = word == "fail" ? "return" : "NAME =";
      throw UserError(current().location,
                      fmt::format("the result of '{0}' is not used: write {1} {0}(...)", word, use));
    }
    if (at_compound_assignment())
      throw UserError(current().location,
                      fmt::format("there is no '{1}=': write {0} = {0} {1} ...", word, following().text));
    throw UserError(current().location, fmt::format("expected a statement, found {}{}", current().describe(),
                                                    suggestion(Wanted::statement, word, statement_words())));
  }

  // NAME += VALUE and its like
  bool at_compound_assignment() const {
    constexpr std::array<std::string_view, 4> operators = {"+", "-", "*", "/"};
    return current().kind == TokenKind::name && std::ranges::count(operators, following().text) > 0 &&
           following().kind == TokenKind::symbol;
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
    if (kind == Statement::Kind::output && take_if(":")) result.role = expect(TokenKind::name, "a role").text;
    expect("=");
    result.value = expression();
    return result;
  }

  Statement group(Statement::Kind kind) {
    const Token word = take();
    const Token name = expect(TokenKind::name, "a name");
    Statement result{.kind = kind, .location = name.location, .word = word.text, .name = name.text};
    if (kind == Statement::Kind::entry && take_if(":")) result.role = expect(TokenKind::name, "a role").text;
    result.body = body();
    return result;
  }

  Statement tensor() {
    const Token word = take();
    const Token name = expect(TokenKind::name, "the name of the tensor");
    Statement result{
        .kind = Statement::Kind::tensor, .location = name.location, .word = word.text, .name = name.text};
    if (current().is_word("of")) {
      take();
      result.of = expect(TokenKind::name, "the name of a parameter").text;
    }
    expect(":");
    result.type = type();
    if (take_if("=")) result.value = expression();
    return result;
  }

  Statement condition() {
    const Nesting nesting(body_depth_, kMaxBodyDepth, current().location,
                          "bodies");  // of else if ... else if
    Statement result{.kind = Statement::Kind::condition, .location = current().location, .word = take().text};
    result.value = expression();
    result.body = body();
    if (current().is_word("else")) {
      take();
      if (current().is_word("if")) {
        result.otherwise.push_back(condition());
      } else {
        result.otherwise = body();
      }
    }
    return result;
  }

  // @ "file" 12:3 in layer during phase; each part may be missing.
  std::optional<Origin> origin() {
    if (!take_if("@")) return std::nullopt;
    Origin result;
    if (current().kind == TokenKind::string) {
      result.location.file = origin_file(take().text);
      result.location.line = small_integer("a line");
      expect(":");
      result.location.column = small_integer("a column");
    }
    if (current().is_word("in")) {
      take();
      const bool unnamed = current().kind == TokenKind::string && current().text.empty();
      result.layer = unnamed ? take().text : expect(TokenKind::name, "the layer's name").text;
    }
    if (current().is_word("during")) {
      take();
      result.phase = expect(TokenKind::name, "a phase").text;
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
    while (!current().is("]") && !current().is("|")) {
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
    if (current().is_word("order")) {
      take();
      while (current().kind == TokenKind::integer) result.order.push_back(small_integer("a dimension"));
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

  Errors& errors_;
  std::shared_ptr<const SourceFile> origin_file_;
  int body_depth_ = 0;
};

}  // namespace

File parse_file(std::shared_ptr<const SourceFile> source, Errors& errors) {
  return Parser(std::move(source), errors).file();
}

Expr parse_expression(std::shared_ptr<const SourceFile> source) {
  try {
    return ExpressionParser(std::move(source)).lone_expression();
  } catch (const LimitExceeded& error) {
    throw UserError(error.diagnostic);
  }
}

}  // namespace rnc::text
