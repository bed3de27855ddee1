// All the mistakes in one text: reading continues after each, and what depends on it is not reported again.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "ir/graph/diagnostics.h"

namespace rnc::text {

inline constexpr size_t kShownErrors = 20;
inline constexpr size_t kMaxErrors = 1000;

// An expression depends on a value whose own statement has failed; that one was reported already.
struct Poisoned {};
// Nothing more is read: there are too many errors, or so much is missing that only consequences of it would be found.
struct Stop {};
// A text exceeds a limit; no statement after this could be read either.
struct LimitExceeded {
  Diagnostic diagnostic;
};

class Errors {
 public:
  // Of several at one place only the first counts: a block's statement fails the same way in every call.
  // Throws Stop after kMaxErrors.
  void add(Diagnostic diagnostic);
  size_t count() const { return places_.size(); }
  // Throws them, if there are any, as one UserError.
  void throw_any() const;

 private:
  std::vector<Diagnostic> shown_;
  std::set<std::string> places_;
};

}  // namespace rnc::text
