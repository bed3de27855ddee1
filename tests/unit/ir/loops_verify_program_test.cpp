// Every rule of programs (verify_program.cpp) and of planned memory (verify_plan.cpp), broken in turn.
#include <doctest/doctest.h>

#include "ir/loops/program.h"

using namespace rnc::loops;

namespace {

MemoryRef rows(std::string name, Access access, int64_t size = 64, int64_t pitch = 0) {
  return std::make_shared<const Memory>(
      Memory{std::move(name), Scalar::f32, {{0, 1}, {size, 0}}, Space::parameter, access, pitch});
}

Kernel copy_of_rows(const MemoryRef& in, const MemoryRef& out) {
  const Expr p = variable("p");
  const Stmt copy = store(out, {task(), p}, load(in, {task(), p}));
  return {.name = "k",
          .params = {in, out},
          .tasks = {0, 1},
          .body = for_loop("p", 0, out->dims[1].fixed, 1, {copy})};
}

// out = copy of in, twice: through an arena buffer.
Program program() {
  Program program;
  program.kernels = {copy_of_rows(rows("in", Access::read), rows("out", Access::write))};
  const rnc::Type row{rnc::DType::f32, {rnc::kBatch, 64}, {}};
  EntryProgram entry{.name = "infer", .inputs = {{.type = row}}, .outputs = {{"fc", row}}};
  entry.buffers = {{"image", Region::input, 0, {0, 256}},
                   {"%1", Region::arena, -1, {0, 256}},
                   {"fc", Region::output, 0, {0, 256}}};
  entry.calls = {{.kernel = 0, .label = "first", .arguments = {0, 1}, .in_place = {{1, 0}}},
                 {.kernel = 0, .label = "second", .arguments = {1, 2}}};
  program.entries = {entry};
  return program;
}

// The rule broken once `change` is made to the program's entry.
template <class Change>
std::string rule_after(Change change) {
  Program changed = program();
  change(changed.entries[0]);
  return broken_rule(changed);
}

}  // namespace

TEST_CASE("programs") {
  CHECK(broken_rule(program()) == "");
  CHECK(rule_after([](EntryProgram& e) { e.buffers[1].size = {0, 0}; }) == "entry infer: %1 has size 0");
  CHECK(rule_after([](EntryProgram& e) { e.buffers[0].index = 1; }) ==
        "entry infer: image names what does not exist");
  CHECK(rule_after([](EntryProgram& e) { e.buffers.push_back(e.buffers[2]); }) ==
        "entry infer: fc names what another buffer names");
  CHECK(rule_after([](EntryProgram& e) { e.calls[0].kernel = 1; }) ==
        "entry infer: call first has no kernel");
  CHECK(rule_after([](EntryProgram& e) { e.calls[0].arguments = {0}; }) ==
        "entry infer: call first of kernel k: 1 arguments for 2 parameters");
  CHECK(rule_after([](EntryProgram& e) {
          e.calls[0].arguments = {0, 3};
        }) == "entry infer: call first of kernel k: out has no buffer");
  Program extra = program();  // what is stored to comes first
  std::swap(extra.kernels[0].params[0], extra.kernels[0].params[1]);
  extra.entries[0].calls[0].arguments = {1, 3};
  CHECK(broken_rule(extra) == "entry infer: call first of kernel k: in has no buffer");
  CHECK(rule_after([](EntryProgram& e) {
          e.buffers[1].size = {1024, 255};
        }) ==
        "entry infer: call first of kernel k: %1 of 1024 + 255 * N bytes is too small for out of 256 * N");
  CHECK(rule_after([](EntryProgram& e) { std::swap(e.calls[0], e.calls[1]); }) ==
        "entry infer: call second of kernel k: %1 is read before a call stores to it");
  CHECK(rule_after([](EntryProgram& e) {
          e.calls[1].arguments = {1, 0};
        }) == "entry infer: call second of kernel k: image is stored to");
  CHECK(rule_after([](EntryProgram& e) {
          e.calls[1].arguments = {1, 1};
        }) == "entry infer: call second of kernel k: %1 is stored to and given twice");
  CHECK(rule_after([](EntryProgram& e) {
          e.calls[0].in_place = {{0, 1}};
        }) == "entry infer: call first of kernel k: buffers 0 and 1 are not an in-place pair");
  Program constants = program();
  constants.constants = {{1, 2, 3}};
  constants.entries[0].buffers.push_back({"table", Region::constant, 0, {4, 0}});
  CHECK(broken_rule(constants) == "entry infer: table is larger than its constant");
  constants.constants[0].resize(4);
  constants.entries[0].buffers.push_back({"same table", Region::constant, 0, {4, 0}});
  CHECK(broken_rule(constants) == "");
}

