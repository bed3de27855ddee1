// What the verifiers of kernels (verify.cpp), of calls (verify_program.cpp) and of planned memory (verify_plan.cpp) share.
#pragma once

#include <fmt/format.h>

#include <string>
#include <utility>

#include "ir/loops/program.h"

namespace rnc::loops {

// Thrown inside the verifiers only: the rule broken, and the place of the statement or call.
struct Broken {
  std::string rule;
  SourceLocation location = {};
};

template <class... Args>
void require(bool condition, fmt::format_string<Args...> rule, Args&&... args) {
  if (!condition) throw Broken{fmt::format(rule, std::forward<Args>(args)...)};
}

// Whether one size is at most another, for every batch from 1 on.
inline bool fits(const Extent& small, const Extent& large) {
  return small.at(1) <= large.at(1) && small.per_sample <= large.per_sample;
}

// The rules of planned memory, for entries that have any. Throws Broken.
void check_plan(const EntryProgram& entry);

}  // namespace rnc::loops
