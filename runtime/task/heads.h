// The kinds of heads that there are, and which of them a prediction and its target make.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/task/head.h"

namespace rnrun {

// `kind` as a recipe's `task` says it; "auto" takes the first whose types fit, and null when none do. Throws Error when
// the kind that is asked for does not fit.
std::unique_ptr<const Head> make_head(std::string_view kind, HeadPlace place);

// The target of a prediction, of one sample's shape, of which none is known, as of a model compiled for inference alone.
Field likely_target(std::string_view kind, const std::vector<int64_t>& prediction);

// For messages: what each kind compares with what.
std::string head_kinds();

}  // namespace rnrun
