#include "ir/text/errors.h"

#include <algorithm>
#include <tuple>

namespace rnc::text {

void Errors::add(Diagnostic diagnostic) {
  const SourceLocation& at = diagnostic.location;
  const auto [place, is_new] = places_.insert(at ? at.str() : diagnostic.message);
  if (!is_new) return;
  if (shown_.size() < kShownErrors) shown_.push_back(std::move(diagnostic));
  if (count() >= kMaxErrors) throw Stop{};
}

// In the order of the text; that of files, in which they were read.
void Errors::throw_any() const {
  if (shown_.empty()) return;
  std::vector<const SourceFile*> files;
  for (const Diagnostic& diagnostic : shown_) files.push_back(diagnostic.location.file.get());
  const auto place = [&](const Diagnostic& diagnostic) {
    const SourceLocation& at = diagnostic.location;
    return std::tuple(std::ranges::find(files, at.file.get()), at.line, at.column);
  };
  std::vector<Diagnostic> sorted = shown_;
  std::ranges::stable_sort(sorted, {}, place);
  throw UserError(std::move(sorted), count());
}

}  // namespace rnc::text
