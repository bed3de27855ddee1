// How accurate Winograd's algorithm is, layer by layer: relative L2 errors of compiled code against float64, for
// each tile and direction, at most three times those of direct summation.
#include <doctest/doctest.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "tests/run/compiled_model.h"
#include "tests/support/evaluate.h"
#include "tests/support/model_builder.h"
#include "tests/support/random.h"

using namespace rnc;
using namespace rnc::test;

namespace {

constexpr int64_t kImages = 32;
constexpr int64_t kChecked = 8;  // channels of each result that are compared: all would take long in float64

// A convolution of a layer in all three directions, as in a training step: y, dx and dw of x, w and dy.
Module directions(int64_t channels, int64_t size, int64_t stride) {
  ModelBuilder m("backward");
  const int64_t out = (size - 1) / stride + 1;
  const ValueId x = m.input("x", DType::f32, {kBatch, channels, size, size});
  const ValueId dy = m.input("dy", DType::f32, {kBatch, channels, out, out});
  const ValueId w = m.tensor("w", {channels, channels, 3, 3});
  const std::vector<int64_t> pad{1, 1}, strides{stride, stride}, map{size, size}, kernel{3, 3};
  m.output("y", m.op(Op::conv2d, {x, w}, {{"pad", pad}, {"stride", strides}}, "forward"));
  m.output("dx", m.op(Op::conv2d_input_grad, {dy, w}, {{"pad", pad}, {"stride", strides}, {"size", map}},
                      "input_grad"));
  m.output("dw", m.op(Op::conv2d_weight_grad, {dy, x},
                      {{"pad", pad}, {"stride", strides}, {"kernel", kernel}}, "weight_grad"));
  return std::move(m.module);
}

// Normal values that float holds exactly; `rectified` those of a ReLU, as activations are.
TensorData values(Random& random, const Shape& shape, double deviation, bool rectified) {
  TensorData data{shape, {}};
  data.values.resize(static_cast<size_t>(elements_per_sample(shape)));
  for (double& v : data.values) {
    v = static_cast<double>(static_cast<float>(deviation * random.normal()));
    if (rectified) v = std::max(v, 0.0);
  }
  return data;
}

double at(const TensorData& t, int64_t a, int64_t b, int64_t h, int64_t w) {
  return t.values[static_cast<size_t>(((a * t.shape[1] + b) * t.shape[2] + h) * t.shape[3] + w)];
}

// The first kChecked channels of each direction, of convolutions with pad 1, summed in float64.
Tensors exact_results(const TensorData& x, const TensorData& w, const TensorData& dy, int64_t stride) {
  const int64_t images = x.shape[0], channels = x.shape[1], size = x.shape[2], out = dy.shape[2];
  Tensors exact{{"y", {{images, kChecked, out, out}, {}}},
                {"dx", {{images, kChecked, size, size}, {}}},
                {"dw", {{kChecked, channels, 3, 3}, {}}}};
  // Visits the pixels that tap (i, j) reads of a map: f(output row, column, input row, column).
  const auto pixels = [&](int64_t i, int64_t j, const auto& f) {
    const auto inside = [&](int64_t p) { return p >= 0 && p < size; };
    for (int64_t h = 0; h < out; ++h)
      for (int64_t v = 0; v < out; ++v)
        if (inside(h * stride + i - 1) && inside(v * stride + j - 1))
          f(h, v, h * stride + i - 1, v * stride + j - 1);
  };
  for (auto& [name, data] : exact) data.values.resize(static_cast<size_t>(elements_per_sample(data.shape)));
  std::vector<double>& y = exact.at("y").values;
  std::vector<double>& dx = exact.at("dx").values;
  std::vector<double>& dw = exact.at("dw").values;
  for (int64_t n = 0; n < images; ++n)
    for (int64_t o = 0; o < kChecked; ++o)
      for (int64_t c = 0; c < channels; ++c)
        for (int64_t i = 0; i < 3; ++i)
          for (int64_t j = 0; j < 3; ++j) {
            const auto result = [&](int64_t width, int64_t h, int64_t v) {
              return static_cast<size_t>(((n * kChecked + o) * width + h) * width + v);
            };
            double sum = 0;
            pixels(i, j, [&](int64_t h, int64_t v, int64_t ih, int64_t iv) {
              y[result(out, h, v)] += at(w, o, c, i, j) * at(x, n, c, ih, iv);
              dx[result(size, ih, iv)] += at(w, c, o, i, j) * at(dy, n, c, h, v);
              sum += at(dy, n, o, h, v) * at(x, n, c, ih, iv);
            });
            dw[static_cast<size_t>(((o * channels + c) * 3 + i) * 3 + j)] += sum;
          }
  return exact;
}

// The part of a result that is compared.
TensorData checked(const TensorData& data, bool weights) {
  TensorData part{data.shape, {}};
  const int64_t inner = data.shape[1] * data.shape[2] * data.shape[3];
  const int64_t map = data.shape[2] * data.shape[3];
  if (weights) {
    part.shape[0] = kChecked;
    part.values.assign(data.values.begin(), data.values.begin() + kChecked * inner);
    return part;
  }
  part.shape[1] = kChecked;
  for (int64_t n = 0; n < data.shape[0]; ++n) {
    const auto begin = data.values.begin() + n * inner;
    part.values.insert(part.values.end(), begin, begin + kChecked * map);
  }
  return part;
}

// Errors of forward, input gradient and weight gradient.
std::array<double, 3> errors(const Module& module, ConvAlgorithm algorithm, const Tensors& inputs,
                             const Tensors& weights, const Tensors& exact) {
  const CompiledModel model(module, "native", std::nullopt, {{"", algorithm}});
  const Tensors result = model.run("backward", inputs, weights);
  const auto error = [&](const char* name, bool is_weight) {
    return relative_error(checked(result.at(name), is_weight), exact.at(name));
  };
  return {error("y", false), error("dx", false), error("dw", true)};
}

}  // namespace

