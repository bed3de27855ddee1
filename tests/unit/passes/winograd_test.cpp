// Winograd convolution in the loop interpreter, against the reference interpreter, with everything that is
// fused into it.
#include "passes/lower/conv/winograd/winograd.h"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <algorithm>

#include "passes/lower/lower_to_loops.h"
#include "passes/passes.h"
#include "passes/schedule/plan_memory.h"
#include "tests/support/evaluate.h"
#include "tests/support/model_builder.h"
#include "tests/support/random_graph.h"
#include "tests/support/run_program.h"

namespace rnc {
namespace {

// A stem and a residual block whose convolutions Winograd computes forward and for both gradients. The stride
// is the first one's.
Module residual_block(int64_t height, int64_t width, bool bias, int64_t stride = 1) {
  test::ModelBuilder m;
  const ValueId image = m.input("image", DType::f32, {kBatch, 3, height, width});
  const ValueId label = m.input("label", DType::i32, {kBatch});
  ValueId x = m.op(Op::relu, {m.conv("stem", image, 16, 3, 1, 1)}, {}, "stem.relu");
  ValueId y = m.conv("conv1", x, 32, 3, stride, 1);
  if (bias) y = m.op(Op::add, {y, m.tensor("conv1.bias", {32})}, {}, "biased");
  y = m.op(Op::relu, {m.batch_norm("bn1", y)}, {}, "relu1");
  y = m.batch_norm("bn2", m.conv("conv2", y, 16, 3, 1, 1));
  if (stride != 1) x = m.conv("shortcut", x, 16, 1, stride, 0);
  x = m.op(Op::relu, {m.op(Op::add, {y, x}, {}, "sum")}, {}, "relu2");
  x = m.op(Op::global_avg_pool, {x}, {}, "pool");
  m.classifier(m.op(Op::flatten, {x}, {}, "flat"), label);
  derive_entries(m.module);
  fold_batch_norm(m.module);
  differentiate(m.module);
  return std::move(m.module);
}

loops::Program lower(Module& module, const TargetInfo& target) {
  decompose_batch_norm(module);
  decompose_linear(module);
  cse(module);
  dce(module);
  hoist_parameters(module);
  choose_algorithm(module, target);
  choose_layout(module, target);
  hoist_parameters(module);
  fuse(module);
  return lower_to_loops(module, target);
}

int64_t calls_by(const loops::Program& program, std::string_view entry, std::string_view algorithm) {
  for (const loops::EntryProgram& e : program.entries) {
    if (e.name != entry) continue;
    return std::count_if(e.calls.begin(), e.calls.end(),
                         [&](const loops::Call& c) { return c.work.algorithm == algorithm; });
  }
  return 0;
}

double error_in_backward(const Module& model, const TargetInfo& target, int64_t batch,
                         std::string_view algorithm) {
  Module lowered = model;
  const loops::Program program = lower(lowered, target);
  // conv1 and conv2, each forward, for the input gradient and for the weight gradient.
  CHECK(calls_by(program, "backward", algorithm) >= 6);
  const Tensors tensors = test::random_tensors(model, 7);
  const Tensors inputs = test::random_inputs(model, *model.find_entry("backward"), batch, 8);
  const Tensors expected = test::evaluate(model, "backward", batch, inputs, tensors);
  loops::RunOptions options;
  options.order = loops::TaskOrder::shuffled;
  const auto run = [&](int64_t threads) {
    options.threads = threads;
    return test::run_program(lowered, program, "backward", batch, inputs, tensors, options);
  };
  const Tensors result = run(1);
  CHECK(test::same_bits(run(40), result));
  std::string worst;
  const double error = test::relative_error(result, expected, &worst, 1e-2);
  CAPTURE(worst);
  return error;
}

// One convolution with the same number of channels in and out, bias, at stride 1 a shortcut, and ReLU.
Module layer(int64_t channels, int64_t height, int64_t width, int64_t stride = 1) {
  test::ModelBuilder m;
  const ValueId x = m.input("x", DType::f32, {kBatch, channels, height, width});
  ValueId y =
      m.op(Op::conv2d, {x, m.tensor("weight", {channels, channels, 3, 3}), m.tensor("bias", {channels})},
           {{"pad", int64_t{1}}, {"stride", stride}}, "conv");
  if (stride == 1) y = m.op(Op::add, {y, x}, {}, "sum");
  y = m.op(Op::relu, {y}, {}, "y");
  m.output("y", y);
  m.module.predict = "y";
  derive_entries(m.module);
  return std::move(m.module);
}

struct Inference {
  double error;
  bool winograd;
};

Inference infer(const Module& model, const TargetInfo& target, int64_t batch, std::string_view algorithm) {
  Module lowered = model;
  const loops::Program program = lower(lowered, target);
  const Tensors tensors = test::random_tensors(model, 7);
  const Tensors inputs = test::random_inputs(model, *model.find_entry("infer"), batch, 8);
  const Tensors expected = test::evaluate(model, "infer", batch, inputs, tensors);
  loops::RunOptions options;
  options.order = loops::TaskOrder::shuffled;
  const Tensors result = test::run_program(lowered, program, "infer", batch, inputs, tensors, options);
  return {test::relative_error(result, expected, nullptr, 1e-2), calls_by(program, "infer", algorithm) == 1};
}

}  // namespace

TEST_CASE("Winograd convolution in inference, with weights transformed in entry prepare") {
  struct Case {
    int64_t channels, height, width;
    int lanes;
    const char* algorithm;
  };
  const Case cases[] = {
      {16, 14, 14, 16, "winograd 4x4"}, {33, 7, 7, 16, "winograd 4x4"}, {24, 6, 6, 8, "winograd 3x3"},
      {16, 3, 3, 4, "winograd 3x3"},    {20, 2, 10, 8, "winograd 2x2"}, {16, 28, 30, 8, "winograd 4x4"},
      {80, 8, 8, 16, "winograd 4x4"},
  };
  for (const Case& c : cases) {
    // The second makes the transformed input too large for the cache: a kernel of its own.
    for (const int64_t cache : {1 << 20, 8 << 10}) {
      const TargetInfo target{4 * c.lanes, c.lanes == 16 ? 32 : 16, true, 32 << 10, cache};
      const Module model = layer(c.channels, c.height, c.width);
      for (const int64_t batch : {1, 2, 9}) {
        CAPTURE(c.height);
        CAPTURE(c.width);
        CAPTURE(cache);
        CAPTURE(batch);
        const Inference result = infer(model, target, batch, c.algorithm);
        CHECK(result.error < 1e-4);
        CHECK(result.winograd);
      }
    }
  }
}

TEST_CASE("a convolution of many channels and few pixels is direct for few images, Winograd for more") {
  const TargetInfo target{64, 32, true, 48 << 10, 1 << 20};
  ConvShape shape{512, 512, 1, {7, 7, 3, 1, 1, 1, 1}, {7, 7, 3, 1, 1, 1, 1}};
  CHECK(winograd_for_fixed_weights(shape, target).m == 4);
  CHECK(winograd_for_fixed_weights(shape, target).from_batch == 3);
  shape.h.in = shape.h.out = shape.w.in = shape.w.out = 56;
  CHECK(winograd_for_fixed_weights(shape, target).from_batch == 1);
  shape.h.stride = 2;
  CHECK(winograd_for_fixed_weights(shape, target).m == 0);
  const Module model = layer(64, 4, 4);
  CHECK(winograd_from_batch({64, 64, 1, {4, 4, 3, 1, 1, 1, 1}, {4, 4, 3, 1, 1, 1, 1}}, 4, target) == 9);
  for (const int64_t batch : {1, 8, 9}) {
    CAPTURE(batch);
    const Inference result = infer(model, target, batch, "winograd 4x4");
    CHECK(result.error < 1e-4);
    CHECK(result.winograd);
  }
}

TEST_CASE("the error of Winograd convolution is at most three times that of direct summation") {
  for (const auto& [size, batch] : {std::pair<int64_t, int64_t>{14, 1}, {6, 4}, {4, 16}}) {
    const Module model = layer(64, size, size);
    TargetInfo target{64, 32, true, 48 << 10, 1 << 20};
    const double winograd = infer(model, target, batch, size == 6 ? "winograd 3x3" : "winograd 4x4").error;
    target.conv = {{"", ConvAlgorithm::direct}};
    const double direct = infer(model, target, batch, "").error;
    CAPTURE(size);
    CAPTURE(winograd);
    CAPTURE(direct);
    CHECK(winograd < 3 * direct);
    CHECK(winograd != direct);
  }
}

TEST_CASE("Winograd convolution is chosen by size, and computes what direct summation does") {
  struct Case {
    int64_t height, width;
    const char* algorithm;
  };
  const Case cases[] = {{4, 4, "winograd 4x4"},   {6, 6, "winograd 3x3"},  {5, 7, "winograd 4x4"},
                        {13, 11, "winograd 4x4"}, {8, 20, "winograd 4x4"}, {9, 6, "winograd 3x3"}};
  for (const Case& c : cases) {
    for (const int lanes : {16, 8, 4}) {
      TargetInfo target{4 * lanes, lanes == 16 ? 32 : 16, true};
      // So small that each task transforms the weights it uses.
      if (lanes == 8) target.l2_bytes = 4 << 10;
      const Module model = residual_block(c.height, c.width, c.width > 6);
      CAPTURE(c.height);
      CAPTURE(c.width);
      CAPTURE(lanes);
      CHECK(error_in_backward(model, target, 3, c.algorithm) < 1e-4);
      target.conv = {{"", ConvAlgorithm::direct}};
      if (lanes == 8) CHECK(error_in_backward(model, target, 3, "direct") < 1e-4);
    }
  }
}

TEST_CASE("Winograd convolution at stride 2, in training and in inference") {
  const std::pair<ConvAlgorithm, const char*> algorithms[] = {{ConvAlgorithm::winograd2, "winograd 2x2"},
                                                              {ConvAlgorithm::winograd3, "winograd 3x3"},
                                                              {ConvAlgorithm::winograd4, "winograd 4x4"}};
  // The last has rows of tiles that do not divide into blocks.
  for (const auto& [height, width] :
       {std::pair<int64_t, int64_t>{8, 8}, {9, 7}, {12, 5}, {2, 17}, {1, 1}, {28, 27}}) {
    for (const int lanes : {16, 8, 4}) {
      for (const auto& [algorithm, name] : algorithms) {
        CAPTURE(height);
        CAPTURE(width);
        CAPTURE(lanes);
        CAPTURE(name);
        TargetInfo target{4 * lanes, lanes == 16 ? 32 : 16, true};
        // So small that a kernel of its own transforms the input, or each task the weights it uses.
        if (lanes < 16) target.l2_bytes = lanes << 11;
        target.conv = {{"", algorithm}};
        CHECK(error_in_backward(residual_block(height, width, width > 6, 2), target, 3, name) < 1e-4);
        const Inference result = infer(layer(24, height, width, 2), target, 2, name);
        CHECK(result.error < 1e-4);
        CHECK(result.winograd);
      }
    }
  }
}

TEST_CASE("the choice of Winograd at stride 2") {
  const TargetInfo target{64, 32, true, 48 << 10, 1 << 20};
  const auto shape = [](int64_t channels, int64_t outputs, int64_t size) {
    const ConvShape::Axis axis{size, size / 2, 3, 2, 1, 1, 1};
    return ConvShape{channels, outputs, 1, axis, axis};
  };
  const auto tile = [&](const ConvShape& s) {
    return winograd_for_training(s, target, ConvDirection::forward).m;
  };
  CHECK(tile(shape(64, 128, 56)) == 4);
  CHECK(tile(shape(64, 128, 12)) == 3);   // 6x6 outputs are four tiles of 3x3
  CHECK(tile(shape(512, 512, 14)) == 0);  // 7x7 outputs fill no tiles
  CHECK(tile(shape(16, 32, 32)) == 0);    // the transforms outweigh few channels
  ConvShape uneven = shape(64, 128, 56);
  uneven.w = {56, 56, 3, 1, 1, 1, 1};
  CHECK(tile(uneven) == 0);
}

TEST_CASE("a weight gradient at stride 2 is Winograd's where its sums stay in cache, or as asked for") {
  const auto tile = [](int64_t channels, const ConvRules& rules) {
    test::ModelBuilder m("backward");
    const int64_t outputs = 2 * channels;
    const ValueId dy = m.input("dy", DType::f32, {kBatch, outputs, 8, 8});
    const ValueId x = m.input("x", DType::f32, {kBatch, channels, 16, 16});
    const std::vector<int64_t> pad{1, 1}, stride{2, 2}, kernel{3, 3};
    const ValueId dw =
        m.op(Op::conv2d_weight_grad, {dy, x}, {{"pad", pad}, {"stride", stride}, {"kernel", kernel}}, "conv");
    m.output("grad", dw);
    choose_algorithm(m.module, {64, 32, true, 48 << 10, 1 << 20, rules});
    return tile_of(algorithm_of(m.module.entries.front()[dw]));
  };
  CHECK(tile(64, {}) == 4);
  CHECK(tile(128, {}) == 0);
  CHECK(tile(128, {{"", ConvAlgorithm::winograd4}}) == 4);
  CHECK(tile(64, {{"", ConvAlgorithm::direct}}) == 0);
}

TEST_CASE("Winograd convolution at batches that do not fill a task") {
  const Module model = residual_block(6, 6, false);
  // Each of 8 parts of the weight gradient has 9 images of the last, seven and two at a time.
  for (const int64_t batch : {1, 2, 8, 72}) {
    CAPTURE(batch);
    for (const int64_t cache : {512 << 10, 4 << 10}) {
      const TargetInfo target{64, 32, true, 32 << 10, cache};
      CHECK(error_in_backward(model, target, batch, "winograd 3x3") < 1e-4);
    }
  }
}

TEST_CASE("batch norm and ReLU between two convolutions are computed as these load them, and not stored") {
  Module module = residual_block(8, 8, false);
  lower(module, {64, 32, true});
  const Graph& graph = *module.find_entry("backward");
  const auto with = [&](const Node& anchor, Op op) {
    return std::ranges::count_if(graph.nodes,
                                 [&](const Node& n) { return n.kernel == anchor.kernel && n.op == op; });
  };
  const auto named = [&](std::string_view name) -> const Node& {
    return *std::ranges::find(graph.nodes, name, &Node::name);
  };
  const Node& conv2 = named("conv2");
  CHECK(graph[conv2.inputs[0]].op == Op::relu);
  CHECK(graph[conv2.inputs[0]].kernel == conv2.kernel);
  int64_t weight_gradients = 0;
  for (const Node& node : graph.nodes) {
    if (node.op != Op::conv2d_weight_grad || node.layer != "conv2") continue;
    ++weight_gradients;
    CHECK(with(node, Op::relu) == 1);
  }
  CHECK(weight_gradients == 1);
}

TEST_CASE("a convolution whose input is added to its result does not overwrite it") {
  test::ModelBuilder m;
  ValueId x = m.input("x", DType::f32, {kBatch, 16, 9, 9});
  for (const std::string name : {"a", "b"}) {
    const ValueId y =
        m.op(Op::conv2d, {x, m.tensor(name + ".weight", {16, 16, 3, 3})}, {{"pad", int64_t{1}}}, name);
    x = m.op(Op::relu, {m.op(Op::add, {y, x}, {}, name + ".sum")}, {}, name + ".relu");
  }
  m.output("y", m.op(Op::global_avg_pool, {x}, {}, "y"));
  m.module.predict = "y";
  derive_entries(m.module);
  for (const bool winograd : {true, false}) {
    const TargetInfo target{64, 32, true, winograd};
    Module lowered = m.module;
    loops::Program program = lower(lowered, target);
    for (loops::EntryProgram& entry : program.entries) plan_memory(entry);
    const Tensors tensors = test::random_tensors(m.module, 7);
    const Tensors inputs = test::random_inputs(m.module, *m.module.find_entry("infer"), 3, 8);
    loops::RunOptions options;
    options.order = loops::TaskOrder::shuffled;
    options.planned = true;
    const Tensors result = test::run_program(lowered, program, "infer", 3, inputs, tensors, options);
    const Tensors expected = test::evaluate(m.module, "infer", 3, inputs, tensors);
    CHECK(test::relative_error(result, expected, nullptr, 1e-2) < 1e-4);
  }
}

}  // namespace rnc
