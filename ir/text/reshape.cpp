#include "ir/text/reshape.h"

#include <fmt/format.h>

#include <algorithm>

namespace rnc::text {

void complete_shape(const Expr& call, const Type& x, Attributes& attributes) {
  const auto given = attributes.all().find("shape");
  const auto* sizes =
      given != attributes.all().end() ? std::get_if<std::vector<int64_t>>(&given->second) : nullptr;
  if (sizes == nullptr || sizes->empty()) return;
  std::vector<int64_t> shape = *sizes;
  const auto first = shape.begin() + (has_batch(x.shape) ? 1 : 0);
  const auto open = std::find(first, shape.end(), int64_t{-1});
  if (open == shape.end()) return;
  if (std::find(open + 1, shape.end(), int64_t{-1}) != shape.end())
    throw UserError(call.location, "reshape: only one size can be left open");
  int64_t others = 1;
  const int64_t elements = elements_per_sample(x.shape);
  for (auto size = first; size != shape.end(); ++size) {
    if (size == open) continue;
    const bool too_many = *size < 1 || *size > elements / others;
    others = too_many ? elements + 1 : others * *size;
    if (too_many) break;
  }
  if (elements % others != 0)
    throw UserError(call.location,
                    fmt::format("reshape: the sizes beside the open one do not divide the {} elements of {}",
                                elements, str(x)));
  *open = elements / others;
  attributes.set("shape", std::move(shape));
}

}  // namespace rnc::text
