// Operators for images of bytes, as ir/onnx/joined.h leaves them.
#include <fmt/format.h>

#include <algorithm>

#include "ir/onnx/elementwise.h"
#include "ir/onnx/joined.h"
#include "ir/onnx/operators.h"

namespace rnc::onnx {
namespace {

bool is_of_bytes(const Type& type) { return type.dtype == DType::u8 && type.rank() == 4; }

Values resize_bytes(Call& call) {
  const ValueId x = call.value(0);
  const std::vector<int64_t> from = call.integers("from"), size = call.integers("size");
  const Type& type = call.type(x);
  if (!is_of_bytes(type) || from != Shape{type.shape[2], type.shape[3]})
    call.refuse(fmt::format("of {}", rnc::str(type)));
  return one(call.result(Op::resize, {x}, attributes({{"size", size}})));
}

std::vector<double> decimals(const Call& call, std::string_view name) {
  std::vector<double> values = call.reals(name);
  for (double& value : values) value = shortest(static_cast<float>(value));
  return values;
}

// Of anything but images of bytes it is what the file spells out.
Values normalize(Call& call) {
  ValueId x = call.value(0);
  const std::vector<double> mean = decimals(call, "mean"), std = decimals(call, "std");
  const Type type = call.type(x);
  const bool is_positive = std::ranges::all_of(std, [](double value) { return value > 0; });
  if (is_positive && is_of_bytes(type) && type.shape[1] == static_cast<int64_t>(mean.size()))
    return one(call.result(Op::normalize, {x}, attributes({{"mean", mean}, {"std", std}})));
  const auto of_channels = [&](const std::vector<double>& values) {
    const auto channels = static_cast<int64_t>(values.size());
    return call.emit(Op::constants, {}, attributes({{"values", values}, {"shape", Shape{channels, 1, 1}}}));
  };
  if (!is_real(type.dtype)) x = call.emit(Op::cast, {x});
  const ValueId most = call.number(255), share = call.emit(Op::div, {x, most});
  const ValueId centred = call.emit(Op::sub, spread(call, {share, of_channels(mean)}));
  return one(call.result(Op::div, spread(call, {centred, of_channels(std)})));
}

}  // namespace

std::span<const Operator> joined_operators() {
  static constexpr Operator kRows[] = {{kResizeBytes, resize_bytes}, {kNormalize, normalize}};
  return kRows;
}

}  // namespace rnc::onnx
