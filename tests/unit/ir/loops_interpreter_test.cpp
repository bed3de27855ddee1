// The loop interpreter: what each operation gives, and each fault it finds.
#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <numeric>

#include "ir/loops/interpreter.h"
#include "tests/unit/ir/loops_support.h"

using namespace rnc::loops;

namespace {

// Not a valid one: the verifier would find what it does wrong.
Kernel faulty(std::vector<MemoryRef> params, Extent tasks, std::vector<Stmt> body) {
  return {.name = "k", .params = std::move(params), .tasks = tasks, .body = block(std::move(body))};
}
Kernel kernel(std::vector<MemoryRef> params, Extent tasks, std::vector<Stmt> body) {
  Kernel kernel = faulty(std::move(params), tasks, std::move(body));
  CHECK(broken_rule(kernel) == "");
  return kernel;
}

template <class... Arrays>
std::string fault(const Kernel& kernel, int64_t batch, const RunOptions& options, Arrays&... arrays) {
  try {
    run(kernel, batch, std::array<void*, sizeof...(arrays)>{arrays.data()...}, options);
  } catch (const Fault& f) {
    return f.what();
  }
  return "";
}

// The value of an expression of `lanes` lanes.
template <class T>
std::vector<T> evaluate(Scalar scalar, int lanes, const Expr& value) {
  const MemoryRef out = memory("out", {{lanes, 0}}, Space::parameter, Access::write, scalar);
  std::vector<T> result(static_cast<size_t>(lanes));
  CHECK(fault(kernel({out}, {1, 0}, {store(out, {0}, value, 0)}), 1, {}, result) == "");
  return result;
}
std::vector<float> floats(const Expr& value) {
  return evaluate<float>(Scalar::f32, value->type.lanes, value);
}
float real(const Expr& value) { return floats(value)[0]; }
int64_t integer(const Expr& value) { return evaluate<int64_t>(Scalar::i64, 1, value)[0]; }
Expr f32(double value) { return constant(Scalar::f32, value); }
// Zero, but not to the constructors.
const Expr zero = task();

constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

}  // namespace

TEST_CASE("arithmetic on floats is done in the operands' type") {
  const float tenth = 0.1F, third = 1.0F / 3.0F;
  CHECK(real(f32(tenth) + f32(third)) == tenth + third);
  CHECK(real(f32(tenth) - f32(third)) == tenth - third);
  CHECK(real(f32(tenth) * f32(third)) == tenth * third);
  CHECK(real(f32(tenth) / f32(third)) == tenth / third);
  const Expr wide = constant(Scalar::f64, 0.1) + constant(Scalar::f64, 0.2);
  CHECK(evaluate<double>(Scalar::f64, 1, wide)[0] == 0.1 + 0.2);
  CHECK(real(unary(Unary::neg, f32(0))) == 0);
  CHECK(std::signbit(real(unary(Unary::neg, f32(0)))));
  CHECK(real(unary(Unary::sqrt, f32(2))) == std::sqrt(2.0F));
  CHECK(real(unary(Unary::exp, f32(1))) == std::exp(1.0F));
  CHECK(real(unary(Unary::log, f32(3))) == std::log(3.0F));
  CHECK(real(unary(Unary::floor, f32(-1.5))) == -2);
  CHECK(real(min(f32(1), f32(2))) == 1);
  CHECK(real(max(f32(1), f32(2))) == 2);
}

TEST_CASE("fma rounds once") {
  const float a = 1 + 0x1p-23F;
  CHECK(real(fma(f32(a), f32(a), f32(-1 - 0x1p-22))) == 0x1p-46F);
}

TEST_CASE("integers, comparisons and logic") {
  CHECK(integer((zero + 7) / 2) == 3);
  CHECK(integer((zero + 7) % 4) == 3);
  CHECK(integer(unary(Unary::neg, zero + 7)) == -7);
  CHECK(integer(zero - 7) == -7);
  CHECK(integer(min(zero + 7, 3)) == 3);
  CHECK(integer(max(zero + 7, 3)) == 7);
  const auto truth = [](const Expr& condition) { return integer(select(condition, 1, 0)) == 1; };
  CHECK(truth(less(zero, 1)));
  CHECK_FALSE(truth(less(zero, 0)));
  CHECK(truth(less_equal(zero, 0)));
  CHECK(truth(binary(Binary::eq, zero, 0)));
  CHECK_FALSE(truth(binary(Binary::ne, zero, 0)));
  CHECK(truth(binary(Binary::logic_or, less(zero, 0), less_equal(zero, 0))));
  CHECK_FALSE(truth(binary(Binary::logic_and, less(zero, 0), less_equal(zero, 0))));
  // Comparisons with NaN are false, but for ne.
  for (const Binary op : {Binary::lt, Binary::le, Binary::eq})
    CHECK_FALSE(truth(binary(op, f32(kNan), f32(1))));
  CHECK(truth(binary(Binary::ne, f32(kNan), f32(kNan))));
}

