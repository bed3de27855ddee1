#include "compiler/frames.h"

#include <doctest/doctest.h>

#include "compiler/compile.h"
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

// The largest tiles hold 31 of AVX-512's 32 registers, of which LLVM spills a few between steps.
TEST_CASE("microkernels of a network's convolutions spill no vectors, or hardly any") {
  for (const auto& [cpu, most] : {std::pair<std::string, int64_t>{"x86-64-v3", 0}, {"znver5", 4}}) {
    CAPTURE(cpu);
    Compilation c;
    c.module = parse(read_source(RNC_SOURCE_DIR "/samples/fashion_resnet20.graph"));
    const Target target = resolve_target({"x86_64-pc-linux-gnu", cpu, ""});
    c.target = target.info;
    run_passes(c, pipeline());
    std::vector<KernelFrame> frames;
    compile_to_object(Model{c.module, *c.program, target, 0, false, {}}, &frames);
    CHECK(frames.size() == c.program->kernels.size());
    for (const KernelFrame& kernel : frames) {
      CAPTURE(kernel.kernel);
      CHECK(kernel.frame.microkernel_spills <= most);
    }
  }
}

}  // namespace rnc
