#include "runtime/library/status.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <cstring>

namespace rnrun {

namespace {

// Of fixed size, so that it can always be kept.
std::array<char, 8192>& kept_text() noexcept {
  thread_local std::array<char, 8192> text{};
  return text;
}

}  // namespace

rnrun_status failed(rnrun_status status, std::string_view text) noexcept {
  auto& kept = kept_text();
  const size_t size = std::min(text.size(), kept.size() - 1);
  std::memcpy(kept.data(), text.data(), size);
  kept[size] = '\0';
  return status;
}

const char* error_text() noexcept { return kept_text().data(); }

void need(const void* pointer, std::string_view what) {
  if (pointer == nullptr) throw UsageError(fmt::format("'{}' is a null pointer", what));
}

char* text_for_caller(const std::string& text) {
  char* copy = static_cast<char*>(std::malloc(text.size() + 1));
  if (copy == nullptr) throw std::bad_alloc();
  std::memcpy(copy, text.c_str(), text.size() + 1);
  return copy;
}

}  // namespace rnrun

const char* rnrun_version(void) { return RNC_VERSION; }
const char* rnrun_error_text(void) { return rnrun::error_text(); }
void rnrun_text_free(char* text) { std::free(text); }
