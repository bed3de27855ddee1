// The calls of an entry:
//   conv(image, weight, result) for "conv1", forward, by "winograd 4x4", from batch 4, 10 * N flops,
//     result over image @ "m.graph" 4:3
#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "ir/loops/text/entry_reader.h"
#include "ir/text/suggest.h"

namespace rnc::loops {

void EntryReader::call() {
  const Token kernel = expect_name(tokens_, "the kernel's name");
  Call call{.location = kernel.location};
  const Token open = tokens_.expect("(");
  while (!tokens_.current().is(")")) {
    call.arguments.push_back(buffer_index());
    if (!tokens_.take_if(",")) break;
  }
  tokens_.expect_close(")", open);
  expect_word(tokens_, "for");
  call.label = tokens_.expect(TokenKind::string, "the layer's name").text;
  bool has_operations = false;
  while (tokens_.take_if(",")) fact(call, has_operations);
  if (!has_operations) call.work.operations = call.work.flops;
  origins_.push_back(read_origin(tokens_));
  result_.entry.calls.push_back(std::move(call));
  result_.kernels.push_back(kernel);
}

void EntryReader::fact(Call& call, bool& has_operations) {
  constexpr std::array<std::string_view, 4> directions = {"forward", "input_grad", "weight_grad", "update"};
  const Token& word = tokens_.current();
  const bool is_name = word.kind == TokenKind::name;
  if (is_name && !word.quoted && std::ranges::count(directions, word.text) > 0) {
    call.work.direction = tokens_.take().text;
  } else if (take_word(tokens_, "by")) {
    call.work.algorithm = tokens_.expect(TokenKind::string, "the algorithm").text;
  } else if (take_word(tokens_, "from")) {
    expect_word(tokens_, "batch");
    call.work.from_batch = read_integer(tokens_, "the batch", 1, kLargestSize);
  } else if (is_name && !word.is_word("N")) {
    const int written = buffer_index();
    expect_word(tokens_, "over");
    call.in_place.emplace_back(written, buffer_index());
  } else {
    size_fact(call.work, has_operations);
  }
}

void EntryReader::size_fact(Work& work, bool& has_operations) {
  if (tokens_.current().kind != TokenKind::integer && !tokens_.current().is_word("N"))
    tokens_.unexpected("a direction, 'by', 'from', a size or a pair of buffers");
  const Extent size = read_extent(tokens_, kLargestWork);
  if (take_word(tokens_, "flops")) {
    work.flops = size;
  } else if (take_word(tokens_, "bytes")) {
    work.bytes = size;
  } else if (take_word(tokens_, "direct_bytes")) {
    work.direct_bytes = size;
  } else {
    expect_word(tokens_, "operations");
    work.operations = size;
    has_operations = true;
  }
}

int EntryReader::buffer_index() {
  const Token at = tokens_.current();
  const BufferName name = buffer_name();
  const auto found = buffers_.find(name);
  if (found != buffers_.end()) return found->second;
  std::vector<std::string> known;
  for (const auto& [each, index] : buffers_) known.push_back(each.first);
  throw UserError(at.location, fmt::format("there is no buffer '{}'{}{}", name.first,
                                           name.second > 1 ? fmt::format("@{}", name.second) : "",
                                           suggestion(text::Wanted::other, name.first, known)));
}

}  // namespace rnc::loops
