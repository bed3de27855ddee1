#include <doctest/doctest.h>

#include "ir/loops/program.h"

using namespace rnc::loops;

TEST_CASE("the text of a program") {
  const auto x =
      std::make_shared<Memory>(Memory{"x", Scalar::f32, {Extent{0, 2}}, Space::parameter, Access::read});
  const auto y =
      std::make_shared<Memory>(Memory{"y", Scalar::f32, {Extent{0, 2}}, Space::parameter, Access::write});
  Program program;
  program.kernels.push_back({"copy", {x, y}, Extent{0, 2}, store(y, {task()}, load(x, {task()})), {}, 64});
  program.constants = {{1, 2, 3, 4}};
  EntryProgram& entry = program.entries.emplace_back();
  entry.name = "infer";
  entry.role = rnc::EntryRole::inference;
  entry.inputs.push_back(
      {.op = rnc::Op::input, .name = "image", .type = {rnc::DType::f32, {rnc::kBatch, 2}, {}}});
  entry.outputs = {{"result", {rnc::DType::f32, {rnc::kBatch, 2}, {}}}};
  entry.buffers = {{"image", Region::input, 0, {0, 8}, {}},
                   {"between", Region::arena, -1, {0, 8}, {64, 0}},
                   {"result", Region::output, 0, {0, 8}, {}},
                   {"table", Region::constant, 0, {4, 0}, {}},
                   {"weight", Region::tensor, 3, {16, 0}, {}}};
  entry.arena[0] = {64, 8};
  entry.calls.push_back({.kernel = 0, .label = "conv1", .arguments = {0, 1}});
  entry.calls.push_back(
      {.kernel = 0, .label = "conv2", .arguments = {1, 2}, .work = {{}, {}, "direct", "forward"}});
  CHECK(print(program) ==
        "entry infer {\n"
        "  input image : f32[N, 2]\n"
        "  output result : f32[N, 2]\n"
        "  buffer image : 8 * N bytes, input image\n"
        "  buffer between : 8 * N bytes, arena at 64\n"
        "  buffer result : 8 * N bytes, output result\n"
        "  buffer table : 4 bytes, constant 0 of 4 bytes\n"
        "  buffer weight : 16 bytes, tensor 3\n"
        "  arena 64 + 8 * N bytes\n"
        "  copy(image, between) for \"conv1\"\n"
        "  copy(between, result) for \"conv2\", forward, by \"direct\"\n"
        "}\n"
        "\n" +
            print(program.kernels[0]) +
            "\n"
            "constant 0 of 4 bytes [\n"
            "  \"01020304\"]\n");
}
