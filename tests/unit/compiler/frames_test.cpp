#include "compiler/frames.h"

#include <doctest/doctest.h>

#include "compiler/code.h"
#include "ir/text/text.h"
#include "passes/pipeline.h"

namespace rnc {

TEST_CASE("the report of what did not fit into registers") {
  CHECK(frame_table({{"a", {0, 0, 0, true}}}) ==
        "1 kernels, 0 of them without the machine scheduler: 0 spill vectors in a microkernel, 0 others in "
        "more than 1 % of their instructions\n");
  CHECK(frame_table({{"a", {64, 2, 0.001, true}},
                     {"b", {128, 0, 0.02, false}},
                     {"c", {256, 7, 0.2, false}},
                     {"d", {32, 0, 0.005, true}}}) ==
        "4 kernels, 2 of them without the machine scheduler: 2 spill vectors in a microkernel, 1 others in "
        "more than 1 % of their instructions\n"
        "  c: 7 instructions of microkernels access spilled vectors, frame of 256 bytes, scheduler off\n"
        "  a: 2 instructions of microkernels access spilled vectors, frame of 64 bytes, scheduler on\n");
}

namespace {

// Maps whose rows fill the largest register tiles, which leave one of AVX-512's 32 registers.
constexpr const char* kFullTiles = R"(
model m(image: f32[N, 64, 56, 56], label: i32[N]) {
  a = relu(batch_norm(conv2d(image, 64, kernel = 3, pad = 1)))
  b = relu(batch_norm(conv2d(a, 64, kernel = 3, pad = 1)) + a)
  c = relu(batch_norm(conv2d(b, 256, kernel = 1)))
  d = relu(batch_norm(conv2d(c, 512, kernel = 1, stride = 2)))
  y = linear(flatten(global_avg_pool(d)), 10)
  predict y
  loss cross_entropy(y, label)
  train sgd(momentum = 0.9)
}
)";

}  // namespace

TEST_CASE("microkernels of a network's convolutions spill no vectors") {
  const auto resnet20 = read_source(RNC_SOURCE_DIR "/samples/fashion_resnet20.graph");
  const auto full_tiles = std::make_shared<SourceFile>(SourceFile{"m.graph", kFullTiles});
  for (const auto& [cpu, source] :
       {std::pair{std::string("x86-64-v3"), resnet20}, {"znver5", resnet20}, {"znver4", full_tiles}}) {
    CAPTURE(cpu);
    Compilation c;
    c.module = parse(source);
    const Target target = resolve_target({"x86_64-pc-linux-gnu", cpu, ""});
    c.target = target.info;
    run_passes(c, pipeline());
    std::vector<KernelFrame> frames;
    compile_to_object(LoweredModel{c.module, *c.program, target, 0, false, {}}, &frames);
    CHECK(frames.size() == c.program->kernels.size());
    for (const KernelFrame& kernel : frames) {
      CAPTURE(kernel.kernel);
      CHECK(kernel.frame.microkernel_spills == 0);
    }
  }
}

}  // namespace rnc
