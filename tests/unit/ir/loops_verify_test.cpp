// Every rule of the verifiers, broken in turn.
#include <doctest/doctest.h>

#include "ir/loops/loops.h"
#include "ir/loops/program.h"

using namespace rnc::loops;

namespace {

MemoryRef memory(std::string name, std::vector<Extent> dims, Space space = Space::parameter,
                 Access access = Access::read, Scalar scalar = Scalar::f32) {
  return std::make_shared<const Memory>(Memory{std::move(name), scalar, std::move(dims), space, access});
}

const MemoryRef in = memory("in", {{0, 1}, {64, 0}});
const MemoryRef out = memory("out", {{0, 1}, {64, 0}}, Space::parameter, Access::write);
const MemoryRef acc = memory("acc", {{4, 0}, {16, 0}}, Space::registers);
const MemoryRef tmp = memory("tmp", {{100, 0}}, Space::scratch);
const Expr one = constant(Scalar::f32, 1), p = variable("p");

Kernel kernel(std::vector<Stmt> body, std::vector<MemoryRef> params = {in, out}) {
  return {.name = "k", .params = std::move(params), .tasks = {0, 1}, .body = block(std::move(body))};
}
std::string rule(std::vector<Stmt> body) { return broken_rule(kernel(std::move(body))); }
Stmt copy(Expr to, Expr from) {
  return store(out, {task(), std::move(to)}, load(in, {task(), std::move(from)}));
}

}  // namespace

TEST_CASE("a valid kernel breaks no rule") {
  CHECK(rule({for_loop("p", 0, 64, 1, {copy(p, p)})}) == "");
  CHECK(rule({for_loop("p", 0, 32, 1, {copy(p, p)}), for_loop("p", 32, 64, 1, {copy(p, p)})}) == "");
  CHECK(rule({alloc(acc, {unrolled("p", 0, 4, 1,
                                   {let("q", p * 1 + 0, {store(acc, {variable("q"), p}, one)})})})}) == "");
  CHECK(rule({alloc(tmp, {for_loop("p", task(), batch(), 1, {store(tmp, {p}, one)})})}) == "");
}

TEST_CASE("kernels") {
  Kernel k = kernel({copy(0, 0)});
  k.tasks = {0, 0};
  CHECK(broken_rule(k) == "the kernel has 0 tasks");
  k = kernel({copy(0, 0)});
  k.code_vector_bytes = 48;
  CHECK(broken_rule(k) == "vectors of 48 bytes");
  k = kernel({copy(0, 0)});
  k.name = "";
  CHECK(broken_rule(k) == "the kernel has no name");
  k.name = "k";
  k.body = nullptr;
  CHECK(broken_rule(k) == "the kernel has no body");
}

TEST_CASE("memories") {
  CHECK(broken_rule(kernel({}, {in, memory("in", {})})) == "two memories are called in");
  CHECK(broken_rule(kernel({}, {tmp})) == "parameter tmp is a register tile or scratch");
  CHECK(broken_rule(kernel({}, {nullptr})) == "a parameter is missing");
  CHECK(broken_rule(kernel({}, {memory("m", {{0, 0}})})) == "dimension 0 of m has size 0");
  CHECK(broken_rule(kernel({}, {memory("m", {{2, 0}, {0, 1}})})) == "dimension 1 of m depends on the batch");
  CHECK(broken_rule(kernel({}, {memory("m", {}, Space::parameter, Access::read, Scalar::boolean)})) ==
        "m holds booleans");
  CHECK(rule({alloc(memory("in", {}, Space::scratch), {})}) == "two memories are called in");
  CHECK(rule({store(tmp, {0}, one)}) == "tmp is used where it is not declared");
  CHECK(rule({alloc(tmp, {}), store(tmp, {0}, one)}) == "tmp is used where it is not declared");
  CHECK(rule({prefetch(tmp, {0})}) == "tmp is used where it is not declared");
  CHECK(rule({store(in, {task(), 0}, one)}) == "in is stored to and may only be read");
}

