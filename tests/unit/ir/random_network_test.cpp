// The random networks of the differential tests, and how failing ones are reduced.
#include "tests/support/random_network.h"

#include <doctest/doctest.h>

#include <set>

#include "ir/text/text.h"
#include "tests/support/reduce.h"

using namespace rnc;
using namespace rnc::test;

namespace {

Module parsed(const std::string& text) {
  return parse(std::make_shared<SourceFile>(SourceFile{"random.graph", text}));
}

bool has(const std::string& text, const char* part) { return text.find(part) != std::string::npos; }

}  // namespace

TEST_CASE("random networks are models that can be trained, and hold every operation that one may name") {
  std::set<Op> seen;
  for (uint64_t seed = 1; seed <= 400; ++seed) {
    const std::string text = random_network(seed, {.batchless = seed % 2 == 0});
    CAPTURE(text);
    Module module;
    REQUIRE_NOTHROW(module = parsed(text));
    CHECK(module.entries.at(0).outputs.size() == 2);
    CHECK(!module.optimizer.name.empty());
    for (const Node& node : module.entries[0].nodes) seen.insert(node.op);
  }
  for (const Op op : {Op::add,
                      Op::sub,
                      Op::mul,
                      Op::div,
                      Op::sqrt,
                      Op::rsqrt,
                      Op::relu,
                      Op::relu_grad,
                      Op::conv2d,
                      Op::linear,
                      Op::matmul,
                      Op::batch_norm,
                      Op::channel_mean,
                      Op::channel_variance,
                      Op::channel_sum,
                      Op::element_count,
                      Op::max_pool,
                      Op::avg_pool,
                      Op::global_avg_pool,
                      Op::pad_channels,
                      Op::slice_channels,
                      Op::concat,
                      Op::slice,
                      Op::pad_axis,
                      Op::roll,
                      Op::sigmoid,
                      Op::silu,
                      Op::gelu,
                      Op::relu6,
                      Op::leaky_relu,
                      Op::prelu,
                      Op::elu,
                      Op::hardsigmoid,
                      Op::hardswish,
                      Op::softplus,
                      Op::mish,
                      Op::clip,
                      Op::pow,
                      Op::exp,
                      Op::log,
                      Op::tanh,
                      Op::erf,
                      Op::abs,
                      Op::square,
                      Op::min,
                      Op::max,
                      Op::greater,
                      Op::where,
                      Op::flatten,
                      Op::reshape,
                      Op::softmax,
                      Op::cross_entropy,
                      Op::normalize,
                      Op::pad,
                      Op::slice,
                      Op::concat,
                      Op::log_softmax,
                      Op::constants,
                      Op::resize}) {
    CAPTURE(name(op));
    CHECK(seen.contains(op));
  }
}

TEST_CASE("the same seed gives the same network, another another") {
  CHECK(random_network(7) == random_network(7));
  CHECK(random_network(7) != random_network(8));
}

TEST_CASE("a failing network is reduced to the lines and numbers that it fails by") {
  const std::string text = R"(model t(image: f32[N, 3, 8, 9], label: i32[N]) {
  v1 = conv2d(image, 12, kernel = 3, pad = 1)
  v2 = relu(v1)
  parameter p3.positive : f32[1] = constant(1.0)
  v4 = slice_channels(v2, begin = 1, end = 5)
  v5 = flatten(v4)
  v6 = linear(v5, 7)
  predict v6
  loss cross_entropy(v6, label, label_smoothing = 0.1)
  train adam(beta1 = 0.8)
}
)";
  const auto fails = [](const std::string& candidate) {
    try {
      parsed(candidate);
    } catch (const UserError&) {
      return false;
    }
    return has(candidate, "slice_channels") && has(candidate, "conv2d");
  };
  REQUIRE(fails(text));
  CHECK(reduced(text, fails) == R"(model t(image: f32[N, 1, 1, 1], label: i32[N]) {
  v1 = conv2d(image, 1, kernel = 1)
  v4 = slice_channels(v1, begin = 0, end = 1)
  predict v4
}
)");
}
