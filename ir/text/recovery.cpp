// What failed statements leave behind: poison under the names that they were to define.
#include <fmt/format.h>

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
  switch (failed.kind) {
    case Kind::let:
    case Kind::tensor:
      frames_.back().variables[failed.name] = {Poison{}};
      return;
    case Kind::init:
      return;
    default:  // of a condition it is not known which branch would have been taken
      frames_.back().uncertain = true;
      for (const Statement& statement : failed.body) poison(statement);
      for (const Statement& statement : failed.otherwise) poison(statement);
  }
}

}  // namespace rnc::text