TEST_CASE("planned memory") {
  // %1 and %2 are live together in call "second", and %2 takes over the place of %1.
  Program planned = program();
  EntryProgram& entry = planned.entries[0];
  entry.buffers.push_back({"%2", Region::arena, -1, {0, 256}});
  entry.calls[1].arguments = {1, 3};
  entry.calls[1].in_place = {{3, 1}};
  entry.calls.push_back({.kernel = 0, .label = "third", .arguments = {3, 2}});
  entry.arena[0] = {0, 256};
  CHECK(broken_rule(planned) == "");
  const auto rule_at = [&](Extent offset, Extent arena) {
    entry.buffers[3].offset = offset;
    entry.arena[0] = arena;
    return broken_rule(planned);
  };
  CHECK(rule_at({0, 256}, {0, 512}) == "");
  CHECK(rule_at({0, 256}, {0, 511}) == "entry infer: %2 is outside the arena");
  entry.arena[1] = {0, 512};  // inside the second size, then
  CHECK(rule_at({0, 256}, {0, 511}) == "");
  entry.arena[1] = {};
  CHECK(rule_at({-64, 256}, {0, 512}) == "entry infer: %1 and %2 overlap");
  CHECK(rule_at({-64, 0}, {0, 512}) == "entry infer: %2 is outside the arena");
  CHECK(rule_at({32, 256}, {32, 512}) == "entry infer: %2 is not aligned");
  CHECK(rule_at({256, 0}, {512, 512}) == "entry infer: %1 and %2 overlap");  // for batch 1 only they do not
  CHECK(rule_at({0, 192}, {0, 512}) == "entry infer: %1 and %2 overlap");
  entry.calls[2].arguments = {1, 2};
  CHECK(rule_at({0, 0}, {0, 256}) == "entry infer: %1 and %2 overlap");
  entry.calls[2].arguments = {3, 2};
  entry.calls[1].in_place = {};
  CHECK(rule_at({0, 0}, {0, 256}) == "entry infer: %1 and %2 overlap");
}

namespace {

// out = copy of in, through two parts of an arena buffer.
Program program_of_parts() {
  Program parts = program();
  parts.kernels.push_back(copy_of_rows(rows("in", Access::read), rows("half", Access::write, 32, 64)));
  EntryProgram& entry = parts.entries[0];
  entry.buffers.push_back({"left", Region::part, 1, {0, 128}, {0, 256}});
  entry.buffers.push_back({"right", Region::part, 1, {0, 128}, {128, 256}});
  entry.calls = {{.kernel = 1, .label = "left", .arguments = {0, 3}},
                 {.kernel = 1, .label = "right", .arguments = {0, 4}},
                 {.kernel = 0, .label = "all", .arguments = {1, 2}}};
  return parts;
}

template <class Change>
std::string rule_of_parts(Change change) {
  Program changed = program_of_parts();
  change(changed.entries[0]);
  return broken_rule(changed);
}

}  // namespace

