// Preprocessing of images: plain [N, C, H, W] values with few channels.
#include <algorithm>
#include <cmath>

#include "ir/ops/resample.h"
#include "passes/lower/rules.h"

namespace rnc {

using loops::Access;
using loops::Expr;
using loops::Extent;
using loops::MemoryRef;
using loops::Scalar;

namespace {

constexpr int kFractionBits = 22;  // Pillow's fixed point: 32 - 8 - 2

// For each output position along one axis: the first input position and the weights of `taps` from there.
struct ResampleTable {
  int64_t taps = 1;
  std::vector<int32_t> first;
  std::vector<double> weights;  // [out][taps]
};

// Pillow's bilinear filter: a triangle that widens when shrinking.
ResampleTable antialiased(int64_t in, int64_t out) {
  const double scale = static_cast<double>(in) / static_cast<double>(out), width = std::max(scale, 1.0);
  ResampleTable table;
  table.taps = std::min<int64_t>(static_cast<int64_t>(std::ceil(width)) * 2 + 1, in);
  for (int64_t o = 0; o < out; ++o) {
    const double centre = (static_cast<double>(o) + 0.5) * scale;
    const int64_t begin = std::max<int64_t>(static_cast<int64_t>(centre - width + 0.5), 0);
    const int64_t end = std::min<int64_t>(static_cast<int64_t>(centre + width + 0.5), in);
    std::vector<double> weights(static_cast<size_t>(end - begin));
    double total = 0;
    for (int64_t i = begin; i < end; ++i) {
      const double distance = std::abs((static_cast<double>(i) - centre + 0.5) / width);
      total += weights[static_cast<size_t>(i - begin)] = std::max(0.0, 1.0 - distance);
    }
    // All rows have as many taps; where fewer exist they move to the left, with weight 0 in front.
    const int64_t shift = std::max<int64_t>(begin + table.taps - in, 0);
    table.first.push_back(static_cast<int32_t>(begin - shift));
    for (int64_t t = 0; t < table.taps; ++t) {
      const int64_t i = t - shift;
      const bool exists = i >= 0 && i < end - begin;
      table.weights.push_back(exists ? weights[static_cast<size_t>(i)] / total : 0.0);
    }
  }
  return table;
}

// As wide a run of taps for all positions.
ResampleTable run_of(const AxisTaps& axis, int64_t in) {
  ResampleTable table;
  const auto by_index = [](const Tap& a, const Tap& b) { return a.index < b.index; };
  for (const auto& taps : axis) {
    const auto [low, high] = std::ranges::minmax(taps, by_index);
    table.taps = std::max(table.taps, high.index - low.index + 1);
  }
  for (const auto& taps : axis) {
    const int64_t first = std::min(std::ranges::min(taps, by_index).index, in - table.taps);
    std::vector<double> weights(static_cast<size_t>(table.taps));
    for (const Tap& tap : taps) weights[static_cast<size_t>(tap.index - first)] += tap.weight;
    table.first.push_back(static_cast<int32_t>(first));
    table.weights.insert(table.weights.end(), weights.begin(), weights.end());
  }
  return table;
}

// Two passes over one plane, columns first. Bytes are summed in fixed point and rounded after each pass, as
// Pillow does.
class Resize {
 public:
  Resize(Lowering& lowering, ValueId v)
      : lowering_(lowering),
        value_(v),
        input_(lowering.node(v).inputs[0]),
        is_bytes_(lowering.type(v).dtype == DType::u8),
        from_(lowering.type(input_).shape),
        to_(lowering.type(v).shape),
        kernel_("resize") {}

  void lower() {
    const auto table = [&](size_t d) {
      return is_bytes_ ? antialiased(from_[d + 2], to_[d + 2])
                       : run_of(taps_along(lowering_.node(value_), from_, d), from_[d + 2]);
    };
    const ResampleTable columns = table(1), rows = table(0);
    const auto x = lowering_.read(kernel_, "x", input_), y = lowering_.write(kernel_, "y", value_);
    const Axis w = axis("columns", columns), h = axis("rows", rows);
    Body body(kernel_.names());
    const Expr n = body.let("n", loops::task() / from_[1]), c = body.let("c", loops::task() % from_[1]);
    const int lanes = lowering_.lanes();
    const auto half =
        body.alloc("half", is_bytes_ ? Scalar::i32 : Scalar::f32, {from_[2], to_[3]}, loops::Space::scratch);
    body.loop("x", 0, to_[3], 1, [&](Body& b, Expr ox) {
      const Expr first = first_tap(b, w, ox, from_[3]);
      b.loop("y", 0, from_[2], 1, [&](Body& d, Expr iy) {
        const Expr sum = weighted(d, w, ox, 1, [&](Expr t) { return loaded(x, {n, c, iy, first + t}); });
        d.store(half, {iy, ox}, sum);
      });
    });
    body.loop("y", 0, to_[2], 1, [&](Body& b, Expr oy) {
      const Expr first = first_tap(b, h, oy, from_[2]);
      b.loop("x", 0, to_[3], lanes, [&](Body& d, Expr ox) {
        const Expr valid = to_[3] % lanes == 0 ? Expr() : d.let("valid", loops::min(lanes, to_[3] - ox));
        const Expr sum = weighted(d, h, oy, lanes, [&](Expr t) {
          return loaded(half, {first + t, ox}, lanes, 1, valid);
        });
        d.store(y, {n, c, oy, ox}, is_bytes_ ? loops::cast(sum, Scalar::u8) : sum, 3, valid);
      });
    });
    const int64_t moved =
        (from_[2] * from_[3] + to_[2] * to_[3]) * from_[1] * bytes(lowering_.type(value_).dtype);
    lowering_.call(kernel_, {0, from_[1]}, body, value_, {.bytes = {0, moved}});
  }

