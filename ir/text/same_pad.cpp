#include "ir/text/same_pad.h"

#include <fmt/format.h>

#include <algorithm>

namespace rnc::text {

void resolve_same(const Expr& call, const Type& x, const Type* weight, Attributes& attributes) {
  const auto given = attributes.all().find("pad");
  if (given == attributes.all().end() || given->second != Attribute(std::string("same")) || x.rank() != 4)
    return;
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
