// Every rule of the verifiers, broken in turn.
#include <doctest/doctest.h>

#include "ir/loops/program.h"
#include "tests/unit/ir/loops_support.h"

using namespace rnc::loops;

namespace {

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
  CHECK(rule({alloc(tmp, {for_loop("p", task(), min(batch(), 100), 1, {store(tmp, {p}, one)})})}) == "");
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

TEST_CASE("accesses are bounded") {
  CHECK(rule({copy(64, 0)}) == "out is not bounded: index 64 of dimension 1");
  CHECK(rule({copy(0, -1)}) == "in is not bounded: index -1 of dimension 1");
  CHECK(rule({for_loop("p", 0, 8, 1, {copy(0, p + 57)})}) ==
        "in is not bounded: index p + 57 of dimension 1");
  CHECK(rule({store(out, {task() + 1, 0}, one)}) == "out is not bounded: index task + 1 of dimension 0");
  CHECK(rule({store(out, {task() - 1, 0}, one)}) == "out is not bounded: index task - 1 of dimension 0");
  CHECK(rule({alloc(acc, {store(acc, {4, 0}, one)})}) == "acc is not bounded: index 4 of dimension 0");
  CHECK(rule({alloc(tmp, {for_loop("p", task(), batch(), 1, {store(tmp, {p}, one)})})}) ==
        "tmp is not bounded: index p of dimension 0");
  // Nothing is known of what is loaded.
  const MemoryRef table = memory("table", {{1, 0}}, Space::parameter, Access::read, Scalar::i32);
  const auto looked_up = [&](const Expr& at) {
    return broken_rule(kernel({let("p", at, {copy(0, p)})}, {in, out, table}));
  };
  const Expr loaded = cast(load(table, {0}), Scalar::i64);
  CHECK(looked_up(loaded) == "in is not bounded: index p of dimension 1");
  CHECK(looked_up(max(0, min(loaded, 63))) == "");
  CHECK(rule({prefetch(in, {task() + 1, 100})}) == "");
}

TEST_CASE("vectors are bounded as far as they are valid") {
  const auto wide = [](Expr at, Expr valid) {
    return store(out, {task(), 0}, load(in, {task(), std::move(at)}, 32, 1, std::move(valid)), 1);
  };
  CHECK(rule({wide(32, {})}) == "");
  CHECK(rule({wide(33, {})}) == "in is not bounded: index 33 of dimension 1");
  CHECK(rule({wide(33, 31)}) == "");
  const auto tail = [&](int64_t end, const Expr& at, const Expr& valid) {
    return rule({for_loop("p", 0, end, 24, {wide(at, valid)})});
  };
  CHECK(tail(64, p, 64 - p) == "");
  CHECK(tail(80, p, 64 - p) == "");  // no lane is valid beyond
  CHECK(tail(64, p, min(32, max(0, 64 - p))) == "");
  CHECK(tail(64, p, select(less(p, 40), Expr(16), Expr(0))) == "");
  CHECK(tail(64, p, {}) == "in is not bounded: index p of dimension 1");
  CHECK(tail(64, p, 65 - p) == "in is not bounded: index p of dimension 1");
  CHECK(tail(64, p + 1, 64 - p) == "in is not bounded: index p + 1 of dimension 1");
  CHECK(tail(64, p - 1, 64 - p) == "in is not bounded: index p - 1 of dimension 1");
  CHECK(tail(64, p, select(less(p, 60), Expr(17), Expr(0))) == "in is not bounded: index p of dimension 1");
  CHECK(tail(64, p, select(less(p, 40), Expr(16), Expr(32))) == "in is not bounded: index p of dimension 1");
}

TEST_CASE("conditions bound what runs under them") {
  const Expr at = task() - 3;
  const auto inside = [&](const Expr& low, const Expr& high) {
    return binary(Binary::logic_and, less_equal(low, at), less(at, high));
  };
  CHECK(rule({if_then(inside(0, 64), {copy(at, 0)})}) == "");
  CHECK(rule({copy(at, 0)}) == "out is not bounded: index task - 3 of dimension 1");
  CHECK(rule({if_then(inside(-1, 64), {copy(at, 0)})}) ==
        "out is not bounded: index task - 3 of dimension 1");
  CHECK(rule({if_then(inside(0, 65), {copy(at, 0)})}) == "out is not bounded: index task - 3 of dimension 1");
  CHECK(rule({if_then(inside(0, 64), {}, {copy(at, 0)})}) ==
        "out is not bounded: index task - 3 of dimension 1");
  CHECK(rule({if_then(inside(0, 64), {}), copy(at, 0)}) ==
        "out is not bounded: index task - 3 of dimension 1");
  const Expr either = binary(Binary::logic_or, less(at, 0), less_equal(64, at));
  CHECK(rule({if_then(either, {}, {copy(at, 0)})}) == "");
  CHECK(rule({if_then(either, {copy(at, 0)})}) == "out is not bounded: index task - 3 of dimension 1");
  // A condition kept as a number, and as a boolean.
  const Expr kept = variable("kept"), yes = variable("yes", {Scalar::boolean, 1});
  const Stmt if_kept = if_then(binary(Binary::eq, kept, 1), {copy(at, 0)});
  CHECK(rule({let("kept", cast(inside(0, 64), Scalar::i64), {if_kept})}) == "");
  CHECK(rule({let("kept", cast(inside(0, 65), Scalar::i64), {if_kept})}) ==
        "out is not bounded: index task - 3 of dimension 1");
  CHECK(rule({let("yes", inside(0, 64), {if_then(yes, {copy(at, 0)})})}) == "");
  // What a condition says of a quotient holds no longer after it.
  const Stmt divided = copy(at / 8 % 64, 0);
  CHECK(rule({if_then(less_equal(0, at), {divided})}) == "");
  CHECK(rule({if_then(less_equal(0, at), {divided}), divided}) ==
        "out is not bounded: index (task - 3) / 8 % 64 of dimension 1");
  // Code that never runs touches nothing.
  CHECK(rule({if_then(less(task(), 0), {copy(64, 0)})}) == "");
  CHECK(rule({for_loop("p", 8, 8, 1, {copy(64, 0)})}) == "");
  CHECK(rule({for_loop("p", 0, batch() - 1, 1, {copy(64, 0)})}) ==
        "out is not bounded: index 64 of dimension 1");
}

// The fused bias of a matrix product with 1000 columns, as it was read past its end.
TEST_CASE("a vector of channels past the last is found") {
  const auto product = [](int64_t columns, bool masked) {
    const MemoryRef channel = memory("channel", {{1008, 0}});
    const MemoryRef to = memory("to", {{0, 1}, {columns, 0}}, Space::parameter, Access::write);
    const Expr j = variable("j"), n = variable("n");
    const Expr valid = min(16, max(0, columns - (j + 16)));
    const Expr bias = load(channel, {j + 16}, 16, 0, masked ? valid : Expr());
    Kernel k = kernel({let("j", task() % 32 * 32,
                           {for_loop("n", 0, batch(), 1, {store(to, {n, j + 16}, bias, 1, valid)})})},
                      {channel, to});
    k.tasks = {32, 0};
    return broken_rule(k);
  };
  CHECK(product(1000, false) == "channel is not bounded: index j + 16 of dimension 0");
  CHECK(product(1000, true) == "");
}

// How lowering divides tasks, and the nearest mistakes.
TEST_CASE("parts of the task are bounded") {
  const MemoryRef x = memory("x", {{0, 1}, {6, 0}, {10, 0}}),
                  sums = memory("sums", {{0, 12}}, Space::parameter, Access::update);
  const auto with_tasks = [&](Extent tasks, const Stmt& body) {
    Kernel k = kernel({body}, {x, sums});
    k.tasks = tasks;
    return broken_rule(k);
  };
  const Expr q = variable("q");
  const auto at = [&](const Expr& n, const Expr& panel, const Expr& row) {
    return store(sums, {task()}, load(x, {n, panel, row}));
  };
  const Expr per_panel = batch() * 2, rest = task() % per_panel;
  CHECK(with_tasks({0, 12}, at(rest / 2, task() / per_panel, 0)) == "");
  CHECK(with_tasks({0, 12}, at(task() / 12, task() % 6, task() / 6 % 2)) == "");
  CHECK(with_tasks({0, 12}, at(rest, task() / per_panel, 0)) ==
        "x is not bounded: index task % (N * 2) of dimension 0");
  CHECK(with_tasks({0, 14}, store(sums, {0}, load(x, {rest / 2, task() / per_panel, 0}))) ==
        "x is not bounded: index task / (N * 2) of dimension 1");
  CHECK(with_tasks({0, 12}, store(sums, {task() / per_panel * per_panel + rest}, one)) == "");
  CHECK(with_tasks({0, 12}, store(sums, {task() / per_panel * per_panel + rest + 1}, one)) ==
        "sums is not bounded: index task / (N * 2) * (N * 2) + task % (N * 2) + 1 of dimension 0");
  // A part of the batch.
  const auto part = [&](int64_t parts, const Expr& end) {
    const Stmt sum = store(sums, {q}, load(x, {q, task(), 0}));
    return with_tasks({parts, 0}, for_loop("q", task() * batch() / 6, end, 1, {sum}));
  };
  CHECK(part(6, (task() + 1) * batch() / 6) == "");
  CHECK(part(6, (task() + 2) * batch() / 6) == "x is not bounded: index q of dimension 0");
  CHECK(part(6, (task() + 1) * batch() / 5) == "x is not bounded: index q of dimension 0");
  CHECK(part(7, (task() + 1) * batch() / 6) == "x is not bounded: index q of dimension 0");
  // Tiles of 4 rows, then the others one by one.
  const Expr r = variable("r"), full = batch() / 4 * 4;
  const auto tiles = [&](const Expr& begin, const Expr& end, const Expr& row) {
    return with_tasks({6, 0},
                      for_loop("q", begin, end, 4,
                               {unrolled("r", 0, 4, 1, {store(sums, {task()}, load(x, {row, 0, 0}))})}));
  };
  CHECK(tiles(0, full, q + r) == "");
  CHECK(tiles(0, full, q + r + 1) == "x is not bounded: index q + r + 1 of dimension 0");
  CHECK(tiles(1, full, q + r) == "x is not bounded: index q + r of dimension 0");
  CHECK(tiles(0, batch(), q + r) == "x is not bounded: index q + r of dimension 0");
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

TEST_CASE("a pitch") {
  Memory wide = *in;
  wide.pitch = 63;
  CHECK(broken_rule(kernel({}, {std::make_shared<const Memory>(wide)})) ==
        "the pitch of in is 63, less than an image's 64");
  wide.pitch = 64;
  CHECK(broken_rule(kernel({}, {std::make_shared<const Memory>(wide)})) == "");
  Memory tile = *acc;
  tile.pitch = 16;
  CHECK(broken_rule(kernel({alloc(std::make_shared<const Memory>(tile), {})})) == "acc has a pitch");
}