TEST_CASE("casts") {
  const Expr seven = zero + 7;
  CHECK(real(cast(seven, Scalar::f32)) == 7);
  CHECK(integer(cast(cast(seven, Scalar::f32) / f32(2), Scalar::i64)) == 3);
  CHECK(integer(cast(unary(Unary::neg, cast(seven, Scalar::f32) / f32(2)), Scalar::i64)) == -3);
  CHECK(evaluate<uint8_t>(Scalar::u8, 1, cast(zero + 300, Scalar::u8))[0] == 44);
  CHECK(evaluate<int32_t>(Scalar::i32, 1, cast(zero - 1, Scalar::i32))[0] == -1);
  CHECK(real(cast(cast(seven, Scalar::f64) / constant(Scalar::f64, 3), Scalar::f32)) == 7.0F / 3);
  const MemoryRef out = memory("out", {}, Space::parameter, Access::write, Scalar::u8);
  std::array<uint8_t, 1> byte{};
  const auto cast_fault = [&](const Expr& value) {
    return fault(kernel({out}, {1, 0}, {store(out, {}, cast(value, Scalar::u8))}), 1, {}, byte);
  };
  CHECK(cast_fault(f32(255.5) + f32(0)) == "");
  CHECK(byte[0] == 255);
  CHECK(cast_fault(f32(256) + f32(0)) ==
        "kernel k, batch 1, task 0: 256 does not fit the integer it is cast to");
  CHECK(cast_fault(f32(kNan) + f32(0)) ==
        "kernel k, batch 1, task 0: nan does not fit the integer it is cast to");
}

TEST_CASE("vectors") {
  CHECK(floats(broadcast(f32(2) + f32(1), 4)) == std::vector<float>{3, 3, 3, 3});
  const MemoryRef four = memory("four", {{4, 0}}),
                  pairs = memory("pairs", {{4, 0}}, Space::parameter, Access::write);
  std::array<float, 4> from{1, 2, 3, 4}, to{};
  const Expr spread_pairs = spread(load(four, {0}, 4, 0), 2, 1);
  CHECK(fault(kernel({four, pairs}, {1, 0}, {store(pairs, {0}, spread_pairs, 0)}), 1, {}, from, to) == "");
  CHECK(to == std::array<float, 4>{2, 2, 4, 4});
  const Expr v4 = load(four, {0}, 4, 0);
  for (const auto& [half, lanes] : {std::pair{0, std::array<float, 4>{1, 2, 2, 4}}, {1, {3, 6, 4, 8}}}) {
    const Stmt both = store(pairs, {0}, interleave(v4, v4 + v4, half), 0);
    CHECK(fault(kernel({four, pairs}, {1, 0}, {both}), 1, {}, from, to) == "");
    CHECK(to == lanes);
  }
  for (const int count : {-1, 0, 3, 5}) {
    const Stmt masked = store(pairs, {0}, mask(v4, task() + count), 0);
    CHECK(fault(kernel({four, pairs}, {1, 0}, {masked}), 1, {}, from, to) == "");
    for (int lane = 0; lane < 4; ++lane)
      CHECK(to[static_cast<size_t>(lane)] == (lane < count ? from[static_cast<size_t>(lane)] : 0));
  }
  const MemoryRef in = memory("in", {{8, 0}}), sum = memory("sum", {{2, 0}}, Space::parameter, Access::write);
  const Expr v = load(in, {0}, 8, 0);
  const Kernel k = kernel({in, sum}, {1, 0},
                          {store(sum, {0}, reduce(Reduce::add, v)), store(sum, {1}, reduce(Reduce::max, v))});
  // Only halves added lane-wise give 4: 2^24 + 1 is 2^24.
  std::array<float, 8> data{0x1p24F, 1, 1, 1, -0x1p24F, 1, 0, 0};
  std::array<float, 2> result{};
  CHECK(fault(k, 1, {}, data, result) == "");
  CHECK(result[0] == 4);
  CHECK(result[1] == 0x1p24F);
}

