// From raw pixels to what the network takes.
//
// resize of u8 gives exactly what Pillow's Image.resize(BILINEAR) gives: two passes, horizontal first, with
// fixed-point coefficients, a support that widens when shrinking, and rounding to u8 after each pass.
// resize of f32 is PyTorch's interpolate(mode = "bilinear", align_corners = False, antialias = False).
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "ir/graph/interpreter.h"
#include "ir/ops/ops.h"

namespace rnc::ops {
namespace {

Type infer_normalize(const Node& node, Types in) {
  require(node, in[0], DType::u8, 4, "the image");
  for (const std::string_view attribute : {"mean", "std"}) {
    const auto& values = node.attributes.get<std::vector<double>>(attribute);
    if (static_cast<int64_t>(values.size()) != in[0].shape[1]) {
      fail(node, fmt::format("{} has {} values but the image {} has {} channels", attribute, values.size(),
                             str(in[0]), in[0].shape[1]));
    }
  }
  for (const double std : node.attributes.get<std::vector<double>>("std")) {
    if (!(std > 0)) fail(node, fmt::format("std must be greater than 0, not {}", std));
  }
  return {contract::kDefaultReal, in[0].shape, {}};
}

Type infer_resize(const Node& node, Types in) {
  const Type& x = in[0];
  if ((x.dtype != DType::u8 && !is_real(x.dtype)) || x.rank() != 4) {
    fail(node, fmt::format("the image must be u8 or {} of rank 4, not {}",
                           contract::names(contract::GraphUse::real), str(x)));
  }
  const Pair size = pair(node, "size", 1);
  return {x.dtype, {x.shape[0], x.shape[1], size[0], size[1]}, {}};
}

void evaluate_normalize(EvalContext& context) {
  const TensorData& image = *context.inputs[0];
  const auto& mean = context.node.attributes.get<std::vector<double>>("mean");
  const auto& std = context.node.attributes.get<std::vector<double>>("std");
  const auto map = static_cast<size_t>(image.shape[2] * image.shape[3]);
  for (size_t i = 0; i < image.values.size(); ++i) {
    const size_t c = i / map % mean.size();
    context.result.values[i] = (image.values[i] / 255 - mean[c]) / std[c];
  }
}

// One result element as a weighted sum of source elements first, first + 1, ...
struct Taps {
  int64_t first = 0;
  std::vector<double> weights;
};

// Pillow's coefficients for shrinking or growing a line (precompute_coeffs and normalize_coeffs_8bpc of its
// Resample.c): a triangle as wide as the scale, at least one pixel, in units of 2^-22.
std::vector<Taps> pillow_taps(int64_t from, int64_t to) {
  const double scale = static_cast<double>(from) / static_cast<double>(to);
  const double width = std::max(scale, 1.0);
  std::vector<Taps> taps;
  for (int64_t i = 0; i < to; ++i) {
    const double centre = (static_cast<double>(i) + 0.5) * scale;
    const auto begin = std::max(static_cast<int64_t>(centre - width + 0.5), int64_t{0});
    const auto end = std::min(static_cast<int64_t>(centre + width + 0.5), from);
    std::vector<double> weights;
    double total = 0;
    for (int64_t x = begin; x < end; ++x) {
      const double distance = std::abs((static_cast<double>(x) - centre + 0.5) * (1.0 / width));
      weights.push_back(std::max(1.0 - distance, 0.0));
      total += weights.back();
    }
    for (double& w : weights) w = std::floor(w / total * (1 << 22) + 0.5);
    taps.push_back({begin, std::move(weights)});
  }
  return taps;
}

// PyTorch's two neighbours of a half-pixel centre, clamped to the line.
std::vector<Taps> interpolation_taps(int64_t from, int64_t to) {
  const double scale = static_cast<double>(from) / static_cast<double>(to);
  std::vector<Taps> taps;
  for (int64_t i = 0; i < to; ++i) {
    const double source = std::max((static_cast<double>(i) + 0.5) * scale - 0.5, 0.0);
    const auto first = std::min(static_cast<int64_t>(source), from - 1);
    const double right = source - static_cast<double>(first);
    taps.push_back(
        {first, first + 1 < from ? std::vector<double>{1 - right, right} : std::vector<double>{1}});
  }
  return taps;
}

// Sum of 22-bit fixed-point products, rounded to the nearest u8.
double rounded_to_u8(double sum) { return std::clamp(std::floor((sum + (1 << 21)) / (1 << 22)), 0.0, 255.0); }

void evaluate_resize(EvalContext& context) {
  const bool u8 = context.node.type.dtype == DType::u8;
  const TensorData& x = *context.inputs[0];
  TensorData& y = context.result;
  const auto taps_of = [&](size_t d) {
    return u8 ? pillow_taps(x.shape[d], y.shape[d]) : interpolation_taps(x.shape[d], y.shape[d]);
  };
  // Element `to` of a line from the line's source, which starts at `line` and has `step` between elements.
  const auto sample = [&](const std::vector<double>& source, int64_t line, int64_t step, const Taps& taps) {
    double sum = 0;
    for (size_t k = 0; k < taps.weights.size(); ++k) {
      const double term =
          taps.weights[k] * source[static_cast<size_t>(line + (taps.first + static_cast<int64_t>(k)) * step)];
      if (u8) {
        sum += term;
      } else {
        context.accumulate(sum, term);
      }
    }
    return u8 ? rounded_to_u8(sum) : sum;
  };
  const int64_t rows = x.shape[2];
  const int64_t width = y.shape[3];
  const std::vector<Taps> across = taps_of(3);
  const std::vector<Taps> down = taps_of(2);
  std::vector<double> widened;  // every row of x at the width of y
  for (int64_t line = 0; line < x.shape[0] * x.shape[1] * rows; ++line) {
    for (const Taps& taps : across) widened.push_back(sample(x.values, line * x.shape[3], 1, taps));
  }
  size_t to = 0;
  for (int64_t map = 0; map < x.shape[0] * x.shape[1]; ++map) {
    for (const Taps& taps : down) {
      for (int64_t j = 0; j < width; ++j) {
        y.values[to++] = sample(widened, map * rows * width + j, width, taps);
      }
    }
  }
}

}  // namespace

OpInfo normalize() {
  return {.op = Op::normalize,
          .name = "normalize",
          .kind = OpKind::other,
          .min_inputs = 1,
          .max_inputs = 1,
          .attributes = {{"mean", AttributeKind::reals, {}}, {"std", AttributeKind::reals, {}}},
          .doc = "(image / 255 - mean) / std, with one mean and std per channel",
          .infer = infer_normalize,
          .evaluate = evaluate_normalize};
}

OpInfo resize() {
  return {.op = Op::resize,
          .name = "resize",
          .kind = OpKind::other,
          .min_inputs = 1,
          .max_inputs = 1,
          .attributes = {{"size", AttributeKind::pair, {}}},
          .doc = "bilinear interpolation to height and width `size`",
          .infer = infer_resize,
          .evaluate = evaluate_resize};
}

}  // namespace rnc::ops
