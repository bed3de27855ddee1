// Padding.
#include <fmt/format.h>

#include <algorithm>

#include "ir/onnx/operators.h"

namespace rnc::onnx {
namespace {

std::vector<int64_t> pads_of(const Call& call, size_t rank) {
  std::vector<int64_t> pads = call.opset() >= 11 ? call.numbers(1, "the pads") : call.integers("pads");
  if (call.opset() >= 18 && call.has(3)) {
    const std::vector<int64_t> axes = call.numbers(3, "the axes"), given = pads;
    if (given.size() != 2 * axes.size()) call.refuse("pads and axes that do not agree");
    pads.assign(2 * rank, 0);
    for (size_t i = 0; i < axes.size(); ++i) {
      const auto axis = static_cast<size_t>(call.axis(axes[i], static_cast<int64_t>(rank)));
      pads[axis] = given[i];
      pads[axis + rank] = given[axes.size() + i];
    }
  }
  if (pads.size() != 2 * rank) call.refuse(fmt::format("{} pads for {} dimensions", pads.size(), rank));
  for (const int64_t pad : pads)
    if (pad <= -(int64_t{1} << 31) || pad >= int64_t{1} << 31) call.refuse(fmt::format("pads of {}", pad));
  return pads;
}

// Negative pads cut; zeros go around any dimension, other values around the last two of maps.
Values pad(Call& call) {
  ValueId x = call.value(0);
  const size_t rank = call.type(x).shape.size();
  std::vector<int64_t> pads = pads_of(call, rank);
  const std::string mode = call.string("mode", "constant");
  const bool given = call.opset() >= 11 && call.has(2) && call.known(2, "the value").elements() > 0;
  const double value = given ? call.scalar(2, "the value") : call.real("value", 0);
  for (size_t d = 0; d < rank; ++d) {
    int64_t &before = pads[d], &after = pads[d + rank];
    const int64_t size = call.type(x).shape[d], cut_before = std::max<int64_t>(0, -before);
    const int64_t cut_after = std::max<int64_t>(0, -after);
    if (cut_before + cut_after == 0) continue;
    if (cut_before + cut_after >= size) call.refuse("pads that leave nothing");
    x = call.sliced(x, static_cast<int64_t>(d), cut_before, size - cut_after);
    before = std::max<int64_t>(0, before);
    after = std::max<int64_t>(0, after);
  }
  if (std::ranges::count(pads, 0) == static_cast<std::ptrdiff_t>(pads.size())) return one(x);
  const bool is_of_maps = rank == 4 && pads[0] + pads[1] + pads[4] + pads[5] == 0;
  if (is_of_maps)
    return one(call.result(Op::pad, {x},
                           attributes({{"pads", std::vector<int64_t>{pads[2], pads[3], pads[6], pads[7]}},
                                       {"mode", mode == "wrap" ? std::string("circular") : mode},
                                       {"value", value}})));
  if (mode != "constant" || value != 0 || pads[0] + pads[rank] != 0)
    call.refuse(fmt::format("mode '{}' with value {} around these dimensions", mode, value));
  for (size_t d = 1; d < rank; ++d)
    if (pads[d] + pads[d + rank] > 0)
      x = call.emit(
          Op::pad_axis, {x},
          attributes({{"axis", static_cast<int64_t>(d)}, {"before", pads[d]}, {"after", pads[d + rank]}}));
  return one(x);
}

}  // namespace

std::span<const Operator> pad_operators() {
  static constexpr Operator kRows[] = {{"Pad", pad}};
  return kRows;
}

}  // namespace rnc::onnx
