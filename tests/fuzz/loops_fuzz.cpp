// Any text either is a program of loop IR, that keeps the rules and survives its text, or ends in a UserError.
#include <cstdint>
#include <cstdlib>
#include <string>

#include "ir/loops/text/text.h"

namespace {

rnc::loops::Listing parsed(std::string text) {
  return rnc::loops::parse_listing(
      std::make_shared<rnc::SourceFile>(rnc::SourceFile{"fuzz.loops", std::move(text)}));
}

void require(bool condition) {
  if (!condition) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string text(reinterpret_cast<const char*>(data), size);
  if (text.find("include") != std::string::npos) return 0;  // the fuzzer has no business in other files
  rnc::loops::Listing listing;
  try {
    listing = parsed(text);
  } catch (const rnc::UserError& error) {
    require(!error.render().empty());
    return 0;
  }
  require(broken_rule(listing.program).empty());
  const std::string printed = print(listing.program);
  const rnc::loops::Listing again = parsed("loops\n" + printed);
  require(equal(listing.program, again.program));
  require(print(again.program) == printed);
  return 0;
}
