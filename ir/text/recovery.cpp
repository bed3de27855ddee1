// What failed statements leave behind: poison, under the names they should have defined.
#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "ir/text/elaborator.h"

namespace rnc::text {

// The calls of blocks that led here, the innermost first.
void Elaborator::add_notes(Diagnostic& diagnostic) const {
  constexpr size_t most = 16;
  const size_t count = std::min(frames_.size() - 1, most);
  for (size_t i = 0; i < count; ++i) {
    const Frame& frame = frames_[frames_.size() - 1 - i];
    diagnostic.notes.push_back(
        {frame.call, fmt::format("in block {}, called here", frame.definition->name), {}});
  }
}

void Elaborator::poison(const Statement& failed) {
  using Kind = Statement::Kind;
  const bool is_definition = failed.kind == Kind::let || failed.kind == Kind::tensor;
  if (is_definition) frames_.back().variables[failed.name] = {Poison{}};
  for (const std::string& name : failed.more) frames_.back().variables[name] = {Poison{}};
  constexpr std::array undecided = {Kind::condition, Kind::loop,    Kind::failed,
                                    Kind::result,    Kind::predict, Kind::output};
  if (std::ranges::find(undecided, failed.kind) == undecided.end()) return;
  frames_.back().uncertain = true;
  // Of a condition it is not known which branch would have been taken.
  for (const Statement& statement : failed.body) poison(statement);
  for (const Statement& statement : failed.otherwise) poison(statement);
}

}  // namespace rnc::text
