#include "runtime/contract/settings.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

namespace contract {

namespace {

std::string number_text(double value) {
  return value >= 1e15 ? fmt::format("{:.3g}", value) : fmt::format("{}", value);
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
  return number >= setting.smallest && number <= setting.largest;
}

bool allows(const Setting& setting, std::string_view word) {
  if (setting.name == "lr_scheduler") word = lr_scheduler_of(word);
  return std::ranges::find(words(setting), word) != words(setting).end();
}

std::string allowed(const Setting& setting) {
  const std::string range =
      fmt::format("from {} to {}", number_text(setting.smallest), number_text(setting.largest));
  switch (setting.kind) {
    case SettingKind::integer:
      return "an integer " + range;
    case SettingKind::real:
      return "a number " + range;
    case SettingKind::boolean:
      return "true or false";
    case SettingKind::word:
      return fmt::format("one of {}", fmt::join(words(setting), ", "));
    case SettingKind::integers:
      return "integers " + range;
  }
  return {};
}

}  // namespace contract
