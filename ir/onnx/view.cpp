#include "ir/onnx/view.h"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>
#include <optional>

namespace rnc::onnx {
namespace {

// Whether `second` follows `first` in a group.
bool follows(const Groups& groups, int64_t first, int64_t second) {
  for (const auto& group : groups) {
    const auto found = std::ranges::find(group, first);
    if (found != group.end()) return std::next(found) != group.end() && *std::next(found) == second;
  }
  return false;
}

// With as few dimensions of the node as can be: without those that are one element wide, neighbours as one.
View merged(Call& call, View view) {
  const Shape shape = call.type(view.node).shape;
  for (auto& group : view.groups)
    std::erase_if(group, [&](int64_t axis) { return shape[static_cast<size_t>(axis)] == 1; });
  std::vector<int64_t> to(shape.size(), -1);
  Sizes sizes;
  int64_t last = -1;
  Groups groups = view.groups;
  for (int64_t axis = 0; axis < static_cast<int64_t>(shape.size()); ++axis) {
    const int64_t size = shape[static_cast<size_t>(axis)];
    if (size == 1) continue;
    if (last > 0 && follows(view.groups, last, axis)) {
      sizes.back().number *= size;
      for (auto& group : groups) std::erase(group, axis);
    } else {
      sizes.push_back(size_of(size));
    }
    to[static_cast<size_t>(axis)] = static_cast<int64_t>(sizes.size()) - 1;
    last = axis;
  }
  return {call.reshaped(view.node, sizes), renumbered(std::move(groups), to)};
}

// A dimension of the node, or a part of one.
struct Factor {
  int64_t axis;
  Size size;
};

// Whether the batch, which the file has as 1, is meant by dimension `d` of the sizes, whose other factors are taken: a 1,
// or where it would otherwise come to be a part of the last dimension, along which layers compute. Any choice gives the
// same for each sample, as operations on views never mix samples; another may be refused later.
bool takes_exported_one(const Sizes& sizes, size_t d, bool is_empty) {
  if (is_empty) return sizes[d] == kOne;
  const bool has_one_behind = d + 1 < sizes.size() && sizes[d + 1] == kOne;
  return d + 2 >= sizes.size() && !has_one_behind;
}

// Takes from `factors`, from `next` on, those that make up dimension `d` of the sizes; the first of them that is too large
// is split. None where they do not.
std::optional<std::vector<int64_t>> take(const Call& call, std::vector<Factor>& factors, size_t& next,
                                         const Sizes& sizes, size_t d) {
  const int64_t exported = call.exported_batch();
  std::vector<int64_t> taken;
  const auto is_batch_next = [&] { return next < factors.size() && !factors[next].size.fixed(); };
  Size size = sizes[d];
  while (size != kOne) {
    if (next >= factors.size()) return {};
    const Size factor = factors[next].size;
    const std::optional<Size> rest = quotient(size, factor);
    if (rest && product(*rest, factor) == size) {
      size = *rest;
    } else if (!factor.fixed() && size.fixed() && exported > 0 && size.number % exported == 0) {
      size.number /= exported;
    } else if (factor.fixed() && size.fixed() && size.number > 0 && factor.number % size.number == 0) {
      factors[next].size = size;
      factors.insert(factors.begin() + static_cast<std::ptrdiff_t>(next) + 1,
                     {factors[next].axis, {factor.number / size.number, 0}});
      size = kOne;
    } else {
      return {};
    }
    taken.push_back(static_cast<int64_t>(next++));
  }
  if (exported == 1 && is_batch_next() && takes_exported_one(sizes, d, taken.empty()))
    taken.push_back(static_cast<int64_t>(next++));
  return taken;
}

}  // namespace

std::vector<int64_t> flat(const Groups& groups) {
  std::vector<int64_t> axes;
  for (const auto& group : groups) axes.insert(axes.end(), group.begin(), group.end());
  return axes;
}

Groups renumbered(Groups groups, const std::vector<int64_t>& to) {
  for (auto& group : groups)
    for (int64_t& axis : group) axis = to.at(static_cast<size_t>(axis));
  return groups;
}

View view_of(Call& call, size_t operand, TensorKind kind) {
  if (call.is_moved(operand)) return {call.moved(operand).node, call.moved(operand).groups};
  const ValueId v = call.value(operand, kind);
  Groups groups(call.type(v).shape.size());
  for (size_t d = 0; d < groups.size(); ++d) groups[d] = {static_cast<int64_t>(d)};
  return {v, groups};
}

Sizes sizes_of(Call& call, const View& view) { return sizes_of(call.type(view.node).shape, view.groups); }

Value settled(Call& call, View view) {
  if (has_batch(call.type(view.node).shape) && view.groups.at(0) != std::vector<int64_t>{0})
    return {.constant = {}, .node = view.node, .groups = view.groups};
  const Sizes sizes = sizes_of(call, view);
  return {.constant = {}, .node = call.reshaped(call.permuted(view.node, flat(view.groups)), sizes)};
}

View regrouped(Call& call, const View& view, const Sizes& sizes) {
  const Shape shape = call.type(view.node).shape;
  std::vector<Factor> factors;
  for (const int64_t axis : flat(view.groups))
    factors.push_back({axis, size_of(shape[static_cast<size_t>(axis)])});
  std::erase_if(factors, [](const Factor& factor) { return factor.size == kOne; });
  Groups groups;
  size_t next = 0;
  for (size_t d = 0; d < sizes.size(); ++d) {
    auto taken = take(call, factors, next, sizes, d);
    if (taken) groups.push_back(std::move(*taken));
  }
  if (groups.size() != sizes.size() || next != factors.size())
    call.refuse(fmt::format("{} becomes {}: the batch would be cut", str(sizes_of(call, view)), str(sizes)));
  // The parts of the node's dimensions, which are in the order of the factors within each.
  std::vector<size_t> order(factors.size());
  std::iota(order.begin(), order.end(), 0);
  std::ranges::stable_sort(order, {}, [&](size_t i) { return factors[i].axis; });
  std::vector<int64_t> places(factors.size());
  Sizes parts;
  for (const size_t i : order) {
    places[i] = static_cast<int64_t>(parts.size());
    parts.push_back(factors[i].size);
  }
  return merged(call, {call.reshaped(view.node, parts), renumbered(std::move(groups), places)});
}

View reordered(const View& view, const std::vector<int64_t>& order) {
  Groups groups;
  for (const int64_t d : order) groups.push_back(view.groups.at(static_cast<size_t>(d)));
  return {view.node, groups};
}

int64_t single_axis(Call& call, const View& view, int64_t axis) {
  const auto& group = view.groups.at(static_cast<size_t>(axis));
  const bool is_batch = has_batch(call.type(view.node).shape) && group == std::vector<int64_t>{0};
  if (group.size() != 1 || is_batch)
    call.refuse(fmt::format("along dimension {} of {}", axis, str(sizes_of(call, view))));
  return group[0];
}

}  // namespace rnc::onnx
