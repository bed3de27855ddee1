#include "ir/text/suggest.h"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>

namespace rnc::text {
namespace {

// Insertions, deletions and replacements that turn `a` into `b` (Levenshtein).
size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), size_t{0});
  for (size_t i = 0; i < a.size(); ++i) {
    size_t diagonal = row[0];
    row[0] = i + 1;
    for (size_t j = 0; j < b.size(); ++j) {
      const size_t replaced = diagonal + (a[i] == b[j] ? 0 : 1);
      diagonal = row[j + 1];
      row[j + 1] = std::min({replaced, row[j] + 1, row[j + 1] + 1});
    }
  }
  return row.back();
}

}  // namespace

std::string suggestion(std::string_view name, const std::vector<std::string>& candidates) {
  constexpr size_t longest = 64;  // nobody needs help with longer ones, and the distance is quadratic
  if (name.size() > longest) return {};
  size_t best_distance = std::max<size_t>(1, name.size() / 3) + 1;
  const std::string* best = nullptr;
  for (const std::string& candidate : candidates) {
    if (candidate.size() > longest) continue;
    const size_t distance = edit_distance(name, candidate);
    if (distance < best_distance) {
      best_distance = distance;
      best = &candidate;
    }
  }
  return best != nullptr ? fmt::format("; did you mean '{}'?", *best) : std::string();
}

}  // namespace rnc::text
