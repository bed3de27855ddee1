// What failed statements leave behind: poison, under the names they should have defined.
#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "ir/text/elaborator.h"

namespace rnc::text {

// The calls of blocks that led here, the innermost first. What is wrong inside std.graph is a mistake of the call that led
// there: that is its place, and a note has the line of std.graph.
void Elaborator::add_notes(Diagnostic& diagnostic) const {
  constexpr size_t most = 16;
  const auto standard = library_.standard.begin()->second->location.file;
  for (size_t i = frames_.size(); i-- > 1 && diagnostic.notes.size() < most;) {
    const Frame& frame = frames_[i];
    const std::string& block = frame.definition->name;
    if (diagnostic.location.file != standard) {
      diagnostic.notes.push_back({frame.call, fmt::format("in block {}, called here", block), {}});
    } else if (frame.call.file != standard) {
      const auto text = fmt::format("in block {} of the library, here", block);
      diagnostic.notes.insert(diagnostic.notes.begin(), {diagnostic.location, text, {}});
      diagnostic.message = fmt::format("{}: {}", block, diagnostic.message);
      diagnostic.location = frame.call;
    }
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
