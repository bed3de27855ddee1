// Any text either parses, to a module that keeps the rules and survives its dump, or ends in a UserError.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "ir/graph/verifier.h"
#include "ir/text/format.h"
#include "ir/text/text.h"

namespace {

std::shared_ptr<const rnc::SourceFile> source(std::string text) {
  return std::make_shared<rnc::SourceFile>(rnc::SourceFile{"fuzz.graph", std::move(text)});
}

void require(bool condition) {
  if (!condition) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string text(reinterpret_cast<const char*>(data), size);
  if (text.find("include") != std::string::npos) return 0;  // the fuzzer has no business in other files
  rnc::Module module;
  try {
    module = rnc::parse(source(text));
  } catch (const rnc::UserError& error) {
    require(!error.render().empty());
    return 0;
  }
  require(!rnc::find_violation(module));
  const std::string formatted = rnc::format(source(text));
  require(rnc::format(source(formatted)) == formatted);
  require(rnc::equal(rnc::parse(source(formatted)), module));
  const std::string dump = rnc::print(module);
  const rnc::Module again = rnc::parse(source(dump));
  require(rnc::equal(module, again));
  require(rnc::print(again, {.locations = false}) == rnc::print(module, {.locations = false}));
  return 0;
}
