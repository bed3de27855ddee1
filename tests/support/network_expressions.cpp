#include <fmt/ranges.h>

#include "tests/support/network_text.h"

namespace rnc::test {
namespace {

// x x + c
Map square_plus(NetworkText& t, const Map& x, double c) {
  return t.map(x, "{} + {}", t.map(x, "{0} * {0}", x.name).name, c);
}

std::string list(const std::vector<int64_t>& shape) { return fmt::format("{}", fmt::join(shape, ", ")); }

int64_t product(const std::vector<int64_t>& shape, size_t from) {
  int64_t elements = 1;
  for (size_t d = from; d < shape.size(); ++d) elements *= shape[d];
  return elements;
}

// Weight standardisation (Qiao et al. 2019): each output's weights less their mean, by their deviation.
std::string standardized(NetworkText& t, const std::string& w, const std::vector<int64_t>& shape) {
  const std::string rows = t.let("reshape({}, shape = [1, {}, 1, {}])", w, shape[0], product(shape, 1));
  const auto mean = [&](const std::string& of) {
    return t.let("reshape({}, shape = [{}])", t.let("global_avg_pool({})", of), shape[0]);
  };
  const std::string centred = t.let("{} - {}", rows, mean(rows));
  const std::string variance = mean(t.let("{0} * {0}", centred));
  const std::string scale = t.let("rsqrt({})", t.let("{} + 0.001", variance));
  return t.let("reshape({}, shape = [{}])", t.let("{} * {}", centred, scale), list(shape));
}

// A value of this shape that operations on images make of parameters.
std::string batchless_parameter(NetworkText& t, const std::vector<int64_t>& shape) {
  if (shape.size() == 2) {
    return t.let("softmax({})", t.parameter(list(shape)));
  }
  const auto larger = [&](int64_t channels, int64_t rows) {
    return t.parameter(list({shape[0], shape[1] + channels, shape[2] + rows, shape[3] + rows}));
  };
  switch (t.random.integer(0, 4)) {
    case 0:
      return t.let("avg_pool({}, kernel = 2, stride = 1)", larger(0, 1));
    case 1:
      return t.let("max_pool({}, kernel = 2, stride = 1)", larger(0, 1));
    case 2:
      return t.let("slice_channels({}, begin = 1, end = {})", larger(2, 0), 1 + shape[1]);
    case 3:
      return t.let("conv2d({}, {}, pad = 1)", larger(0, 0), t.parameter(list({shape[1], shape[1], 3, 3})));
    default:
      return standardized(t, t.parameter(list(shape)), shape);
  }
}

}  // namespace

Map activation(NetworkText& t, const Map& x) {
  static const std::vector<std::string> kForms = {"sigmoid({0})",
                                                  "tanh({0})",
                                                  "erf({0})",
                                                  "silu({0})",
                                                  "gelu({0})",
                                                  "gelu({0}, approximate = \"tanh\")",
                                                  "relu6({0})",
                                                  "leaky_relu({0}, slope = 0.2)",
                                                  "elu({0}, alpha = 0.7)",
                                                  "hardsigmoid({0})",
                                                  "hardswish({0})",
                                                  "softplus({0}, beta = 1.5)",
                                                  "mish({0})",
                                                  "abs({0})",
                                                  "clip({0}, min = -1, max = 1.5)",
                                                  "exp(clip({0}, min = -2, max = 1))",
                                                  "log(1 + square({0}))",
                                                  "pow(1 + square({0}), exponent = -0.7)",
                                                  "max({0}, 0.25 - {0})",
                                                  "min({0}, 0.5)",
                                                  "where({0} > 0, {0}, 0.5 * {0})"};
  if (t.random.chance(0.1)) return t.map(x, "prelu({}, {})", x.name, t.parameter(fmt::format("{}", x.c)));
  const std::string& form =
      kForms[static_cast<size_t>(t.random.integer(0, static_cast<int64_t>(kForms.size()) - 1))];
  return t.map(x, "{}", fmt::format(fmt::runtime(form), x.name));
}

Map constants(NetworkText& t, const Map& x) {
  const double c = t.random.one_of({0.25, 0.5, 1.0, 1.5, 2.0, 0.3});
  const double sign = t.random.chance(0.5) ? 1 : -1;
  switch (t.random.integer(0, 10)) {
    case 0:
      return t.map(x, "{} + {}", x.name, c * sign);
    case 1:
      return t.map(x, "{} - {}", x.name, c);
    case 2:
      return t.map(x, "{} - {}", c, x.name);
    case 3:
      return t.map(x, "{} * {}", x.name, c * sign);
    case 4:
      return t.map(x, "{} / {}", x.name, c);
    case 5:
      return t.map(x, "{} / {}", c, square_plus(t, x, 1).name);
    case 6:
      return t.map(x, "sqrt({})", square_plus(t, x, c).name);
    case 7:
      return t.map(x, "rsqrt({})", square_plus(t, x, c).name);
    case 8:
      return relu(t, t.map(x, "{} + {}", x.name, c));
    case 9:
      return t.map(x, "-{}", x.name);
    default:
      return t.map(x, "{} / {}", x.name, square_plus(t, x, 1).name);
  }
}

Map per_channel(NetworkText& t, const Map& x) {
  const std::string shape = t.random.chance(0.8) ? fmt::format("{}", x.c) : "";
  switch (t.random.integer(0, 5)) {
    case 0:
      return t.map(x, "{} + {}", x.name, t.parameter(shape));
    case 1:
      return t.map(x, "{} - {}", t.parameter(shape), x.name);
    case 2:
      return t.map(x, "{} * {}", x.name, t.parameter(shape));
    case 3:
      return t.map(x, "{} / {}", x.name, t.parameter(shape, true));
    case 4:
      return t.map(x, "{} / {}", t.parameter(shape), square_plus(t, x, 0.5).name);
    default: {
      const std::string p = t.parameter(shape);
      return t.map(x, "{} / {}", x.name, t.let("{} + 0.5", t.let("{0} * {0}", p)));
    }
  }
}

Map spread(NetworkText& t, const Map& x) {
  const auto share = [&](const std::string& of) { return t.let("sigmoid({})", of); };
  const int64_t channels = t.random.chance(0.5) ? x.c : 1, rows = t.random.chance(0.5) ? x.h : 1;
  switch (t.random.integer(0, t.batchless ? 5 : 9)) {
    case 0:
      return t.map(x, "{} * {}", x.name, share(t.let("mean({}, axes = [2, 3], keepdims = true)", x.name)));
    case 1:
      return t.map(x, "{} * {}", x.name, share(t.let("mean({}, axes = [1], keepdims = true)", x.name)));
    case 2:
      return t.map(x, "{} + {}", x.name, t.parameter(list({1, channels, rows, x.w})));
    case 3:
      return t.map(x, "{} * {}", t.parameter(list({x.c, rows, 1})), x.name);
    case 4:
      return t.map(x, "layer_norm({}, axis = {})", bounded(t, x).name, t.random.one_of<int64_t>({1, 3}));
    case 5:
      return t.map(x, "instance_norm({}, eps = 0.1, affine = true)", x.name);
    case 6:
      return t.map(x, "group_norm({}, groups = {}, eps = 0.1)", x.name, x.c % 2 == 0 ? 2 : 1);
    case 7:
      return t.map(x, "dropout({}, p = 0.3)", x.name);
    case 8:
      return t.map(x, "drop_path({}, p = 0.3)", x.name);
    default:
      return t.map(x, "se({}, mid = 3)", x.name);
  }
}

Map bounded(NetworkText& t, const Map& x) { return t.map(x, "sqrt({})", square_plus(t, x, 1).name); }

std::string computed_parameter(NetworkText& t, const std::vector<int64_t>& shape) {
  if (t.batchless && t.random.chance(0.5)) return batchless_parameter(t, shape);
  const std::string w = t.parameter(list(shape));
  switch (t.random.integer(0, 5)) {
    case 0:
      return t.let("{} * {}", w, t.parameter(list(shape)));
    case 1:
      return t.let("{} * {}", w, t.parameter(""));
    case 2:
      return t.let("{} / {}", w, t.let("{} + 0.5", t.let("{0} * {0}", w)));
    case 3:
      return t.let("{} + {}", w, t.let("{} * 0.5", t.parameter(list(shape))));
    case 4:
      return t.let("{} * {}", w, t.parameter(list({shape[1]})));
    default:
      return t.let("{} * {}", w, t.let("rsqrt({})", t.let("{} + 1.0", t.let("{0} * {0}", w))));
  }
}

}  // namespace rnc::test
