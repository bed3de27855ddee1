#include "ir/loops/text/kernel_reader.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

#include "ir/loops/construct.h"

namespace rnc::loops {
namespace {

Access read_access(TokenStream& tokens) {
  if (take_word(tokens, "read")) return Access::read;
  if (take_word(tokens, "write")) return Access::write;
  if (!take_word(tokens, "update")) tokens.unexpected("'read', 'write' or 'update'");
  return Access::update;
}

}  // namespace

Kernel KernelReader::read() {
  const Token name = expect_name(tokens_, "the kernel's name");
  if (!text::is_plain_name(name.text))
    throw UserError(name.location, "the name of a kernel is one of letters, digits, _, % and dots");
  Kernel kernel{.name = name.text};
  if (take_word(tokens_, "from")) kernel.layer = tokens_.expect(TokenKind::string, "the layer's name").text;
  kernel.location = read_origin(tokens_);
  parameters(kernel);
  tokens_.skip_newlines();
  expect_word(tokens_, "tasks");
  kernel.tasks = read_extent(tokens_);
  expect_word(tokens_, "vector");
  kernel.code_vector_bytes = read_integer(tokens_, "the bytes of a vector", 4, 1024);
  kernel.body = block(body());
  tokens_.end_of_statement();
  return kernel;
}

void KernelReader::parameters(Kernel& kernel) {
  const Token open = tokens_.expect("(");
  while (!tokens_.current().is(")")) {
    const Access access = read_access(tokens_);
    const Token name = expect_name(tokens_, "the parameter's name");
    Memory memory = read_memory(tokens_, name, Space::parameter);
    memory.access = access;
    kernel.params.push_back(std::make_shared<const Memory>(std::move(memory)));
    scope_.declare(name, kernel.params.back());
    if (!tokens_.take_if(",")) break;
  }
  tokens_.expect_close(")", open);
}

// The comments before a statement, each on lines of its own.
std::string KernelReader::comments() {
  std::string text;
  while (tokens_.current().kind == TokenKind::newline) {
    const Token line = tokens_.take();
    if (!line.comment.empty()) text += (text.empty() ? "" : "\n") + line.comment;
  }
  return text;
}

// What follows a let or an allocation stands in it: items become statements from the last to the first.
std::vector<Stmt> KernelReader::body() {
  const Token open = tokens_.expect("{");
  const text::Nesting level(bodies_, kMostBodies, open.location, "loops and conditions");
  const size_t mark = scope_.mark();
  const int nesting = nesting_;
  const auto nest = [&] {
    if (++nesting_ > kMostNesting)
      throw UserError(tokens_.current().location,
                      fmt::format("lets and allocations are nested more than {} deep", kMostNesting));
  };
  nest();
  std::vector<Item> items;
  // A comment behind a statement, or behind the brace, is none of the next.
  for (;;) {
    if (tokens_.current().kind == TokenKind::newline) tokens_.take();
    std::string comment = comments();
    if (tokens_.current().is("}") || tokens_.current().kind == TokenKind::end) break;
    items.push_back(item());
    items.back().comment = std::move(comment);
    if (!items.back().stmt) nest();
    tokens_.end_of_statement();
  }
  tokens_.expect_close("}", open);
  scope_.return_to(mark);
  nesting_ = nesting;
  std::vector<Stmt> statements;
  for (auto i = items.rbegin(); i != items.rend(); ++i) {
    if (i->stmt) {
      statements.push_back(std::move(i->stmt));
    } else {
      std::ranges::reverse(statements);
      Stmt whole = i->memory ? alloc(i->memory, std::move(statements))
                             : let(i->variable.text, std::move(i->value), std::move(statements));
      statements.assign(1, std::move(whole));
    }
    if (!i->comment.empty()) statements.back() = with_comment(statements.back(), std::move(i->comment));
    statements.back() = with_location(statements.back(), i->location);
  }
  std::ranges::reverse(statements);
  return statements;
}

KernelReader::Item KernelReader::item() {
  Item item{.location = tokens_.current().location};
  if ((statements_ += copies_) > kMostStatements)
    throw UserError(item.location,
                    fmt::format("unrolled, the kernel has more than {} statements", kMostStatements));
  const Token& word = tokens_.current();
  const bool names_memory = tokens_.following().is("[");
  if (word.is("{")) {
    item.stmt = block(body());
  } else if (names_memory || word.kind != TokenKind::name) {
    item.stmt = store();
  } else if (take_word(tokens_, "for")) {
    item.stmt = loop(false);
  } else if (take_word(tokens_, "unrolled")) {
    item.stmt = loop(true);
  } else if (take_word(tokens_, "if")) {
    item.stmt = condition();
  } else if (take_word(tokens_, "prefetch")) {
    item.stmt = prefetch();
  } else if (take_word(tokens_, "let")) {
    item.variable = expect_name(tokens_, "the variable's name");
    tokens_.expect("=");
    item.value = expressions_.expression();
    scope_.bind(item.variable, item.value->type);
  } else if (word.is_word("registers") || word.is_word("scratch")) {
    const Space space = tokens_.take().text == "scratch" ? Space::scratch : Space::registers;
    const Token name = expect_name(tokens_, "the memory's name");
    item.memory = std::make_shared<const Memory>(read_memory(tokens_, name, space));
    obeying_rules(name.location, [&] { return alloc(item.memory, {}); });
    int64_t size = bytes(item.memory->scalar);
    for (const Extent& dim : item.memory->dims) size *= dim.fixed;
    if (space == Space::registers && size > kMostRegisterBytes)
      throw UserError(name.location,
                      fmt::format("{} bytes of registers; there are {} at most", size, kMostRegisterBytes));
    scope_.declare(name, item.memory);
  } else {
    tokens_.unexpected("a statement");
  }
  return item;
}

Stmt KernelReader::loop(bool unrolled) {
  const Token variable = expect_name(tokens_, "the variable's name");
  expect_word(tokens_, "in");
  Expr begin = expressions_.sum();
  tokens_.expect("..");
  Expr end = expressions_.sum();
  const int64_t step =
      take_word(tokens_, "step") ? read_integer(tokens_, "the step", 1, kLargestSize) : int64_t{1};
  // Without statements first: the types of the bounds are checked before the variable is used.
  const Stmt head =
      obeying_rules(variable.location, [&] { return for_loop(variable.text, begin, end, step, {}); });
  const int64_t outer_copies = copies_;
  if (unrolled) copies_ = unrolled_copies(variable, *head);
  const size_t mark = scope_.mark();
  scope_.bind(variable, kIndex);
  StmtNode node = *head;
  node.unrolled = unrolled;
  node.body = body();
  scope_.return_to(mark);
  copies_ = outer_copies;
  return std::make_shared<const StmtNode>(std::move(node));
}

int64_t KernelReader::unrolled_copies(const Token& variable, const StmtNode& loop) const {
  if (!is_constant(loop.begin) || !is_constant(loop.end))
    throw UserError(variable.location, "the bounds of an unrolled loop are integers");
  const int64_t begin = loop.begin->integer, end = loop.end->integer;
  if (end <= begin) return copies_;
  const auto count =
      (static_cast<uint64_t>(end) - static_cast<uint64_t>(begin) - 1) / static_cast<uint64_t>(loop.step) + 1;
  if (count > static_cast<uint64_t>(kMostUnrolled / copies_))
    throw UserError(variable.location,
                    fmt::format("unrolling repeats this more than {} times", kMostUnrolled));
  return copies_ * static_cast<int64_t>(count);
}

Stmt KernelReader::condition() {
  const SourceLocation at = tokens_.current().location;
  Expr value = expressions_.expression();
  obeying_rules(at, [&] { return if_then(value, {}); });
  std::vector<Stmt> yes = body(), no;
  if (take_word(tokens_, "else")) no = body();
  return if_then(std::move(value), std::move(yes), std::move(no));
}

Stmt KernelReader::store() {
  const SourceLocation at = tokens_.current().location;
  AccessPlace place = expressions_.place();
  tokens_.expect("=");
  Expr value = expressions_.expression();
  return obeying_rules(at, [&] {
    rule(value->type.lanes == place.lanes,
         fmt::format("{} lanes are stored to {}", value->type.lanes, place.lanes));
    return loops::store(place.memory, place.index, value, place.lane_dim, place.valid);
  });
}

Stmt KernelReader::prefetch() {
  const SourceLocation at = tokens_.current().location;
  const AccessPlace place = expressions_.place();
  return obeying_rules(at, [&] {
    rule(place.lanes == 1, "a prefetch names one element");
    return loops::prefetch(place.memory, place.index);
  });
}

}  // namespace rnc::loops