TEST_CASE("variables") {
  CHECK(rule({copy(p, 0)}) == "variable p is used outside its scope");
  CHECK(rule({for_loop("p", 0, 4, 1, {}), copy(0, p)}) == "variable p is used outside its scope");
  CHECK(rule({for_loop("p", 0, 4, 1, {let("p", one, {})})}) == "variable p is bound twice");
  CHECK(rule({let("N", 1, {})}) == "variable N is bound twice");
  CHECK(rule({let("p", one, {copy(p, 0)})}) == "variable p has type f32, used as i64");
}

TEST_CASE("what must be constant once loops are unrolled") {
  CHECK(rule({alloc(acc, {for_loop("p", 0, 4, 1, {store(acc, {p, 0}, one)})})}) ==
        "acc is in registers and indexed by p, which is not constant once loops are unrolled");
  StmtNode loop = *unrolled("p", 0, 4, 1, {});
  loop.end = task();
  CHECK(rule({std::make_shared<const StmtNode>(loop)}) ==
        "loop p is unrolled from 0 to task, which are not constant once loops are unrolled");
}

TEST_CASE("accesses that surely lie outside") {
  CHECK(rule({copy(64, 0)}) == "out is accessed outside: index 64 of dimension 1");
  CHECK(rule({copy(0, -1)}) == "in is accessed outside: index -1 of dimension 1");
  CHECK(rule({for_loop("p", 0, 8, 1, {copy(0, p + 64)})}) ==
        "in is accessed outside: index p + 64 of dimension 1");
  CHECK(rule({for_loop("p", 0, 8, 1, {copy(p * 16, 0 - p * p - 1)})}) ==
        "in is accessed outside: index 0 - p * p - 1 of dimension 1");
  const auto wide = [](Expr at, Expr valid) {
    return store(out, {task(), 0}, load(in, {task(), std::move(at)}, 32, 1, std::move(valid)), 1);
  };
  CHECK(rule({wide(32, {})}) == "");
  CHECK(rule({wide(33, {})}) == "in is accessed outside: index 33 of dimension 1");
  CHECK(rule({wide(33, 31)}) == "");
  // It may not run at all.
  CHECK(rule({if_then(less(task(), 0), {copy(64, 0)})}) == "");
  CHECK(rule({for_loop("p", 0, batch() - 1, 1, {copy(64, 0)})}) == "");
}

TEST_CASE("tasks do not store to the same elements") {
  const Stmt same = store(out, {0, 0}, one);
  CHECK(rule({same}) == "every task stores to the same elements of out");
  CHECK(rule({if_then(less_equal(task(), 0), {same})}) == "");
  CHECK(rule({for_loop("p", task(), task() + 1, 1, {store(out, {p, 0}, one)})}) == "");
  CHECK(rule({let("q", task() / 2, {store(out, {variable("q"), 0}, one)})}) == "");
  Kernel k = kernel({same});
  k.tasks = {1, 0};
  CHECK(broken_rule(k) == "");
}

TEST_CASE("scratch is as large as its deepest nesting") {
  const MemoryRef small = memory("small", {{3, 0}}, Space::scratch);
  const MemoryRef large = memory("large", {{5, 0}, {20, 0}}, Space::scratch, Access::update, Scalar::f64);
  CHECK(scratch_bytes(kernel({alloc(acc, {})})) == 0);
  CHECK(scratch_bytes(kernel({alloc(tmp, {alloc(small, {})})})) == 448 + 64);
  CHECK(scratch_bytes(kernel({alloc(tmp, {alloc(small, {}), alloc(large, {})}), alloc(large, {})})) ==
        448 + 832);
}

namespace {

// out = copy of in, twice: through an arena buffer.
Program program() {
  Program program;
  program.kernels = {kernel({for_loop("p", 0, 64, 1, {copy(p, p)})})};
  EntryProgram entry{.name = "infer", .inputs = {{}}, .outputs = {{}}};
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
