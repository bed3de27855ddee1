// Networks that compute with tensors without a batch: what is made of parameters alone, and penalties on it.
// Compiled, they give what the interpreter does: in inference, where entry prepare computes all that, in the
// gradients, and after two steps.
#include <doctest/doctest.h>
#include <fmt/format.h>

#include <algorithm>

#include "ir/text/text.h"
#include "passes/passes.h"
#include "tests/run/compiled_model.h"
#include "tests/support/evaluate.h"
#include "tests/support/random_graph.h"

using namespace rnc;
using namespace rnc::test;

namespace {

struct Case {
  const char* name;
  const char* code;  // declares parameters and makes y, of `elements` elements, and perhaps x of the image
  int elements;
};

// Channels are no multiples of vectors, but where a case says so.
constexpr Case kCases[] = {
    {"softmax", R"(
       parameter w : f32[8, 3]
       y = softmax(w))",
     24},
    {"elementwise", R"(
       parameter a : f32[5, 33]
       parameter b : f32[33]
       parameter s : f32[]
       y = relu(a + b) * s - sqrt(a * a + 1.0) / (b * b + 0.5) + rsqrt(a * a + 2.0))",
     165},
    {"elementwise on images", R"(
       parameter a : f32[2, 10, 3, 5]
       parameter b : f32[10]
       y = relu(a + b) * b - a / (b * b + 0.5))",
     300},
    {"elementwise on three and five dimensions", R"(
       parameter a : f32[2, 10, 7]
       parameter b : f32[10]
       parameter c : f32[2, 10, 7, 1, 1]
       y = relu(a + b) * reshape(c - b, shape = [2, 10, 7]))",
     140},
    {"sums of rows", R"(
       parameter a : f32[7, 19]
       y = channel_sum(a * a) * channel_mean(a) + channel_variance(a))",
     19},
    {"sums of planes", R"(
       parameter a : f32[3, 10, 27]
       y = channel_sum(a * a) * channel_mean(a) + channel_variance(a))",
     10},
    {"sums of images", R"(
       parameter a : f32[3, 17, 4, 5]
       y = channel_sum(a * a) * channel_mean(a) + channel_variance(a))",
     17},
    {"expand_as", R"(
       parameter a : f32[3, 17, 4, 5]
       parameter b : f32[17]
       y = expand_as(b * b, a) * a)",
     1020},
    {"matrix products", R"(
       parameter a : f32[6, 19]
       parameter b : f32[19, 11]
       parameter c : f32[6, 11]
       z = matmul(a, b)
       y = matmul(z, c, transpose_a = true) + matmul(c, linear(z, 11), transpose_a = true))",
     121},
    {"convolution", R"(
       parameter p : f32[6, 5, 9, 7]
       parameter w : f32[10, 5, 3, 3]
       parameter b : f32[10]
       y = relu(conv2d(p, w, b, pad = 1, stride = 2)))",
     1200},
    {"convolution, few channels", R"(
       parameter p : f32[3, 3, 9, 7]
       parameter w : f32[33, 3, 2, 3]
       y = conv2d(p, w))",
     3960},
    {"pointwise convolution", R"(
       parameter p : f32[2, 24, 5, 5]
       parameter w : f32[12, 24, 1, 1]
       y = conv2d(relu(p), w))",
     600},
    {"convolution large enough for Winograd", R"(
       parameter p : f32[2, 40, 8, 8]
       parameter w : f32[33, 40, 3, 3]
       y = relu(conv2d(relu(p), w, pad = 1)))",
     4224},
    {"convolution large enough for Winograd, of stride 2", R"(
       parameter p : f32[3, 33, 12, 12]
       parameter w : f32[40, 33, 3, 3]
       y = conv2d(p, w, pad = 1, stride = 2))",
     4320},
    {"grouped convolution", R"(
       parameter p : f32[2, 12, 6, 6]
       parameter w : f32[9, 4, 3, 3]
       parameter d : f32[9, 1, 3, 3]
       y = conv2d(conv2d(p, w, groups = 3, pad = 1), d, groups = 9, pad = 1))",
     648},
    {"batch norm", R"(
       parameter p : f32[6, 5, 8, 8]
       y = relu(batch_norm(conv2d(p, 10, kernel = 3, pad = 1, bias = false))) + batch_norm(conv2d(p, 10, kernel = 1, bias = false)))",
     3840},
    {"batch norm of rows and planes", R"(
       parameter p : f32[6, 10]
       parameter q : f32[6, 10, 3]
       y = batch_norm(p) * channel_mean(relu(batch_norm(q))))",
     60},
    {"max pool", R"(
       parameter p : f32[5, 10, 9, 8]
       y = max_pool(relu(batch_norm(p)), kernel = 3, stride = 2, pad = 1))",
     1000},
    {"average pools", R"(
       parameter p : f32[5, 10, 8, 8]
       a = avg_pool(p * p, kernel = 3, stride = 1, pad = 1, count_include_pad = false)
       y = flatten(global_avg_pool(avg_pool(a, kernel = 2))))",
     50},
    {"channels padded and sliced", R"(
       parameter p : f32[3, 10, 4, 4]
       a = pad_channels(relu(p), before = 1, after = 8)
       y = slice_channels(a * a, begin = 3, end = 18))",
     720},
    {"a network of parameters", R"(
       parameter p : f32[3, 5, 16, 16]
       a = max_pool(relu(batch_norm(conv2d(p, 24, kernel = 3, pad = 1, bias = false))), kernel = 2)
       b = relu(conv2d(a, 24, kernel = 3, pad = 1) + a)
       y = softmax(linear(flatten(global_avg_pool(b)), 7)))",
     21},
    {"weight standardisation", R"(
       parameter w : f32[10, 3, 3, 3]
       parameter gain : f32[10]
       v = reshape(w, shape = [1, 10, 27])
       u = (v - channel_mean(v)) / sqrt(channel_variance(v) * 27.0 + 1e-4) * gain
       y = reshape(u, shape = [10, 3, 3, 3])
       x = relu(conv2d(image, y, pad = 1)))",
     270},
    {"weight standardisation by batch norm, of an inner convolution", R"(
       parameter w : f32[40, 48, 3, 3]
       a = relu(conv2d(image, 48, kernel = 1))
       y = reshape(batch_norm(reshape(w, shape = [1, 40, 432])), shape = [40, 48, 3, 3])
       x = relu(conv2d(a, y, pad = 1)))",
     17280},
    {"a weight that a convolution computes", R"(
       parameter p : f32[10, 4, 5, 5]
       parameter w : f32[3, 4, 3, 3]
       y = conv2d(p, w)
       x = relu(conv2d(image, y, pad = 1)))",
     270},
    {"the batch's elements counted", R"(
       parameter p : f32[7, 10, 4]
       y = relu(p) * element_count(image) * 0.01)",
     280},
    {"one tensor of whole vectors as image and as weight", R"(
       parameter p : f32[32, 32, 3, 3]
       y = relu(conv2d(p, p, pad = 1)) + p
       a = conv2d(image, 32, kernel = 1)
       x = conv2d(conv2d(a, p, pad = 1), y, pad = 1))",
     9216},
    {"one tensor as image, as weight and in a penalty", R"(
       parameter p : f32[12, 12, 3, 3]
       y = relu(conv2d(p, p, pad = 1)) + p
       a = conv2d(image, 12, kernel = 1)
       x = conv2d(conv2d(a, p, pad = 1), y, pad = 1))",
     1296},
};

