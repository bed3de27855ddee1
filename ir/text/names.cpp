// The names of nodes and tensors: dotted paths of the scopes they stand in.
#include <fmt/format.h>

#include <algorithm>

#include "ir/text/elaborator.h"
#include "ir/text/lexer.h"

namespace rnc::text {

std::string Elaborator::scoped(const std::string& name, const SourceLocation& location) const {
  const auto& [scope, suffix] = std::tie(frames_.back().scope, frames_.back().suffix);
  std::string full = (scope.empty() ? name : scope + "." + name) + suffix;
  if (full.size() > kMaxNameBytes)
    throw UserError(location, fmt::format("the name {} is longer than {} characters", full, kMaxNameBytes));
  return full;
}

std::string Elaborator::generated_name(const std::string& base, const SourceLocation& location) {
  const std::string full = fmt::format("%{}", scoped(base, location));
  std::vector<std::string>* made = shared_call_ == nullptr ? nullptr : &shared_call_->names[full];
  if (made != nullptr)
    if (const size_t number = shared_call_->made[full]++; number < made->size()) return (*made)[number];
  int& count = generated_[full];
  std::string name;
  do {
    name = ++count == 1 ? full : fmt::format("{}_{}", full, count);
  } while (names_.contains(name));
  if (made != nullptr) made->push_back(name);
  return name;
}

std::string Elaborator::node_name(const std::string& name) {
  if (!repeats_names() || !names_.contains(name)) return name;
  const std::string base = name.starts_with('%') ? name : "%" + name;
  int& count = generated_[base];
  count = std::max(count, 1);
  std::string made;
  do {
    made = fmt::format("{}_{}", base, ++count);
  } while (names_.contains(made));
  return made;
}

void Elaborator::check_free(const std::string& name, const SourceLocation& location) const {
  if (!repeats_names()) check_taken(name, location);
}

void Elaborator::check_taken(const std::string& name, const SourceLocation& location) const {
  const auto taken = names_.find(name);
  if (taken == names_.end()) return;
  throw UserError(Diagnostic{
      location, fmt::format("{} is already defined", name), {{taken->second, "first defined here", {}}}});
}

void Elaborator::claim(const std::string& name, const SourceLocation& location) {
  if (!sharing_) check_taken(name, location);
  names_.emplace(name, location);
}

}  // namespace rnc::text
