// "Did you mean" for misspelt names.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace rnc::text {

// "; did you mean 'conv2d'?" with the candidate nearest to `name` in edit distance, or "" where none is near
// (a third of the name's letters).
std::string suggestion(std::string_view name, const std::vector<std::string>& candidates);

}  // namespace rnc::text