std::shared_ptr<const SourceFile> spec_of(const Case& c) {
  const std::string code = c.code;
  const char* features = code.find(" x = ") == std::string::npos ? "image" : "global_avg_pool(x)";
  return std::make_shared<SourceFile>(
      SourceFile{"batchless.graph", fmt::format(R"(
model batchless(image: f32[N, 3, 6, 6], label: i32[N]) {{{}
  row = reshape(y, shape = [1, {}])
  penalty = reshape(matmul(row, row, transpose_b = true), shape = []) * {}
  fc = linear(flatten({}), 5)
  out = fc + penalty
  predict out
  loss cross_entropy(out * out, label) + penalty
  train sgd(momentum = 0.9)
}}
)",
                                                code, c.elements, 0.1 / c.elements, features)});
}

// Outputs and new tensors after `steps` runs of the entry.
Tensors expected_of(const Graph& graph, int64_t batch, Tensors inputs, Tensors tensors, int steps) {
  Tensors last;
  for (int step = 1; step <= steps; ++step) {
    if (inputs.contains("step")) inputs["step"].values = {static_cast<double>(step)};
    const Interpretation result = interpret(graph, batch, inputs, tensors);
    last = result.outputs;
    for (const auto& [name, value] : result.assigned) last[name] = tensors[name] = value;
  }
  return last;
}

