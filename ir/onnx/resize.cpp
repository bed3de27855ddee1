// Maps of other sizes by interpolation. Only what PyTorch's interpolate computes is read, as those rules are
// the graph's (ir/ops/resample.cpp).
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "ir/onnx/operators.h"

namespace rnc::onnx {
namespace {

// What is asked for: scales, or sizes where they are given. Of all dimensions.
struct Target {
  std::vector<double> scales;
  std::vector<int64_t> sizes;  // empty, or for all dimensions; of the batch 0
};

// By sizes, or by scales that give whole sizes, the result's size says all. Others are rounded down.
Attributes size_attributes(const Call& call, const Shape& x, const Target& target) {
  std::vector<int64_t> size;
  std::vector<double> scale;
  bool is_exact = true;
  for (size_t d = 2; d < 4; ++d) {
    if (!target.sizes.empty()) {
      size.push_back(target.sizes.at(d));
      continue;
    }
    const double wanted = static_cast<double>(x[d]) * target.scales.at(d);
    if (!(wanted >= 1 && wanted < 1e9)) call.refuse(fmt::format("a scale of {}", target.scales[d]));
    is_exact &= wanted == std::floor(wanted);
    scale.push_back(target.scales[d]);
    size.push_back(static_cast<int64_t>(wanted));
  }
  if (is_exact) return attributes({{"size", size}});
  return attributes({{"scale", scale}});
}

// Batch and channels stay.
void check_target(const Call& call, const Shape& x, const Target& target) {
  if (x.size() != 4) call.refuse(fmt::format("of {}: maps [N, C, H, W] are resized", rnc::str(x)));
  const size_t given = target.sizes.empty() ? target.scales.size() : target.sizes.size();
  if (given != 4) call.refuse("sizes or scales of all four dimensions are needed");
  bool changes = false;
  if (target.sizes.empty()) {
    changes = target.scales[0] != 1 || target.scales[1] != 1;
  } else {
    const int64_t batch = has_batch(x) ? call.exported_batch() : x[0];  // a size of N is 0 here
    changes = (target.sizes[0] != 0 && target.sizes[0] != batch) || target.sizes[1] != x[1];
  }
  if (changes) call.refuse("the batch or the channels are resized");
}

// Whether a source position lies in the middle between two pixels, where nearest_mode decides. Position i of `to` lies at
// (i + 1/2) from / to - 1/2.
bool ties(int64_t from, int64_t to) {
  for (int64_t i = 0; i < to; ++i)
    if ((2 * i + 1) * from % (2 * to) == 0) return true;
  return false;
}

bool may_tie(const Shape& x, const Attributes& to) {
  if (!to.has("size")) return true;
  const auto& size = to.get<std::vector<int64_t>>("size");
  constexpr int64_t kMost = 1 << 16;  // of a map that is resized
  return size[0] < 1 || size[1] < 1 || std::max(size[0], size[1]) > kMost || ties(x[2], size[0]) ||
         ties(x[3], size[1]);
}

// Where the definition of ONNX is not PyTorch's: sizes that are not whole, corners of what becomes one pixel.
bool differs(const Shape& x, const Attributes& to, const std::string& transformation) {
  if (!to.has("size")) return transformation == "align_corners";
  const auto& size = to.get<std::vector<int64_t>>("size");
  const bool shrinks_to_one = (size[0] == 1 && x[2] > 1) || (size[1] == 1 && x[3] > 1);
  return transformation == "pytorch_half_pixel" && shrinks_to_one;
}

Values resized(Call& call, const Target& target, const std::string& mode, const std::string& transformation,
               const std::string& nearest) {
  const ValueId x = call.value(0);
  const Shape shape = call.type(x).shape;
  check_target(call, shape, target);
  Attributes to = size_attributes(call, shape, target);
  const bool aligned = transformation == "align_corners";
  const bool halves = transformation == "half_pixel" || transformation == "pytorch_half_pixel";
  const std::string what = fmt::format("mode '{}' with coordinates '{}'", mode, transformation);
  if (mode == "nearest") {
    const bool floors = transformation == "asymmetric" && nearest == "floor";
    const bool rounds = halves && (nearest == "round_prefer_ceil" ||
                                   (nearest == "round_prefer_floor" && !may_tie(shape, to)));
    if (!floors && !rounds) call.refuse(fmt::format("{}, rounded by '{}'", what, nearest));
    to.set("mode", std::string(floors ? "nearest" : "nearest_exact"));
  } else if (mode == "linear" || mode == "cubic") {
    if ((!aligned && !halves) || differs(shape, to, transformation)) call.refuse(what);
    if (mode == "cubic" && call.real("cubic_coeff_a", -0.75) != -0.75)
      call.refuse("another cubic_coeff_a than -0.75");
    if (mode == "cubic" && call.integer("exclude_outside", 0) != 0) call.refuse("exclude_outside");
    to.set("mode", std::string(mode == "linear" ? "bilinear" : "bicubic"));
    to.set("align_corners", aligned);
  } else {
    call.refuse(what);
  }
  return one(call.result(Op::resize, {x}, std::move(to)));
}

std::vector<double> real_numbers(const Call& call, size_t i, std::string_view what) {
  std::vector<double> values;
  const Constant& given = call.known(i, what);
  if (given.elements() > 16) call.refuse(fmt::format("{} for more than 16 dimensions", what));
  for (int64_t k = 0; k < given.elements(); ++k) values.push_back(given.real(k));
  return values;
}

// Opset 10: x, scales. From 11 on: x, roi, scales, sizes.
Values resize(Call& call) {
  Target target;
  const bool old = call.opset() < 11;
  if (!old && call.has(3) && call.constant(3) != nullptr && call.constant(3)->elements() > 0) {
    for (const Size& size : call.sizes(3, "the sizes")) target.sizes.push_back(size.number);
  } else {
    target.scales = real_numbers(call, old ? 1 : 2, "the scales");
  }
  if (call.has_attribute("axes") || call.integer("antialias", 0) != 0) call.refuse("axes or antialias");
  if (call.string("keep_aspect_ratio_policy", "stretch") != "stretch")
    call.refuse("keep_aspect_ratio_policy");
  return resized(call, target, call.string("mode", "nearest"),
                 call.string("coordinate_transformation_mode", old ? "asymmetric" : "half_pixel"),
                 call.string("nearest_mode", old ? "floor" : "round_prefer_floor"));
}

// Opset 7 has scales as an attribute, 9 as an operand. By its definition it counts from the corner of the first pixel;
// torch.onnx wrote it for interpolate(mode = "bilinear") all the same, whose results are meant.
Values upsample(Call& call) {
  Target target;
  target.scales = call.has(1) ? real_numbers(call, 1, "the scales") : call.reals("scales");
  const std::string mode = call.string("mode", "nearest");
  const bool means_halves = mode == "linear" && call.context().from_pytorch;
  return resized(call, target, mode, means_halves ? "half_pixel" : "asymmetric", "floor");
}

}  // namespace

std::span<const Operator> resize_operators() {
  static constexpr Operator kRows[] = {{"Resize", resize}, {"Upsample", upsample}};
  return kRows;
}

}  // namespace rnc::onnx
