// The kinds of heads that there are, and which of them a prediction and its target make.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/task/head.h"

namespace rnrun {

inline constexpr std::string_view kSimilarity = "similarity";

// `kind` as a recipe's `task` says it: that one if it fits the types, else the first that does of those that need not be
// asked for. Null when none does.
std::unique_ptr<const Head> make_head(std::string_view kind, HeadPlace place);

// For messages: what a kind compares with what. Empty for "auto".
std::string_view compared_by(std::string_view kind);

// The target of a prediction, of one sample's shape, of which none is known, as of a model compiled for inference alone.
Field likely_target(std::string_view kind, const std::vector<int64_t>& prediction);

}  // namespace rnrun