TEST_CASE("vector accesses run along their dimension, as far as they are valid") {
  const MemoryRef in = memory("in", {{4, 0}, {3, 0}}),
                  out = memory("out", {{4, 0}}, Space::parameter, Access::update);
  std::array<float, 12> data{};
  std::iota(data.begin(), data.end(), 0);
  std::array<float, 4> result{-1, -1, -1, -1};
  const auto copy = [&](const Expr& valid_in, const Expr& valid_out) {
    const Expr column = load(in, {0, 1}, 4, 0, valid_in);
    return fault(kernel({in, out}, {1, 0}, {store(out, {0}, column, 0, valid_out)}), 4, {}, data, result);
  };
  CHECK(copy(zero + 2, zero + 3) == "");
  CHECK(result == std::array<float, 4>{1, 4, 0, -1});
  CHECK(copy({}, {}) == "");
  CHECK(result == std::array<float, 4>{1, 4, 7, 10});
  CHECK(copy(zero - 1, zero + 9) == "");
  CHECK(result == std::array<float, 4>{0, 0, 0, 0});
}

TEST_CASE("statements") {
  // out[i] = sum of j in 0..i step 2 of j, or -1 where i is 3
  const MemoryRef out = memory("out", {{0, 1}}, Space::parameter, Access::write);
  const MemoryRef acc = memory("acc", {}, Space::registers, Access::update);
  const Expr j = variable("j");
  const Kernel k = kernel(
      {out}, {0, 1},
      {if_then(
          binary(Binary::eq, task(), 3), {store(out, {task()}, f32(-1))},
          {alloc(acc, {store(acc, {}, f32(0)),
                       for_loop("j", 0, task(), 2,
                                {let("x", cast(j, Scalar::f32),
                                     {store(acc, {}, load(acc, {}) + variable("x", {Scalar::f32, 1}))})}),
                       store(out, {task()}, load(acc, {})), prefetch(out, {task() + 100})})})});
  std::array<float, 6> result{};
  for (const TaskOrder order : {TaskOrder::forward, TaskOrder::reverse, TaskOrder::shuffled}) {
    result.fill(7);
    CHECK(fault(k, 6, {.order = order}, result) == "");
    CHECK(result == std::array<float, 6>{0, 0, 0, -1, 2, 6});
  }
}

TEST_CASE("scratch is undefined at the start of each task") {
  const MemoryRef out = memory("out", {{0, 1}}, Space::parameter, Access::write);
  const MemoryRef tmp = memory("tmp", {{2, 0}}, Space::scratch, Access::update);
  const Kernel k =
      kernel({out}, {0, 1}, {alloc(tmp, {store(out, {task()}, load(tmp, {0})), store(tmp, {0}, f32(1))})});
  std::array<float, 2> result{};
  CHECK(fault(k, 2, {}, result) == "");
  CHECK(std::isnan(result[0]));
  CHECK(std::isnan(result[1]));
}

TEST_CASE("an access outside names the place") {
  const MemoryRef in = memory("in", {{0, 1}, {3, 0}}),
                  out = memory("out", {{0, 1}, {16, 0}}, Space::parameter, Access::update);
  std::array<float, 64> data{};
  const auto at = [&](std::vector<Expr> from) {
    return fault(faulty({in, out}, {0, 1}, {store(out, {task(), 0}, load(in, std::move(from)))}), 2, {}, data,
                 data);
  };
  CHECK(at({task() + 1, 0}) == "kernel k, batch 2, task 1: in[2, 0] is outside f32[2, 3]");
  CHECK(at({0, task() * 3}) == "kernel k, batch 2, task 1: in[0, 3] is outside f32[2, 3]");
  CHECK(at({0, task() - 1}) == "kernel k, batch 2, task 0: in[0, -1] is outside f32[2, 3]");
  CHECK(at({0, (task() + 1) / task()}) == "kernel k, batch 2, task 0: integer division of 1 by 0");
  const Stmt wide = store(out, {0, task() * 9}, constant(Scalar::f32, 1, 8), 1);
  CHECK(fault(faulty({in, out}, {0, 1}, {wide}), 2, {}, data, data) ==
        "kernel k, batch 2, task 1: out[0, 9:+8] is outside f32[2, 16]");
}

