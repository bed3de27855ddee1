// The names of nodes and tensors: dotted paths of the scopes they stand in.
#include <fmt/format.h>

#include "ir/text/elaborator.h"
#include "ir/text/lexer.h"

namespace rnc::text {

std::string Elaborator::scoped(const std::string& name, const SourceLocation& location) const {
  const std::string& scope = frames_.back().scope;
  if (scope.empty()) return name;
  if (scope.size() + 1 + name.size() > kMaxNameBytes) {
    throw UserError(location,
                    fmt::format("the name {}.{} is longer than {} characters", scope, name, kMaxNameBytes));
  }
  return fmt::format("{}.{}", scope, name);
}

std::string Elaborator::generated_name(const std::string& base, const SourceLocation& location) {
  const std::string full = fmt::format("%{}", scoped(base, location));
  int& count = generated_[full];
  std::string name;
  do {
    name = ++count == 1 ? full : fmt::format("{}_{}", full, count);
  } while (names_.contains(name));
  return name;
}

void Elaborator::check_free(const std::string& name, const SourceLocation& location) const {
  const auto taken = names_.find(name);
  if (taken == names_.end()) return;
  throw UserError(Diagnostic{
      location, fmt::format("{} is already defined", name), {{taken->second, "first defined here", {}}}});
}

void Elaborator::claim(const std::string& name, const SourceLocation& location) {
  check_free(name, location);
  names_.emplace(name, location);
}

}  // namespace rnc::text
