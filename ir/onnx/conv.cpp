// Convolutions.
#include <fmt/format.h>

#include "ir/onnx/operators.h"
#include "ir/onnx/window.h"

namespace rnc::onnx {
namespace {

// The sizes of a weight behind its first two.
std::vector<int64_t> kernel_of(const Sizes& weight) {
  std::vector<int64_t> kernel;
  for (size_t d = 2; d < weight.size(); ++d) kernel.push_back(weight[d].number);
  return kernel;
}

// What the layer trains: `outputs` channels from x.
struct Layer {
  ValueId x, weight, bias = kNoValue;
  std::vector<ValueId> operands() const {
    return bias == kNoValue ? std::vector{x, weight} : std::vector{x, weight, bias};
  }
};

// With rows as maps.
Layer layer_of(Call& call, Op op) {
  Sizes shape = call.shape(1);
  const ValueId x = as_map(call, call.value(0));
  if (shape.size() == 3) shape.insert(shape.begin() + 2, Size{1, 0});
  if (shape.size() != 4) call.refuse(fmt::format("a weight of {} dimensions", shape.size()));
  const int64_t groups = call.integer("group", 1);
  const Attributes settings =
      attributes({{"bias", true},
                  {"groups", groups},
                  {"kernel", std::vector<int64_t>{shape[2].number, shape[3].number}}});
  const auto outputs = op == Op::conv2d ? std::optional(shape[0]) : product(shape[1], {groups, 0});
  const auto initializer = [&](std::string_view part) {
    return layer_initializer(op, part, call.type(x), outputs.value_or(Size{}).number, settings);
  };
  Layer layer{x, as_map(call, call.weight(1, "weight", initializer("weight")))};
  if (call.has(2)) layer.bias = call.weight(2, "bias", initializer("bias"));
  return layer;
}

// As a row's result needs another operation, the convolution has the layer's name all the same.
Values conv(Call& call) {
  const Shape shape = call.type(call.value(0)).shape;
  const Window window = window_of(call, shape, kernel_of(call.shape(1)));
  const ValueId y = call.result(Op::conv2d, layer_of(call, Op::conv2d).operands(),
                                attributes({{"stride", pair(window.stride)},
                                            {"pad", sides(window)},
                                            {"dilation", pair(window.dilation)},
                                            {"groups", call.integer("group", 1)}}));
  return one(as_operand(call, y, static_cast<int>(shape.size())));
}

// What pads and output_padding follow from output_shape or auto_pad: of the total that is cut off, the odd one is taken
// at the beginning, or, with SAME_UPPER, at the end (ONNX: ConvTranspose).
void fit_output(const Call& call, const Shape& x, Window& window, Window::Pair& extra) {
  const std::string rule = call.string("auto_pad", "NOTSET");
  const std::vector<int64_t> wanted = call.integers("output_shape");
  const bool same = rule == "SAME_UPPER" || rule == "SAME_LOWER";
  if (wanted.empty() && !same) return;
  for (size_t d = 0; d < 2; ++d) {
    if (x.size() == 3 && d == 0) continue;
    const size_t place = x.size() == 3 ? 0 : d;
    const int64_t size = x[place + 2];
    const int64_t full =
        (size - 1) * window.stride[d] + extra[d] + (window.kernel[d] - 1) * window.dilation[d] + 1;
    const int64_t to =
        wanted.empty() ? size * window.stride[d] : wanted[wanted.size() - x.size() + 2 + place];
    const int64_t total = full - to;
    if (total < 0) extra[d] += -total;
    const int64_t cut = std::max<int64_t>(0, total);
    window.before[d] = rule == "SAME_UPPER" ? cut / 2 : cut - cut / 2;
    window.after[d] = cut - window.before[d];
  }
}

// The operation cuts as much off at both sides: where fewer are to be cut behind, output_pad puts them back; where more,
// the rest is cut afterwards.
Values conv_transpose(Call& call) {
  const Shape shape = call.type(call.value(0)).shape;
  Window window = window_of(call, shape, kernel_of(call.shape(1)));
  Window::Pair extra{0, 0}, surplus{0, 0};
  const std::vector<int64_t> given = call.integers("output_padding");
  for (size_t i = 0; i < given.size() && i < 2; ++i) extra[2 - given.size() + i] = given[i];
  const auto wanted = call.integers("output_shape");
  if (given.size() > shape.size() - 2 || (!wanted.empty() && wanted.size() + 2 < shape.size()))
    call.refuse("output_padding or output_shape does not fit the operand");
  fit_output(call, shape, window, extra);
  for (size_t d = 0; d < 2; ++d) {
    const int64_t more = window.before[d] - window.after[d];
    extra[d] += std::max<int64_t>(0, more);
    surplus[d] = std::max<int64_t>(0, -more);
  }
  ValueId y = call.result(Op::conv_transpose2d, layer_of(call, Op::conv_transpose2d).operands(),
                          attributes({{"stride", pair(window.stride)},
                                      {"pad", pair(window.before)},
                                      {"output_pad", pair(extra)},
                                      {"dilation", pair(window.dilation)},
                                      {"groups", call.integer("group", 1)}}));
  for (size_t d = 0; d < 2; ++d)
    y = call.sliced(y, static_cast<int64_t>(d) + 2, 0, call.type(y).shape[d + 2] - surplus[d]);
  return one(as_operand(call, y, static_cast<int>(shape.size())));
}

}  // namespace

std::span<const Operator> conv_operators() {
  static constexpr Operator kRows[] = {{"Conv", conv}, {"ConvTranspose", conv_transpose}};
  return kRows;
}

}  // namespace rnc::onnx
