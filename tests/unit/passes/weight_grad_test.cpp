// The direct weight gradient in the loop interpreter, cut in macro-tiles and blocks of pixels, against the
// reference interpreter.
#include <doctest/doctest.h>

#include "passes/lower/conv/direct/macro_tile.h"
#include "passes/lower/lower_to_loops.h"
#include "passes/passes.h"
#include "tests/support/evaluate.h"
#include "tests/support/model_builder.h"
#include "tests/support/random_graph.h"
#include "tests/support/run_program.h"

namespace rnc {
namespace {

struct Case {
  int64_t channels, outputs, height, width, kernel, stride;
};

Module weight_gradient(const Case& c) {
  const int64_t pad = c.kernel / 2;
  const auto result = [&](int64_t size) { return (size + 2 * pad - c.kernel) / c.stride + 1; };
  test::ModelBuilder m("gradient");
  const ValueId dy = m.input("dy", DType::f32, {kBatch, c.outputs, result(c.height), result(c.width)});
  const ValueId x = m.input("x", DType::f32, {kBatch, c.channels, c.height, c.width});
  m.output("dw", m.op(Op::conv2d_weight_grad, {dy, x},
                      {{"stride", c.stride}, {"pad", pad}, {"kernel", c.kernel}}, "dw"));
  return std::move(m.module);
}

Tensors gradient(const Module& model, const TargetInfo& target, int64_t batch, int64_t threads) {
  Module lowered = model;
  choose_algorithm(lowered, target);
  choose_layout(lowered, target);
  fuse(lowered);
  const loops::Program program = lower_to_loops(lowered, target);
  const Tensors inputs = test::random_inputs(model, model.entries[0], batch, 8);
  loops::RunOptions options;
  options.order = loops::TaskOrder::shuffled;
  options.threads = threads;
  return test::run_program(lowered, program, "gradient", batch, inputs, {}, options);
}

double error(const Module& model, const TargetInfo& target, int64_t batch) {
  const Tensors inputs = test::random_inputs(model, model.entries[0], batch, 8);
  const Tensors expected = test::evaluate(model, "gradient", batch, inputs, {});
  return test::relative_error(gradient(model, target, batch, 1), expected);
}

}  // namespace

TEST_CASE(
    "weight gradients by macro-tiles: several blocks of pixels in an image, several images in a block") {
  const Case cases[] = {
      {40, 70, 14, 14, 1, 1}, {33, 48, 20, 13, 1, 1}, {48, 33, 7, 7, 1, 1},   {70, 40, 3, 5, 1, 1},
      {33, 40, 27, 30, 1, 2}, {40, 33, 9, 9, 1, 2},   {20, 36, 28, 26, 3, 2}, {17, 20, 17, 11, 3, 2},
      {3, 20, 23, 21, 7, 2},  {1, 1, 1, 1, 1, 1},     {20, 17, 1, 131, 1, 1},
  };
  for (const Case& c : cases) {
    const Module model = weight_gradient(c);
    for (const int lanes : {16, 8, 4}) {
      // The second-level cache holds everything, a few tiles, less than one.
      for (const int64_t cache : {1 << 20, 64 << 10, 1 << 10}) {
        const TargetInfo target{4 * lanes, lanes == 16 ? 32 : 16,        true, 32 << 10,
                                cache,     {{"", ConvAlgorithm::direct}}};
        const int64_t batch = cache == 1 << 20 ? 5 : lanes == 8 ? 1 : 2;
        CAPTURE(c.channels);
        CAPTURE(c.height);
        CAPTURE(lanes);
        CAPTURE(cache);
        CHECK(error(model, target, batch) < 1e-5);
      }
    }
  }
}

TEST_CASE("however many threads share the panels and blocks of a macro-tile, the bits are the same") {
  const TargetInfo target{64, 32, true, 32 << 10, 1 << 20, {{"", ConvAlgorithm::direct}}};
  for (const Case& c : {Case{40, 70, 14, 14, 1, 1}, Case{100, 33, 9, 9, 3, 1}, Case{3, 70, 23, 21, 7, 2}}) {
    const Module model = weight_gradient(c);
    const Tensors one = gradient(model, target, 3, 1);
    for (const int64_t threads : {12, 20, 64})
      CHECK(test::same_bits(gradient(model, target, 3, threads), one));
  }
}

TEST_CASE("a batch of more images than parts") {
  const TargetInfo target{64, 32, true, 32 << 10, 1 << 20, {{"", ConvAlgorithm::direct}}};
  for (const int64_t batch : {16, 33})
    CHECK(error(weight_gradient({17, 20, 5, 4, 1, 1}), target, batch) < 1e-5);
}

TEST_CASE("macro-tiles are as large as the cache allows, and tasks enough") {
  // 1x1, 1024 to 256 channels at 14x14 in vectors of 16: blocks of 98 pixels.
  const WeightGradSizes sizes{8, 64, 2, 98 * 128, 98 * 64, 2048};
  const MacroTile large = choose_macro_tile(sizes, 768 << 10);
  CHECK(large.panels == 8);
  CHECK(large.blocks == 8);
  CHECK(large.parts == 4);
  const MacroTile small = choose_macro_tile(sizes, 128 << 10);
  CHECK(small.panels * small.blocks < 16);
  CHECK(2 * (small.panels * sizes.panel_pixels + small.blocks * sizes.block_pixels) +
            small.panels * small.blocks * sizes.tile <=
        128 << 10);
  CHECK(small.parts == 1);
  // Even where one tile is more than the cache.
  const MacroTile tiny = choose_macro_tile(sizes, 1 << 10);
  CHECK(tiny.panels == 1);
  CHECK(tiny.blocks == 1);
}

}  // namespace rnc
