// The tasks of direct convolutions, and what their kernels ask for ahead.
#include "passes/lower/conv/direct/task_order.h"

#include <doctest/doctest.h>

#include "ir/loops/loops.h"
#include "passes/lower/lower_to_loops.h"
#include "passes/passes.h"
#include "tests/support/model_builder.h"

namespace rnc {
namespace {

const TargetInfo kTarget{64, 32, true, 48 << 10, 1 << 20, {{"", ConvAlgorithm::direct}}};

DirectConv square_conv(int64_t channels, int64_t outputs, int64_t size, int64_t kernel, int64_t stride) {
  GridAxis axis;
  axis.grid = size / stride;
  axis.in = size;
  axis.step = stride;
  axis.first = -(kernel / 2);
  axis.taps = kernel;
  DirectConv conv;
  conv.in_channels = channels;
  conv.out_channels = outputs;
  conv.in_h = conv.in_w = size;
  conv.out_h = conv.out_w = axis.grid;
  conv.kernel_w = kernel;
  conv.kernel_taps = kernel * kernel;
  conv.grids = {{axis, axis}};
  conv.vectors = 2;
  conv.in_blocks = channels / 16;
  return conv;
}

std::string loops_of(int64_t channels, int64_t size, int64_t kernel, int64_t stride) {
  test::ModelBuilder m("conv");
  const ValueId x = m.input("x", DType::f32, {kBatch, channels, size, size});
  m.output("y", m.conv("y", x, 64, kernel, stride, kernel / 2));
  choose_algorithm(m.module, kTarget);
  choose_layout(m.module, kTarget);
  fuse(m.module);
  return loops::print(lower_to_loops(m.module, kTarget));
}

}  // namespace

TEST_CASE("tasks of a direct convolution: whichever order brings fewer bytes into the cache") {
  // All weights stay: panel after panel of some rows.
  const TaskOrder rows = choose_task_order(square_conv(64, 64, 56, 3, 1), kTarget);
  CHECK(rows.image_major);
  CHECK(rows.rows == 3);
  // One panel of a 1x1 kernel leaves room for the whole image, all of them do not.
  const TaskOrder image = choose_task_order(square_conv(512, 1024, 14, 1, 1), kTarget);
  CHECK(image.image_major);
  CHECK(image.rows == 14);
  // Of these pixels only a quarter is read.
  const TaskOrder strided = choose_task_order(square_conv(512, 1024, 28, 1, 2), kTarget);
  CHECK(strided.image_major);
  CHECK(strided.rows == 14);
  // Here a panel's weights and the image are more than the cache, so the image comes for every panel.
  const TaskOrder panels = choose_task_order(square_conv(256, 256, 28, 3, 2), kTarget);
  CHECK(!panels.image_major);
  CHECK(panels.rows == 3);
}

TEST_CASE("a direct kernel asks for the rows that the tiles below it read, once") {
  const auto prefetches = [](const std::string& text) {
    std::string found;
    for (size_t at = text.find("prefetch x"); at != std::string::npos; at = text.find("prefetch x", at + 1)) {
      found += text.substr(at, text.find('\n', at) - at) + "\n";
    }
    return found;
  };
  // Two new rows, of which two taps read all pixels; the third reads those of the first again.
  CHECK(prefetches(loops_of(32, 28, 3, 2)) ==
        "prefetch x[rest, cb, ih + 2, p_1 * 2 + -1, 0]\nprefetch x[rest, cb, ih + 2, p_3 * 2, 0]\n");
  CHECK(prefetches(loops_of(32, 14, 3, 1)) == "prefetch x[rest, cb, ih + 1, p_1 + -1, 0]\n");
  CHECK(prefetches(loops_of(3, 14, 3, 1)) == "");
}

}  // namespace rnc
