#include "ir/loops/text/parts.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <limits>

#include "ir/text/declarations.h"
#include "runtime/contract/abi.h"

namespace rnc::loops {
namespace {

constexpr std::array kScalars = {Scalar::u8,  Scalar::i32,  Scalar::i64,    Scalar::f32,
                                 Scalar::f64, Scalar::bf16, Scalar::boolean};

// A size of a graph value's type as the graph language's syntax.
text::Expr read_dim(TokenStream& tokens) {
  const Token token = tokens.take();
  if (token.is_word("N")) return {.kind = text::Expr::Kind::name, .location = token.location, .text = "N"};
  if (token.kind != TokenKind::integer)
    throw UserError(token.location, fmt::format("expected a size, found {}", token.describe()));
  return {.kind = text::Expr::Kind::integer, .location = token.location, .integer = token.integer};
}

Layout read_layout(TokenStream& tokens) {
  Layout layout;
  if (take_word(tokens, "order")) {
    while (tokens.current().kind == TokenKind::integer)
      layout.order.push_back(static_cast<int>(read_integer(tokens, "a dimension", 0, RN_MAX_RANK)));
    if (!tokens.take_if(",")) return layout;
  }
  do {
    Layout::Block block;
    block.dim = static_cast<int>(read_integer(tokens, "a dimension", 0, RN_MAX_RANK));
    tokens.expect(":");
    block.size = read_integer(tokens, "a block's size", 2, kLargestSize);
    layout.blocks.push_back(block);
  } while (tokens.take_if(","));
  return layout;
}

}  // namespace

bool take_word(TokenStream& tokens, std::string_view word) {
  if (!tokens.current().is_word(word)) return false;
  tokens.take();
  return true;
}

void expect_word(TokenStream& tokens, std::string_view word) {
  if (!take_word(tokens, word)) tokens.unexpected(fmt::format("'{}'", word));
}

Token expect_name(TokenStream& tokens, std::string_view what) {
  if (tokens.at_reserved_word()) tokens.unexpected(what);
  return tokens.expect(TokenKind::name, what);
}

int64_t read_integer(TokenStream& tokens, std::string_view what, int64_t least, int64_t most) {
  const Token token = tokens.expect(TokenKind::integer, what);
  if (token.integer < least || token.integer > most) {
    throw UserError(token.location, fmt::format("{} must be {} {}, not {}", what,
                                                token.integer < least ? "at least" : "at most",
                                                token.integer < least ? least : most, token.integer));
  }
  return token.integer;
}

double read_number(TokenStream& tokens) {
  const bool negative = tokens.take_if("-");
  double value = std::numeric_limits<double>::quiet_NaN();
  if (take_word(tokens, "inf")) {
    value = std::numeric_limits<double>::infinity();
  } else if (!take_word(tokens, "nan")) {
    const Token& token = tokens.current();
    if (token.kind != TokenKind::integer && token.kind != TokenKind::real) tokens.unexpected("a number");
    value = token.kind == TokenKind::integer ? static_cast<double>(token.integer) : token.real;
    tokens.take();
  }
  return negative ? -value : value;
}

Extent read_extent(TokenStream& tokens, int64_t most) {
  if (take_word(tokens, "N")) return {0, 1};
  const int64_t first = read_integer(tokens, "a size", 0, most);
  if (tokens.take_if("*")) {
    expect_word(tokens, "N");
    return {0, first};
  }
  if (!tokens.take_if("+")) return {first, 0};
  if (take_word(tokens, "N")) return {first, 1};
  const int64_t per_sample = read_integer(tokens, "a size", 0, most);
  tokens.expect("*");
  expect_word(tokens, "N");
  return {first, per_sample};
}

Type read_type(TokenStream& tokens) {
  const Token dtype = expect_name(tokens, "a type, such as f32[N, 64, 56, 56]");
  text::TypeSyntax syntax{.location = dtype.location, .dtype = dtype.text};
  const Token open = tokens.expect("[");
  while (!tokens.current().is("]") && !tokens.current().is("|")) {
    syntax.dims.push_back(read_dim(tokens));
    if (syntax.dims.size() > RN_MAX_RANK)
      throw UserError(dtype.location, fmt::format("a type has at most {} dimensions", RN_MAX_RANK));
    if (!tokens.take_if(",")) break;
  }
  if (tokens.take_if("|")) syntax.layout = read_layout(tokens);
  tokens.expect_close("]", open);
  text::ConstantEnvironment environment(nullptr);
  return text::evaluate_type(syntax, environment);
}

SourceLocation read_origin(TokenStream& tokens) {
  if (!tokens.take_if("@")) return {};
  constexpr int64_t most = 1 << 30;
  const Token file = tokens.expect(TokenKind::string, "the name of a file");
  SourceLocation location{std::make_shared<SourceFile>(SourceFile{file.text, {}})};
  location.line = static_cast<int>(read_integer(tokens, "a line", 0, most));
  tokens.expect(":");
  location.column = static_cast<int>(read_integer(tokens, "a column", 0, most));
  return location;
}

std::optional<ValueType> value_type(const Token& word) {
  if (word.quoted) return std::nullopt;
  for (const Scalar scalar : kScalars) {
    if (word.text == name(scalar)) return ValueType{scalar, 1};
    if (!word.text.starts_with(fmt::format("{}x", name(scalar)))) continue;
    const char* digits = word.text.data() + name(scalar).size() + 1;
    const char* end = word.text.data() + word.text.size();
    int lanes = 0;
    const auto [last, error] = std::from_chars(digits, end, lanes);
    if (error != std::errc() || last != end || *digits == '0') continue;
    if (lanes < 2 || lanes > kMostLanes)
      throw UserError(word.location, fmt::format("a vector has 2 to {} lanes", kMostLanes));
    return ValueType{scalar, lanes};
  }
  return std::nullopt;
}

Memory read_memory(TokenStream& tokens, const Token& name, Space space) {
  tokens.expect(":");
  const Token word = expect_name(tokens, "the type of an element, such as f32");
  const std::optional<ValueType> type = value_type(word);
  if (!type || type->lanes != 1)
    throw UserError(word.location,
                    fmt::format("'{}' is no element type; known are u8, i32, i64, f32 and f64", word.text));
  Memory memory{.name = name.text, .scalar = type->scalar, .space = space};
  int64_t size = bytes(type->scalar);
  const Token open = tokens.expect("[");
  while (!tokens.current().is("]")) {
    const SourceLocation at = tokens.current().location;
    const Extent dim = read_extent(tokens);
    size = checked_product(size, std::max<int64_t>(dim.at(1), 1), at, name.text);
    memory.dims.push_back(dim);
    if (!tokens.take_if(",")) break;
  }
  tokens.expect_close("]", open);
  if (space == Space::parameter && take_word(tokens, "pitch"))
    memory.pitch = read_integer(tokens, "the elements from one image to the next", 1, kLargestSize / size);
  return memory;
}

}  // namespace rnc::loops