TEST_CASE("tasks that depend on each other are found") {
  const MemoryRef out = memory("out", {{4, 0}}, Space::parameter, Access::write),
                  both = memory("both", {{4, 0}}, Space::parameter, Access::update);
  const auto set = [](const MemoryRef& m, const Expr& at) { return store(m, {at}, f32(1)); };
  const auto get = [](const MemoryRef& m, const Expr& at) { return store(m, {task()}, load(m, {at})); };
  std::array<float, 4> data{};
  const auto found = [&](const MemoryRef& m, std::vector<Stmt> body, RunOptions options = {}) {
    return fault(kernel({m}, {4, 0}, std::move(body)), 1, options, data);
  };
  CHECK(found(out, {set(out, task())}) == "");
  CHECK(found(both, {set(both, task() / 2)}) ==
        "kernel k, batch 1, task 1: stores element 0 of both, which task 0 stores too");
  CHECK(found(both, {set(both, task() / 2)}, {.track = false}) == "");
  CHECK(found(both, {get(both, 0)}) ==
        "kernel k, batch 1, task 1: reads element 0 of both, which task 0 stores");
  CHECK(found(both, {get(both, 3)}) ==
        "kernel k, batch 1, task 3: stores element 3 of both, which other tasks read");
  CHECK(found(both, {get(both, (task() * 2 + 1) % 4)}) ==
        "kernel k, batch 1, task 1: stores element 1 of both, which task 0 reads");
  CHECK(found(out, {get(out, task())}) ==
        "kernel k, batch 1, task 0: reads element 0 of out before it is stored");
  CHECK(found(out, {if_then(less(task(), 2), {set(out, task())})}) ==
        "kernel k, batch 1: element 2 of out is never stored");
}

TEST_CASE("a pitch leaves what lies beside alone") {
  const MemoryRef part = std::make_shared<const Memory>(
      Memory{"part", Scalar::f32, {{0, 1}, {2, 0}}, Space::parameter, Access::write, 4});
  const auto set = [&](int64_t place) { return store(part, {task(), place}, cast(task() + 1, Scalar::f32)); };
  std::array<float, 8> data{};
  CHECK(fault(kernel({part}, {0, 1}, {set(0), set(1)}), 2, {}, data) == "");
  CHECK(data == std::array<float, 8>{1, 1, 0, 0, 2, 2, 0, 0});
  CHECK(fault(kernel({part}, {0, 1}, {set(0)}), 2, {}, data) ==
        "kernel k, batch 2: element 1 of part is never stored");
}

TEST_CASE("an entry's calls run in order, on their own or planned memory") {
  const MemoryRef in = memory("in", {{0, 1}}), out = memory("out", {{0, 1}}, Space::parameter, Access::write);
  const MemoryRef w = memory("w", {}, Space::parameter, Access::read);
  Program program;
  program.kernels = {
      kernel({in, w, out}, {0, 1}, {store(out, {task()}, load(in, {task()}) + load(w, {}))}),
  };
  program.constants = {std::vector<uint8_t>(4)};
  const float two = 2;
  std::copy_n(reinterpret_cast<const uint8_t*>(&two), 4, program.constants[0].begin());
  const rnc::Type number{rnc::DType::f32, {rnc::kBatch}, {}};
  EntryProgram entry{.name = "infer", .inputs = {{.type = number}}, .outputs = {{"y", number}}};
  entry.buffers = {{"x", Region::input, 0, {0, 4}},
                   {"w", Region::tensor, 0, {4, 0}},
                   {"c", Region::constant, 0, {4, 0}},
                   {"%1", Region::arena, -1, {0, 4}, {0, 0}},
                   {"%2", Region::arena, -1, {0, 4}, {64, 64}},
                   {"y", Region::output, 0, {0, 4}}};
  entry.calls = {{.kernel = 0, .label = "a", .arguments = {0, 1, 3}},
                 {.kernel = 0, .label = "b", .arguments = {3, 2, 4}},
                 {.kernel = 0, .label = "c", .arguments = {4, 2, 5}}};
  entry.arena[0] = {128, 128};
  program.entries = {entry};
  CHECK(broken_rule(program) == "");

  std::array<float, 3> x{1, 2, 3}, y{};
  float weight = 10;
  const std::array<const void*, 1> inputs{x.data()};
  const std::array<void*, 1> outputs{y.data()}, tensors{&weight};
  const EntryMemory memory{inputs, outputs, tensors};
  for (const bool planned : {false, true}) {
    y.fill(0);
    run_entry(program, program.entries[0], 3, memory, {.planned = planned});
    CHECK(y == std::array<float, 3>{15, 16, 17});
  }
  // A plan whose buffers overlap shows in the result.
  program.entries[0].buffers[4].offset = {4, 0};
  run_entry(program, program.entries[0], 3, memory, {.planned = true});
  CHECK(y != std::array<float, 3>{15, 16, 17});

  program.kernels[0] = faulty({in, w, out}, {0, 1}, {store(out, {task()}, load(in, {task() + 1}))});
  CHECK_THROWS_WITH_AS(run_entry(program, entry, 3, memory),
                       "entry infer, a: kernel k, batch 3, task 2: in[3] is outside f32[3]", Fault);
}
