#include "runtime/contract/settings.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <vector>

namespace contract {

namespace {

std::string number_text(double value) {
  return value >= 1e15 ? fmt::format("{:.3g}", value) : fmt::format("{}", value);
}

std::string range_text(double smallest, double largest) {
  return fmt::format("from {} to {}", number_text(smallest), number_text(largest));
}

// Of a list with a range for each element, these; else none.
std::span<const Bounds> bounds(const Setting& setting) {
  const auto is_unused = [](const Bounds& b) { return b.largest == 0; };
  return {setting.each.begin(), std::ranges::find_if(setting.each, is_unused)};
}

std::string list_text(const Setting& setting, std::string_view numbers) {
  if (bounds(setting).empty())
    return fmt::format("{} {}", numbers, range_text(setting.smallest, setting.largest));
  std::vector<std::string> ranges;
  for (const Bounds& b : bounds(setting)) ranges.push_back(range_text(b.smallest, b.largest));
  return fmt::format("{} {}: {}", ranges.size(), numbers, fmt::join(ranges, ", "));
}

}  // namespace

std::span<const std::string_view> words(const Setting& setting) {
  const auto end = std::ranges::find(setting.words, std::string_view());
  return {setting.words.begin(), end};
}

std::string_view lr_scheduler_of(std::string_view name) {
  constexpr std::array<std::pair<std::string_view, std::string_view>, 5> kNames = {
      {{"steplr", "step"},
       {"multisteplr", "multistep"},
       {"exponentiallr", "exponential"},
       {"cosineannealinglr", "cosine"},
       {"onecyclelr", "onecycle"}}};
  const auto* const found = std::ranges::find(kNames, name, [](const auto& pair) { return pair.first; });
  return found == kNames.end() ? name : found->second;
}

bool allows(const Setting& setting, double number) {
  if (setting.odd && std::fmod(number, 2) == 0) return false;
  return number >= setting.smallest && number <= setting.largest;
}

bool allows(const Setting& setting, std::string_view word) {
  if (setting.name == "lr_scheduler") word = lr_scheduler_of(word);
  return std::ranges::find(words(setting), word) != words(setting).end();
}

bool allows(const Setting& setting, std::span<const double> list) {
  const std::span<const Bounds> each = bounds(setting);
  if (each.empty()) return std::ranges::all_of(list, [&](double number) { return allows(setting, number); });
  const auto inside = [](double number, const Bounds& b) {
    return number >= b.smallest && number <= b.largest;
  };
  return list.empty() || std::ranges::equal(list, each, inside);
}

std::string allowed(const Setting& setting) {
  const std::string range = range_text(setting.smallest, setting.largest);
  switch (setting.kind) {
    case SettingKind::integer:
      return fmt::format("an {}integer {}", setting.odd ? "odd " : "", range);
    case SettingKind::real:
      return "a number " + range;
    case SettingKind::boolean:
      return "true or false";
    case SettingKind::word:
      return fmt::format("one of {}", fmt::join(words(setting), ", "));
    case SettingKind::integers:
      return list_text(setting, "integers");
    case SettingKind::reals:
      return list_text(setting, "numbers");
  }
  return {};
}

}  // namespace contract
