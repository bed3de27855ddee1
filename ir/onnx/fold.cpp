#include "ir/onnx/fold.h"

#include <algorithm>

namespace rnc::onnx {

std::optional<int64_t> elements_of(const std::vector<int64_t>& shape) {
  int64_t count = 1;
  for (const int64_t size : shape)
    if (size < 0 || __builtin_mul_overflow(count, size, &count) || count > kMostFolded) return {};
  return count;
}

std::optional<std::vector<int64_t>> spread_of(const std::vector<int64_t>& a, const std::vector<int64_t>& b) {
  std::vector<int64_t> result(std::max(a.size(), b.size()));
  for (size_t i = 0; i < result.size(); ++i) {  // from the last
    const int64_t x = i < a.size() ? a[a.size() - 1 - i] : 1, y = i < b.size() ? b[b.size() - 1 - i] : 1;
    if (x != y && x != 1 && y != 1) return {};
    result[result.size() - 1 - i] = x == 1 ? y : x;
  }
  if (!elements_of(result)) return {};
  return result;
}

std::vector<int64_t> spread_places(const std::vector<int64_t>& from, const std::vector<int64_t>& to) {
  const int64_t count = elements_of(to).value_or(0);
  std::vector<int64_t> places;
  places.reserve(static_cast<size_t>(count));
  for (int64_t i = 0; i < count; ++i) {
    int64_t place = 0, stride = 1, rest = i;
    for (size_t d = to.size(); d-- > 0;) {
      const int64_t index = rest % to[d];
      rest /= to[d];
      const size_t behind = to.size() - 1 - d;
      if (behind >= from.size()) continue;
      const int64_t size = from[from.size() - 1 - behind];
      if (size != 1) place += index * stride;
      stride *= size;
    }
    places.push_back(place);
  }
  return places;
}

Folded fold_binary(const Constant& a, const Constant& b,
                   std::optional<Size> (*whole)(const Size&, const Size&), double (*real)(double, double)) {
  const auto shape = spread_of(a.shape, b.shape);
  if (!shape) return {};
  const std::vector<int64_t> left = spread_places(a.shape, *shape), right = spread_places(b.shape, *shape);
  if (a.is_real || b.is_real) {
    std::vector<float> values;
    for (size_t i = 0; i < left.size(); ++i) {
      const auto depends = [](const Constant& c, int64_t at) {
        return !c.is_real && !c.whole[static_cast<size_t>(at)].fixed();
      };
      if (depends(a, left[i]) || depends(b, right[i])) return {};
      values.push_back(static_cast<float>(real(a.real(left[i]), b.real(right[i]))));
    }
    return reals(*shape, std::move(values));
  }
  Sizes values;
  for (size_t i = 0; i < left.size(); ++i) {
    const auto value = whole(a.whole[static_cast<size_t>(left[i])], b.whole[static_cast<size_t>(right[i])]);
    if (!value) return {};
    values.push_back(*value);
  }
  return whole_numbers(*shape, std::move(values));
}

Folded fold_unary(const Constant& a, double (*real)(double)) {
  if (a.elements() > kMostFolded) return {};
  if (a.is_real) {
    std::vector<float> values;
    for (const float value : *a.reals) values.push_back(static_cast<float>(real(static_cast<double>(value))));
    return reals(a.shape, std::move(values));
  }
  Sizes values;
  for (const Size& size : a.whole) {
    if (!size.fixed()) return {};
    values.push_back({static_cast<int64_t>(real(static_cast<double>(size.number))), 0});
  }
  return whole_numbers(a.shape, std::move(values));
}

Constant taken(const Constant& x, int64_t axis, const std::vector<int64_t>& indices) {
  const auto a = static_cast<size_t>(axis);
  int64_t inner = 1, outer = 1;
  for (size_t d = 0; d < x.shape.size(); ++d) (d < a ? outer : inner) *= d == a ? 1 : x.shape[d];
  std::vector<int64_t> places, shape = x.shape;
  const auto count = product({outer * inner, 0}, {static_cast<int64_t>(indices.size()), 0});
  if (!count || count->number > kMostFolded)
    throw Unsupported{"of too many elements to be evaluated while reading"};
  for (int64_t o = 0; o < outer; ++o)
    for (const int64_t index : indices)
      for (int64_t i = 0; i < inner; ++i) places.push_back((o * x.shape[a] + index) * inner + i);
  shape[a] = static_cast<int64_t>(indices.size());
  return picked(x, places, shape);
}

}  // namespace rnc::onnx