 private:
  struct Axis {
    MemoryRef first, weights;
    int64_t taps;
  };

  Axis axis(const std::string& name, const ResampleTable& table) {
    const auto count = static_cast<int64_t>(table.first.size());
    std::vector<uint8_t> weights;
    if (is_bytes_) {
      std::vector<int32_t> fixed;
      for (const double w : table.weights)
        fixed.push_back(static_cast<int32_t>(std::floor(w * (1 << kFractionBits) + 0.5)));
      weights = bytes_of(fixed);
    } else {
      weights = bytes_of(std::vector<float>(table.weights.begin(), table.weights.end()));
    }
    const Scalar scalar = is_bytes_ ? Scalar::i32 : Scalar::f32;
    return {kernel_.param(name + "_first", lowering_.constant(name + " first", bytes_of(table.first)),
                          Scalar::i32, {{count, 0}}, Access::read),
            kernel_.param(name + "_weights", lowering_.constant(name + " weights", weights), scalar,
                          {{count, 0}, {table.taps, 0}}, Access::read),
            table.taps};
  }

  // Where the taps of output `o` begin. The bounds change nothing, but only the table says so.
  static Expr first_tap(Body& body, const Axis& axis, const Expr& o, int64_t in) {
    const Expr first = loops::cast(loaded(axis.first, {o}), Scalar::i64);
    return body.let("first", loops::max(loops::min(first, in - axis.taps), 0));
  }

  // The weighted sum of the taps of output `o`; bytes: rounded to 0..255.
  Expr weighted(Body& body, const Axis& axis, Expr o, int lanes, const std::function<Expr(Expr)>& input) {
    const Scalar scalar = is_bytes_ ? Scalar::i32 : Scalar::f32;
    Expr sum = loops::constant(scalar, is_bytes_ ? 1 << (kFractionBits - 1) : 0, lanes);
    for (int64_t t = 0; t < axis.taps; ++t) {
      Expr value = input(t), weight = loaded(axis.weights, {o, t});
      if (value->type.scalar != scalar) value = loops::cast(value, scalar);
      if (lanes > 1) weight = loops::broadcast(weight, lanes);
      sum = body.let("sum", sum + value * weight);
    }
    if (!is_bytes_) return sum;
    // The sum is never negative: the weights are not, and one half was added.
    const Expr rounded = sum / loops::constant(Scalar::i32, 1 << kFractionBits, lanes);
    return body.let("rounded", loops::min(rounded, loops::constant(Scalar::i32, 255, lanes)));
  }

  Lowering& lowering_;
  ValueId value_, input_;
  bool is_bytes_;
  const Shape& from_;
  const Shape& to_;
  KernelBuilder kernel_;
};

}  // namespace

void lower_resize(Lowering& lowering, const Group& group) {
  if (!lowering.type(group.front()).layout.plain()) return lower_resample(lowering, group);
  Resize(lowering, group.front()).lower();
}

// (x / 255 - mean) / std, in this order of roundings: as ToTensor and Normalize.
void lower_normalize(Lowering& lowering, const Group& group) {
  const ValueId v = group.front(), input = lowering.node(v).inputs[0];
  const Shape& shape = lowering.type(v).shape;
  const int64_t channels = shape[1], plane = shape[2] * shape[3];
  const int lanes = lowering.lanes();
  const auto reals = [&](const char* name) {
    const auto& values = lowering.node(v).attributes.get<std::vector<double>>(name);
    return bytes_of(std::vector<float>(values.begin(), values.end()));
  };
  KernelBuilder kernel("normalize");
  const std::vector<Extent> dims = {{0, 1}, {channels, 0}, {plane, 0}};
  const auto x = lowering.view(kernel, "x", input, dims, Access::read),
             y = lowering.view(kernel, "y", v, dims, Access::write);
  const auto mean = kernel.param("mean", lowering.constant("mean", reals("mean")), Scalar::f32,
                                 {{channels, 0}}, Access::read);
  const auto std =
      kernel.param("std", lowering.constant("std", reals("std")), Scalar::f32, {{channels, 0}}, Access::read);
  Body body(kernel.names());
  const Expr n = body.let("n", loops::task() / channels), c = body.let("c", loops::task() % channels);
  const auto channel = [&](const MemoryRef& m) {
    return body.let("c", loops::broadcast(loaded(m, {c}), lanes));
  };
  const Expr m = channel(mean), s = channel(std);
  body.loop("p", 0, plane, lanes, [&](Body& b, Expr p) {
    const Expr valid = plane % lanes == 0 ? Expr() : b.let("valid", loops::min(lanes, plane - p));
    const Expr value = loops::cast(loaded(x, {n, c, p}, lanes, 2, valid), Scalar::f32);
    b.store(y, {n, c, p}, (value / loops::constant(Scalar::f32, 255, lanes) - m) / s, 2, valid);
  });
  lowering.call(kernel, {0, channels}, body, v, {.bytes = {0, 5 * channels * plane}});
}

}  // namespace rnc