TEST_CASE("parts of buffers") {
  CHECK(broken_rule(program_of_parts()) == "");
  CHECK(rule_of_parts([](EntryProgram& e) { e.buffers[3].index = 3; }) ==
        "entry infer: left is a part of no buffer before it");
  CHECK(rule_of_parts([](EntryProgram& e) { e.buffers[4].index = 0; }) ==
        "entry infer: right is a part of image, which does not lie in the arena");
  CHECK(rule_of_parts([](EntryProgram& e) { e.buffers[4].offset.fixed = 192; }) ==
        "entry infer: right is not inside of %1");
  CHECK(rule_of_parts([](EntryProgram& e) {
          e.buffers[1].size = {64, 192};
        }) == "entry infer: left is not inside of %1");
  CHECK(rule_of_parts([](EntryProgram& e) { e.buffers[4].offset.fixed = 96; }) ==
        "entry infer: right is not aligned");
  CHECK(rule_of_parts([](EntryProgram& e) {
          e.buffers[4] = {"right", Region::part, 1, {0, 64}, {128, 192}};
        }) == "entry infer: %1 has images of 256 and of 192 bytes");
  CHECK(rule_of_parts([](EntryProgram& e) {
          e.calls[1].arguments = {0, 1};
        }) == "entry infer: call right of kernel k: %1 of 0 bytes per image is given for half of pitch 64");
  CHECK(rule_of_parts([](EntryProgram& e) {
          e.buffers[1].size = {0, 512};
          e.buffers[3].offset = {0, 512};
          e.buffers[4].offset = {128, 512};
        }) ==
        "entry infer: call left of kernel k: left of 512 bytes per image is given for half of pitch 64");
  // The whole is stored to once all its parts are.
  CHECK(rule_of_parts([](EntryProgram& e) { e.calls.erase(e.calls.begin()); }) ==
        "entry infer: call all of kernel k: %1 is read before a call stores to it");
  CHECK(rule_of_parts([](EntryProgram& e) { std::swap(e.calls[1], e.calls[2]); }) ==
        "entry infer: call all of kernel k: %1 is read before a call stores to it");
  CHECK(rule_of_parts([](EntryProgram& e) {
          e.calls[2].arguments = {1, 1};
        }) == "entry infer: call all of kernel k: %1 is stored to and given twice");
}

TEST_CASE("a whole that has parts goes image by image") {
  Program scalar = program_of_parts();
  const MemoryRef one = std::make_shared<const Memory>(Memory{"one", Scalar::f32, {}});
  const MemoryRef out = rows("out", Access::write);
  scalar.kernels.push_back(
      {.name = "k", .params = {one, out}, .tasks = {0, 1}, .body = store(out, {task(), 0}, load(one, {}))});
  scalar.entries[0].calls[2].kernel = 2;
  CHECK(broken_rule(scalar) ==
        "entry infer: call all of kernel k: %1 has images of 256 bytes, and is given for one of 4");
}

TEST_CASE("a call that is given parts takes over no place") {
  Program planned = program_of_parts();
  EntryProgram& entry = planned.entries[0];
  const MemoryRef all = rows("all", Access::read), half = rows("half", Access::read, 32, 64),
                  out = rows("out", Access::write);
  Kernel both = copy_of_rows(all, out);
  both.params.push_back(half);
  planned.kernels.push_back(both);
  entry.buffers.push_back({"%2", Region::arena, -1, {0, 256}});
  entry.calls[2] = {.kernel = 2, .label = "all", .arguments = {1, 5, 4}, .in_place = {{5, 1}}};
  entry.calls.push_back({.kernel = 0, .label = "last", .arguments = {5, 2}});
  entry.arena[0] = {0, 256};
  CHECK(broken_rule(planned) == "entry infer: %1 and %2 overlap");
  entry.calls[2].kernel = 0;
  entry.calls[2].arguments = {1, 5};
  CHECK(broken_rule(planned) == "");
}
