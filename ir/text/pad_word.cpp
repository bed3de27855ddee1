#include "ir/text/pad_word.h"

#include <fmt/format.h>

#include <algorithm>

namespace rnc::text {

void resolve_pad_word(const Expr& call, const Type& x, const Type* weight, Attributes& attributes) {
  const auto given = attributes.all().find("pad");
  const auto* word = given != attributes.all().end() ? std::get_if<std::string>(&given->second) : nullptr;
  if (word == nullptr || x.rank() != 4) return;
  if (*word == "valid") {
    attributes.erase("pad");
    return;
  }
  if (*word != "same")
    throw UserError(call.location, fmt::format("{}: pad must be numbers, \"same\" or \"valid\", not \"{}\"",
                                               call.text, *word));
  if (const auto ceil = attributes.all().find("ceil_mode");
      ceil != attributes.all().end() && ceil->second == Attribute(true))
    throw UserError(
        call.location,
        fmt::format("{}: ceil_mode has no meaning with pad = \"same\", which leaves no rest", call.text));
  const auto number = [&](const char* name, size_t d) {
    const auto found = attributes.all().find(name);
    if (found == attributes.all().end()) return int64_t{1};
    if (const auto* one = std::get_if<int64_t>(&found->second)) return *one;
    const auto* pair = std::get_if<std::vector<int64_t>>(&found->second);
    return pair != nullptr && pair->size() == 2 ? (*pair)[d] : int64_t{1};
  };
  std::vector<int64_t> pads(4);
  for (size_t d = 0; d < 2; ++d) {
    const int64_t kernel = weight != nullptr ? weight->shape[d + 2] : number("kernel", d);
    const int64_t stride = number("stride", d), size = x.shape[d + 2];
    if (stride < 1 || kernel < 1)
      throw UserError(call.location, fmt::format("{}: kernel and stride must be at least 1", call.text));
    const int64_t covered =
        ((size + stride - 1) / stride - 1) * stride + (kernel - 1) * number("dilation", d) + 1;
    const int64_t all = std::max<int64_t>(covered - size, 0);
    pads[d] = all / 2;
    pads[d + 2] = all - all / 2;
  }
  attributes.set("pad", pads);
}

}  // namespace rnc::text
