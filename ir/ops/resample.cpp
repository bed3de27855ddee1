// Resizing and padding of maps [N, C, H, W].
//
// resize of u8 gives exactly what Pillow's Image.resize(BILINEAR) gives: two passes, horizontal first, with
// fixed-point coefficients, a support that widens when shrinking, and rounding to u8 after each pass.
// resize of real numbers is PyTorch's interpolate(antialias = False): "nearest", "nearest_exact", "bilinear", "bicubic"
// and "area", which is its adaptive_avg_pool2d, by size or by scale. "windows" is for adaptive_max_pool of std.graph:
// each of the windows of "area", as many elements for all.
// pad is PyTorch's with "constant", "reflect", "edge" (its "replicate") and "circular".
#include "ir/ops/resample.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "ir/graph/interpreter.h"
#include "ir/ops/ops.h"

namespace rnc::ops {
namespace {

constexpr std::array<std::string_view, 6> kResizeModes = {"nearest", "nearest_exact", "bilinear",
                                                          "bicubic", "area",          "windows"};
constexpr std::array<std::string_view, 4> kPadModes = {"constant", "reflect", "edge", "circular"};

const std::string& mode_of(const Node& node) { return node.attributes.get<std::string>("mode"); }

constexpr int64_t kMostTaps = 1 << 16;  // of rows or columns that kernels have tables of

template <size_t n>
void require_mode(const Node& node, const std::array<std::string_view, n>& modes) {
  if (std::ranges::find(modes, mode_of(node)) == modes.end())
    fail(node, fmt::format("mode must be one of {}, not '{}'", fmt::join(modes, ", "), mode_of(node)));
}

// The result's height and width: `size`, or the operand's times `scale`, rounded down.
Pair resized(const Node& node, const Shape& x) {
  const auto& scale = node.attributes.get<std::vector<double>>("scale");
  Pair size = pair(node, "size", 0);
  if (scale.empty() && size == Pair{0, 0}) fail(node, "takes a size or a scale");
  if (scale.empty()) return pair(node, "size", 1);
  if (size != Pair{0, 0}) fail(node, "takes a size or a scale, not both");
  if (scale.size() > 2) fail(node, fmt::format("scale has {} values, not one or two", scale.size()));
  for (size_t d = 0; d < 2; ++d) {
    const double factor = scale[std::min(d, scale.size() - 1)];
    const double to = std::floor(static_cast<double>(x[d + 2]) * factor);
    if (!(factor > 0) || !(to >= 1) || !(to < 1e9))
      fail(node, fmt::format("a scale of {} makes no size of {}", factor, x[d + 2]));
    size[d] = static_cast<int64_t>(to);
  }
  return size;
}

// Whether `to` positions are so many windows over `from`, with room for all elements of each.
bool holds_windows(int64_t from, int64_t to, int64_t windows) {
  if (windows > from || to % windows != 0) return false;
  const int64_t most = from % windows == 0 ? from / windows : from / windows + 2;
  return to / windows >= most;
}

// `from` and `to`: the shapes before and after resizing.
void check_windows(const Node& node, const Shape& from, const Shape& to) {
  const Pair windows = pair(node, "windows", mode_of(node) == "windows" ? 1 : 0);
  if (mode_of(node) != "windows" && windows != Pair{0, 0}) fail(node, "windows are for mode windows");
  for (size_t d = 0; d < 2 && mode_of(node) == "windows"; ++d)
    if (!holds_windows(from[d + 2], to[d + 2], windows[d]))
      fail(node,
           fmt::format("a size of {} does not hold {} windows over {}", to[d + 2], windows[d], from[d + 2]));
}

void check_resize(const Node& node) {
  require_mode(node, kResizeModes);
  const bool aligns = mode_of(node) == "bilinear" || mode_of(node) == "bicubic";
  if (node.attributes.get<bool>("align_corners") && !aligns)
    fail(node, fmt::format("align_corners is for bilinear and bicubic, not {}", mode_of(node)));
}

Type infer_resize(const Node& node, Types in) {
  const Type& x = in[0];
  if ((x.dtype != DType::u8 && !is_real(x.dtype)) || x.rank() != 4) {
    fail(node, fmt::format("the image must be u8 or {} of rank 4, not {}",
                           contract::names(contract::GraphUse::real), str(x)));
  }
  check_resize(node);
  const bool plain = mode_of(node) == "bilinear" && !node.attributes.get<bool>("align_corners");
  if (x.dtype == DType::u8 && !plain) fail(node, "images of bytes are resized as Pillow does: bilinear");
  const Pair size = resized(node, x.shape);
  for (const int64_t n : size)
    if (n > kMostTaps) fail(node, fmt::format("a size must be at most {}, not {}", kMostTaps, n));
  check_windows(node, x.shape, {x.shape[0], x.shape[1], size[0], size[1]});
  return {x.dtype, {x.shape[0], x.shape[1], size[0], size[1]}, {}};
}

// `size` is the operand's.
Type infer_resize_grad(const Node& node, Types in) {
  require_real(node, in[0], 4, "the gradient");
  check_resize(node);
  const Pair size = pair(node, "size", 1);
  const Shape x = {in[0].shape[0], in[0].shape[1], size[0], size[1]};
  check_windows(node, x, in[0].shape);
  return like(in[0], x);
}

void check_pads(const Node& node, int64_t size, int64_t before, int64_t after) {
  const int64_t most = std::max(before, after);
  if (mode_of(node) == "reflect" && most >= size)
    fail(node, fmt::format("pads of {} reflect more than {} has", most, size));
  if (mode_of(node) == "circular" && most > size)
    fail(node, fmt::format("pads of {} are more than {} has", most, size));
}

Type infer_pad(const Node& node, Types in) {
  require_real(node, in[0], 4, "the operand");
  require_mode(node, kPadModes);
  const auto value = static_cast<float>(node.attributes.get<double>("value"));
  if (!std::isfinite(value)) fail(node, "value must be finite");
  if (value != 0 && mode_of(node) != "constant") fail(node, "value is for mode constant");
  const Sides pads = sides(node, "pads");
  Shape shape = in[0].shape;
  for (size_t d = 0; d < 2; ++d) {
    check_pads(node, shape[d + 2], pads.before[d], pads.after[d]);
    shape[d + 2] += pads.before[d] + pads.after[d];
    if (shape[d + 2] > kMostTaps)
      fail(node, fmt::format("a size must be at most {}, not {}", kMostTaps, shape[d + 2]));
  }
  return like(in[0], shape);
}

Type infer_pad_grad(const Node& node, Types in) {
  require_real(node, in[0], 4, "the gradient");
  require_mode(node, kPadModes);
  const Sides pads = sides(node, "pads");
  Shape shape = in[0].shape;
  for (size_t d = 0; d < 2; ++d) {
    shape[d + 2] -= pads.before[d] + pads.after[d];
    if (shape[d + 2] < 1) fail(node, fmt::format("{} is no more than its padding", str(in[0])));
    check_pads(node, shape[d + 2], pads.before[d], pads.after[d]);
  }
  return like(in[0], shape);
}

// Sum of 22-bit fixed-point products, rounded to the nearest u8.
double rounded_to_u8(double sum) { return std::clamp(std::floor((sum + (1 << 21)) / (1 << 22)), 0.0, 255.0); }

void evaluate_bytes(EvalContext& context) {
  const TensorData& x = *context.inputs[0];
  TensorData& y = context.result;
  // Element `to` of a line from the line's source, which starts at `line` and has `step` between elements.
  const auto sample = [&](const std::vector<double>& source, int64_t line, int64_t step,
                          const std::vector<Tap>& taps) {
    double sum = 0;
    for (const Tap& tap : taps) sum += tap.weight * source[static_cast<size_t>(line + tap.index * step)];
    return rounded_to_u8(sum);
  };
  const int64_t rows = x.shape[2], width = y.shape[3];
  const AxisTaps across = pillow_taps(x.shape[3], width), down = pillow_taps(rows, y.shape[2]);
  std::vector<double> widened;  // every row of x at the width of y
  for (int64_t line = 0; line < x.shape[0] * x.shape[1] * rows; ++line)
    for (const auto& taps : across) widened.push_back(sample(x.values, line * x.shape[3], 1, taps));
  size_t to = 0;
  for (int64_t map = 0; map < x.shape[0] * x.shape[1]; ++map)
    for (const auto& taps : down)
      for (int64_t j = 0; j < width; ++j)
        y.values[to++] = sample(widened, map * rows * width + j, width, taps);
}

void evaluate_sampled(EvalContext& context) {
  if (context.node.type.dtype == DType::u8) return evaluate_bytes(context);
  const TensorData& x = *context.inputs[0];
  TensorData& y = context.result;
  const AxisTaps rows = taps_along(context.node, x.shape, 0), columns = taps_along(context.node, x.shape, 1);
  const auto maps = static_cast<size_t>(x.shape[0] * x.shape[1]);
  const size_t map_size = x.values.size() / maps, width = static_cast<size_t>(x.shape[3]);
  size_t to = 0;
  for (size_t map = 0; map < maps; ++map)
    for (const auto& row : rows)
      for (const auto& column : columns) {
        double sum = row.empty() || column.empty() ? value_outside(context.node) : 0.0;
        for (const Tap& h : row)
          for (const Tap& w : column) {
            const size_t at = map * map_size + static_cast<size_t>(h.index) * width;
            context.accumulate(sum, h.weight * w.weight * x.values[at + static_cast<size_t>(w.index)]);
          }
        y.values[to++] = sum;
      }
}

std::vector<ValueId> gradient_resize(GraphBuilder& b, ValueId forward, ValueId dy) {
  const Node node = b[forward];
  const Shape& x = b[node.inputs[0]].type.shape;
  Attributes attributes = node.attributes;
  attributes.set("size", std::vector<int64_t>{x[2], x[3]});
  return {b.emit(Op::resize_grad, {dy}, std::move(attributes))};
}

std::vector<ValueId> gradient_pad(GraphBuilder& b, ValueId forward, ValueId dy) {
  const Node node = b[forward];
  Attributes attributes = node.attributes;
  attributes.erase("value");
  return {b.emit(Op::pad_grad, {dy}, std::move(attributes))};
}

OpInfo sampling(Op op, std::string_view name, std::string_view doc) {
  return {.op = op,
          .name = name,
          .kind = OpKind::other,
          .min_inputs = 1,
          .max_inputs = 1,
          .doc = doc,
          .evaluate = evaluate_sampled};
}

std::vector<AttributeSpec> resize_attributes() {
  return {{"size", AttributeKind::pair, std::vector<int64_t>{0, 0}},
          {"scale", AttributeKind::reals, std::vector<double>{}},
          {"mode", AttributeKind::string, std::string("bilinear")},
          {"align_corners", AttributeKind::boolean, false},
          {"windows", AttributeKind::pair, std::vector<int64_t>{0, 0}}};
}

}  // namespace

OpInfo resize() {
  OpInfo row = sampling(Op::resize, "resize", "interpolation to height and width `size`, or by `scale`");
  row.attributes = resize_attributes();
  row.infer = infer_resize;
  row.gradient = gradient_resize;
  return row;
}

OpInfo resize_grad() {
  OpInfo row = sampling(Op::resize_grad, "resize_grad",
                        "gradient of resize to its operand of height and width `size`, from dy");
  row.attributes = resize_attributes();
  row.infer = infer_resize_grad;
  return row;
}

OpInfo pad() {
  OpInfo row = sampling(Op::pad, "pad", "rows and columns around a map: of `value`, or of what is inside");
  row.attributes = {{"pads", AttributeKind::sides, {}},
                    {"mode", AttributeKind::string, std::string("constant")},
                    {"value", AttributeKind::real, 0.0}};
  row.infer = infer_pad;
  row.gradient = gradient_pad;
  return row;
}

OpInfo pad_grad() {
  OpInfo row = sampling(Op::pad_grad, "pad_grad", "gradient of pad to its operand, from dy");
  row.attributes = {{"pads", AttributeKind::sides, {}},
                    {"mode", AttributeKind::string, std::string("constant")}};
  row.infer = infer_pad_grad;
  return row;
}

}  // namespace rnc::ops