void check_module(const Module& elaborated, const std::string& cpu) {
  CAPTURE(cpu);
  Module module = elaborated;
  derive_entries(module);
  decompose_losses(module);
  linear_to_conv(module);
  differentiate(module);
  const CompiledModel model(elaborated, cpu);
  const Tensors tensors = random_tensors(module, 1);
  for (const Graph& graph : module.entries) {
    CAPTURE(graph.name);
    const int steps = graph.name == "train_step" ? 2 : 1;
    const int64_t batch = 5;
    const Tensors inputs = random_inputs(module, graph, batch, 2);
    const Tensors actual = model.run(graph.name, inputs, tensors, steps, 1);
    for (const auto& [name, value] : expected_of(graph, batch, inputs, tensors, steps)) {
      CAPTURE(name);
      CHECK(relative_error(actual.at(name), value, 1e-2) < 1e-4);
    }
    CHECK(same_bits(actual, model.run(graph.name, inputs, tensors, steps, 3)));
  }
}

}  // namespace

TEST_CASE("what is computed from parameters alone, compiled, is what the interpreter gives") {
  const std::vector<std::string> cpus = runnable_cpus();
  uint64_t next = first_seed();  // a CPU for each case; other seeds, others
  for (const Case& c : kCases) {
    const std::string name = c.name;
    CAPTURE(name);
    check_module(parse(spec_of(c)), cpus[next++ % cpus.size()]);
  }
}

TEST_CASE("a network whose inputs have no batch") {
  const auto source = std::make_shared<SourceFile>(SourceFile{"fixed.graph", R"(
model fixed(image: f32[4, 3, 8, 8], label: i32[4]) {
  a = relu(batch_norm(conv2d(image, 10, kernel = 3, pad = 1, bias = false)))
  b = relu(a + conv2d(a, 10, kernel = 3, pad = 1))
  c = max_pool(relu(batch_norm(b)), kernel = 2)
  fc = linear(flatten(global_avg_pool(c)), 5)
  predict fc
  loss cross_entropy(fc, label, label_smoothing = 0.1)
  train sgd(momentum = 0.9)
}
)"});
  for (const std::string& cpu : runnable_cpus()) check_module(parse(source), cpu);
}

TEST_CASE("sums over channels of values with a batch but no image's dimensions") {
  const auto source = std::make_shared<SourceFile>(SourceFile{"planes.graph", R"(
model planes(image: f32[N, 10, 4, 4], label: i32[N]) {
  x = reshape(image * reshape(batch_norm(reshape(image, shape = [-1, 10, 16])), shape = [-1, 10, 4, 4]),
              shape = [-1, 10, 2, 8, 1])
  fc = linear(flatten(x * channel_mean(x)), 5)
  predict fc
  loss cross_entropy(fc, label)
  train sgd(momentum = 0.9)
}
)"});
  for (const std::string& cpu : runnable_cpus()) check_module(parse(source), cpu);
}
