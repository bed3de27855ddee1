#include "ir/loops/text/scope.h"

#include <fmt/format.h>

#include "ir/text/suggest.h"

namespace rnc::loops {
namespace {

template <class Map>
auto find(const Map& names, const text::Token& name, std::string_view what) {
  const auto found = names.find(name.text);
  if (found != names.end()) return found->second;
  std::vector<std::string> known;
  for (const auto& [each, meaning] : names) known.push_back(each);
  throw UserError(name.location, fmt::format("there is no {} '{}' here{}", what, name.text,
                                             suggestion(text::Wanted::other, name.text, known)));
}

}  // namespace

Scope::Scope() {
  for (const char* name : {"N", "task", "threads"}) variables_[name] = {Scalar::i64, 1};
}

Expr Scope::variable(const text::Token& name) const {
  return loops::variable(name.text, find(variables_, name, "variable"));
}

MemoryRef Scope::memory(const text::Token& name) const { return find(memories_, name, "memory"); }

void Scope::bind(const text::Token& name, ValueType type) {
  if (!variables_.emplace(name.text, type).second)
    throw UserError(name.location, fmt::format("the variable {} is already bound", name.text));
  bound_.push_back({name.text, false});
}

void Scope::declare(const text::Token& name, MemoryRef memory) {
  if (!memories_.emplace(name.text, std::move(memory)).second)
    throw UserError(name.location, fmt::format("there already is a memory {}", name.text));
  bound_.push_back({name.text, true});
}

void Scope::return_to(size_t mark) {
  for (; bound_.size() > mark; bound_.pop_back()) {
    if (bound_.back().is_memory) {
      memories_.erase(bound_.back().name);
    } else {
      variables_.erase(bound_.back().name);
    }
  }
}

}  // namespace rnc::loops
