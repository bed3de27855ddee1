#include "ir/text/suggest.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>

#include "ir/ops/op.h"
#include "ir/text/foreign_names.h"
#include "ir/text/metadata.h"

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

// In small letters and without '_', so that BatchNorm is batch_norm, and without what stands before the last
// dot: nn.ReLU.
std::string plain(std::string_view name) {
  if (const size_t dot = name.rfind('.'); dot != std::string_view::npos) name.remove_prefix(dot + 1);
  std::string result;
  for (const char c : name) {
    if (c != '_') result += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  }
  return result;
}

std::string did_you_mean(std::string_view candidate) {
  return fmt::format("; did you mean '{}'?", candidate);
}

// What a name that exists is, where something else is wanted.
std::string elsewhere(Wanted wanted, std::string_view name) {
  const bool is_function = std::ranges::find(kFunctions, name) != kFunctions.end();
  if (wanted != Wanted::argument && find_op(name) != nullptr) {
    return fmt::format("; {0} is an operation: write NAME = {0}(...)", name);
  }
  if (wanted == Wanted::value && is_function) return fmt::format("; {0} is a function: write {0}(...)", name);
  if (wanted == Wanted::operation && is_function)
    return "; that is a function, and a dump has only operations";
  if (wanted == Wanted::operation && is_initializer(name)) {
    return fmt::format("; {0} is an initialiser: write `init conv2d.weight = {0}()`", name);
  }
  if (wanted == Wanted::hyper && is_setting(name)) {
    return fmt::format("; it is the recipe's: recipe({} = ...)", name);
  }
  return {};
}

std::string nearest(std::string_view name, const std::vector<std::string>& candidates) {
  constexpr size_t longest = 64;  // nobody needs help with longer ones, and the distance is quadratic
  if (name.size() > longest) return {};
  size_t best_distance = std::max<size_t>(1, name.size() / 3) + 1;
  const std::string* best = nullptr;
  for (const std::string& candidate : candidates) {
    if (candidate.size() > longest || candidate == name) continue;
    const size_t distance = edit_distance(name, candidate);
    if (distance < best_distance) {
      best_distance = distance;
      best = &candidate;
    }
  }
  return best != nullptr ? did_you_mean(*best) : std::string();
}

}  // namespace

std::string suggestion(Wanted wanted, std::string_view name, const std::vector<std::string>& candidates) {
  const std::string key = plain(name);
  for (const std::string& candidate : candidates) {
    if (candidate != name && plain(candidate) == key) return did_you_mean(candidate);
  }
  if (const ForeignName* foreign = find_foreign(wanted, key)) {
    if (foreign->ours.empty()) return fmt::format("; {}", foreign->hint);
    if (std::ranges::find(candidates, foreign->ours) != candidates.end()) return did_you_mean(foreign->ours);
  }
  if (std::string hint = elsewhere(wanted, name); !hint.empty()) return hint;
  return nearest(name, candidates);
}

}  // namespace rnc::text