TEST_CASE("the error of Winograd's algorithm per layer is at most three times that of direct summation") {
  const std::pair<const char*, ConvAlgorithm> algorithms[] = {{"F(2x2)", ConvAlgorithm::winograd2},
                                                              {"F(3x3)", ConvAlgorithm::winograd3},
                                                              {"F(4x4)", ConvAlgorithm::winograd4}};
  const char* directions_of[] = {"forward", "input gradient", "weight gradient"};
  Random random(first_seed());
  struct Layer {
    int64_t channels, size, stride;
  };
  for (const auto& [channels, size, stride] : {Layer{16, 16, 1},
                                               {64, 14, 1},
                                               {128, 7, 1},
                                               {256, 6, 1},
                                               {512, 4, 1},
                                               {32, 28, 2},
                                               {128, 13, 2},
                                               {256, 12, 2},
                                               {512, 7, 2}}) {
    const Module module = directions(channels, size, stride);
    const int64_t out = (size - 1) / stride + 1;
    const Tensors inputs{{"x", values(random, {kImages, channels, size, size}, 1, true)},
                         {"dy", values(random, {kImages, channels, out, out}, 1, false)}};
    const Tensors weights{{"w", values(random, {channels, channels, 3, 3}, 0.05, false)}};
    const Tensors exact = exact_results(inputs.at("x"), weights.at("w"), inputs.at("dy"), stride);
    const auto direct = errors(module, ConvAlgorithm::direct, inputs, weights, exact);
    // Added up in one go, 512 channels would have an error of 7e-7, forward and backward.
    CHECK(std::max(direct[0], direct[1]) <= (stride == 1 ? 3e-7 : 3.5e-7));
    for (const auto& [name, algorithm] : algorithms) {
      const auto winograd = errors(module, algorithm, inputs, weights, exact);
      for (size_t i = 0; i < 3; ++i) {
        const std::string row = fmt::format(
            "{} channels, {}x{}, stride {}, {} {}: {:.1f}e-7, direct {:.1f}e-7: {:.2f}", channels, size, size,
            stride, name, directions_of[i], 1e7 * winograd[i], 1e7 * direct[i], winograd[i] / direct[i]);
        INFO(row);
        CHECK(winograd[i] <= 3 * direct[i]);
        CHECK(winograd[i] != direct[i]);  // another algorithm did run
      }
    }
  }
}
