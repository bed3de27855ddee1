#include "ir/loops/text/entry_reader.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>

#include "ir/text/suggest.h"

namespace rnc::loops {
namespace {

template <class List, class Projection>
int position(const List& list, const Token& name, Projection name_of, std::string_view what) {
  const auto found = std::ranges::find(list, name.text, name_of);
  if (found != list.end()) return static_cast<int>(found - list.begin());
  std::vector<std::string> known;
  for (const auto& each : list) known.push_back(name_of(each));
  throw UserError(name.location, fmt::format("there is no {} '{}'{}", what, name.text,
                                             suggestion(text::Wanted::other, name.text, known)));
}

constexpr auto name_of_input = [](const Node& input) -> const std::string& { return input.name; };
constexpr auto name_of_output = [](const auto& output) -> const std::string& { return output.first; };

// Throws where there is one already, or there are too many.
template <class List, class Projection>
void check_new(const List& list, const Token& name, Projection name_of, std::string_view what) {
  constexpr size_t most = 1000;
  if (std::ranges::find(list, name.text, name_of) != list.end())
    throw UserError(name.location, fmt::format("there already is an {} {}", what, name.text));
  if (list.size() >= most)
    throw UserError(name.location, fmt::format("an entry has at most {} {}s", most, what));
}

}  // namespace

ReadEntry EntryReader::read(std::vector<SourceLocation>& origins) {
  const Token name = expect_name(tokens_, "the entry's name");
  result_.entry.name = name.text;
  result_.entry.role = role_named(name.text);
  result_.place = name.location;
  if (tokens_.take_if(":")) {
    const Token role = expect_name(tokens_, "the entry's role");
    result_.entry.role = role_named(role.text);
    if (role.text != rnc::name(result_.entry.role))
      throw UserError(role.location, fmt::format("there is no role {} of entries", role.text));
  }
  const Token open = tokens_.expect("{");
  for (;;) {
    tokens_.skip_newlines();
    if (tokens_.current().is("}") || tokens_.current().kind == TokenKind::end) break;
    statement();
    tokens_.end_of_statement();
  }
  tokens_.expect_close("}", open);
  tokens_.end_of_statement();
  origins = std::move(origins_);
  return std::move(result_);
}

void EntryReader::statement() {
  if (tokens_.following().is("(")) return call();
  if (take_word(tokens_, "input")) return input();
  if (take_word(tokens_, "output")) return output();
  if (take_word(tokens_, "batch")) return least_batch();
  if (take_word(tokens_, "buffer")) return buffer();
  if (take_word(tokens_, "arena")) return arena();
  if (take_word(tokens_, "live")) {
    result_.entry.live_bound = read_extent(tokens_);
    return expect_word(tokens_, "bytes");
  }
  if (!take_word(tokens_, "direct")) tokens_.unexpected("a statement of an entry");
  result_.entry.direct_flops = read_extent(tokens_, kLargestWork);
  expect_word(tokens_, "flops");
}

// input label : i32[N] as target of 10 classes
// input mask : i32[N, 8, 8] as target of 21 classes but 255
// input alpha : f32[] = 0.5
void EntryReader::input() {
  EntryProgram& entry = result_.entry;
  const Token name = expect_name(tokens_, "the input's name");
  check_new(entry.inputs, name, name_of_input, "input");
  tokens_.expect(":");
  Node node{.op = Op::input, .name = name.text, .type = read_type(tokens_)};
  double initial = std::numeric_limits<double>::quiet_NaN();
  std::string role(rnc::name(InputRole::sample));
  if (take_word(tokens_, "as")) {
    const Token given = expect_name(tokens_, "the input's role");
    role = given.text;
    if (!input_role_named(role))
      throw UserError(given.location, fmt::format("there is no role {} of inputs", role));
  }
  if (take_word(tokens_, "of")) {
    entry.classes[name.text] = read_integer(tokens_, "the number of classes", 1, INT32_MAX);
    expect_word(tokens_, "classes");
    if (take_word(tokens_, "but"))
      entry.ignored_labels[name.text] = read_integer(tokens_, "the ignored label", INT32_MIN, INT32_MAX);
  }
  const SourceLocation at = tokens_.current().location;
  if (tokens_.take_if("=")) {
    if (node.type.rank() > 0) throw UserError(at, "only a scalar has a default");
    initial = read_number(tokens_);
  }
  node.attributes.set("default", initial);
  node.attributes.set("role", role);
  node.attributes = complete_attributes(info(Op::input), std::move(node.attributes), name.location);
  entry.inputs.push_back(std::move(node));
}

void EntryReader::output() {
  EntryProgram& entry = result_.entry;
  const Token name = expect_name(tokens_, "the output's name");
  check_new(entry.outputs, name, name_of_output, "output");
  tokens_.expect(":");
  entry.outputs.emplace_back(name.text, read_type(tokens_));
  const int place = static_cast<int>(entry.outputs.size()) - 1;
  OutputRole role = usual_output_role(name.text);
  if (take_word(tokens_, "as")) {
    const Token given = expect_name(tokens_, "the output's role");
    const std::optional<OutputRole> known = output_role_named(given.text);
    if (!known) throw UserError(given.location, fmt::format("there is no role {} of outputs", given.text));
    role = *known;
  }
  if (role != OutputRole::prediction) entry.roles[place] = role;
}

// batch at least 2 for "layer1.bn1"
void EntryReader::least_batch() {
  expect_word(tokens_, "at");
  expect_word(tokens_, "least");
  result_.entry.min_batch = read_integer(tokens_, "the least batch", 1, kLargestSize);
  expect_word(tokens_, "for");
  result_.entry.min_batch_layer = tokens_.expect(TokenKind::string, "the layer's name").text;
}

// "sums", "sums@2": of several buffers with one name, the second.
EntryReader::BufferName EntryReader::buffer_name() {
  const Token name = expect_name(tokens_, "the buffer's name");
  if (!tokens_.current().is("@") || tokens_.following().kind != TokenKind::integer) return {name.text, 1};
  tokens_.take();
  return {name.text, read_integer(tokens_, "the number of a buffer", 2, INT32_MAX)};
}

// buffer x : 64 * N bytes, arena at 0 : f32[N, 16]
void EntryReader::buffer() {
  const SourceLocation place = tokens_.current().location;
  const BufferName name = buffer_name();
  if (buffers_.contains(name) || (name.second > 1 && !buffers_.contains({name.first, name.second - 1})))
    throw UserError(place, fmt::format("buffers called {0} are called so once, then {0}@2, {0}@3, ...",
                                       text::quote_name(name.first)));
  Buffer buffer{.name = name.first};
  tokens_.expect(":");
  buffer.size = read_extent(tokens_);
  expect_word(tokens_, "bytes");
  tokens_.expect(",");
  region(buffer);
  if (tokens_.take_if(":")) buffer.type = read_type(tokens_);
  buffers_.emplace(name, static_cast<int>(result_.entry.buffers.size()));
  result_.entry.buffers.push_back(std::move(buffer));
  result_.places.push_back(place);
}

void EntryReader::region(Buffer& buffer) {
  EntryProgram& entry = result_.entry;
  if (take_word(tokens_, "input")) {
    buffer.region = Region::input;
    buffer.index = position(entry.inputs, expect_name(tokens_, "the input's name"), name_of_input, "input");
  } else if (take_word(tokens_, "output")) {
    buffer.region = Region::output;
    buffer.index =
        position(entry.outputs, expect_name(tokens_, "the output's name"), name_of_output, "output");
  } else if (take_word(tokens_, "tensor")) {
    buffer.region = Region::tensor;
    buffer.index = static_cast<int>(read_integer(tokens_, "the number of a tensor", 0, INT32_MAX));
  } else if (take_word(tokens_, "constant")) {
    buffer.region = Region::constant;
    const Token index = tokens_.current();
    buffer.index = static_cast<int>(read_integer(tokens_, "the number of a constant", 0, INT32_MAX));
    expect_word(tokens_, "of");
    result_.constants.push_back({index, read_integer(tokens_, "the bytes of a constant", 0, kLargestSize)});
    expect_word(tokens_, "bytes");
  } else if (take_word(tokens_, "part")) {
    buffer.region = Region::part;
    expect_word(tokens_, "of");
    const Token whole = tokens_.current();
    const auto found = buffers_.find(buffer_name());
    if (found == buffers_.end())
      throw UserError(whole.location,
                      fmt::format("no buffer before this one is called {}", text::quote_name(whole.text)));
    buffer.index = found->second;
    expect_word(tokens_, "at");
    buffer.offset = read_extent(tokens_);
  } else {
    if (!take_word(tokens_, "arena"))
      tokens_.unexpected("'input', 'output', 'tensor', 'constant', 'part' or 'arena'");
    expect_word(tokens_, "at");
    buffer.offset = read_extent(tokens_);
  }
}

// arena max(4032 * N, 4096 + 64 * N) bytes
void EntryReader::arena() {
  std::array<Extent, 2>& arena = result_.entry.arena;
  if (take_word(tokens_, "max")) {
    const Token open = tokens_.expect("(");
    arena[0] = read_extent(tokens_);
    tokens_.expect(",");
    arena[1] = read_extent(tokens_);
    tokens_.expect_close(")", open);
  } else {
    arena = {read_extent(tokens_), {}};
  }
  expect_word(tokens_, "bytes");
}

}  // namespace rnc::loops
