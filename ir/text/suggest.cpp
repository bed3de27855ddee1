#include "ir/text/suggest.h"

#include <fmt/format.h>

#include <algorithm>

namespace rnc::text {
namespace {

// Insertions, deletions, replacements and swaps of neighbours that turn `a` into `b`.
size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::vector<size_t>> distance(a.size() + 1, std::vector<size_t>(b.size() + 1));
  for (size_t i = 0; i <= a.size(); ++i) {
    for (size_t j = 0; j <= b.size(); ++j) {
      size_t& d = distance[i][j];
      if (i == 0 || j == 0) {
        d = i + j;
        continue;
      }
      d = std::min({distance[i - 1][j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1), distance[i - 1][j] + 1,
                    distance[i][j - 1] + 1});
      const bool swapped = i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
      if (swapped) d = std::min(d, distance[i - 2][j - 2] + 1);
    }
  }
  return distance[a.size()][b.size()];
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
