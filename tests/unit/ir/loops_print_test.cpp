// The constructors' folding and the text form.
#include <doctest/doctest.h>

#include <cmath>

#include "tests/unit/ir/loops_support.h"

using namespace rnc::loops;

namespace {

const Expr x = variable("x"), y = variable("y");

}  // namespace

TEST_CASE("integer constants fold") {
  CHECK(print(Expr(3) + 4) == "7");
  CHECK(print(Expr(3) - 4) == "-1");
  CHECK(print(Expr(7) / 2 + Expr(7) % 2 * 10) == "13");
  CHECK(print(min(Expr(3), 4)) == "3");
  CHECK(print(max(Expr(3), 4)) == "4");
  CHECK(print(less(3, 4)) == "true");
  CHECK(print(less_equal(5, 4)) == "false");
  CHECK(print(cast(constant(Scalar::i32, 300), Scalar::u8)) == "u8(44)");
  CHECK(print(cast(constant(Scalar::f32, -2.7), Scalar::i32)) == "i32(-2)");
  CHECK(print(unary(Unary::neg, 5)) == "-5");
}

TEST_CASE("what changes nothing is dropped") {
  CHECK(print(x + 0) == "x");
  CHECK(print(0 + x) == "x");
  CHECK(print(x - 0) == "x");
  CHECK(print(x * 1) == "x");
  CHECK(print(1 * x) == "x");
  CHECK(print(x * 0) == "0");
  CHECK(print(x / 1) == "x");
  CHECK(print(x % 1) == "0");
  CHECK(print(x + 2 + 3) == "x + 5");
  CHECK(print(2 * x) == "x * 2");
  CHECK(print(binary(Binary::logic_and, less(x, y), less(0, 1))) == "x < y");
  CHECK(print(binary(Binary::logic_or, less(1, 0), less(x, y))) == "x < y");
  CHECK(print(select(less(0, 1), x, y)) == "x");
  CHECK(print(broadcast(x, 1)) == "x");
  CHECK(print(cast(x, Scalar::i64)) == "x");
  // Floats are left alone: -0 + 0 is 0, and NaN * 0 is NaN.
  const Expr f = variable("f", {Scalar::f32, 1}), zero = constant(Scalar::f32, 0);
  CHECK(print(f + zero) == "f + f32(0)");
  CHECK(print(f * zero) == "f * f32(0)");
}

TEST_CASE("a text shows how operations group") {
  CHECK(print(x + (y + x)) == "x + (y + x)");
  CHECK(print((x + y) + x) == "x + y + x");
  CHECK(print(x - (y - x)) == "x - (y - x)");
  CHECK(print((x + y) * x) == "(x + y) * x");
  CHECK(print(x * y / x) == "x * y / x");
  CHECK(print(x * (y / x)) == "x * (y / x)");
  CHECK(print(unary(Unary::neg, x + y)) == "-(x + y)");
  CHECK(print(binary(Binary::logic_and, binary(Binary::logic_or, less(x, y), less(y, x)), less(x + 1, y))) ==
        "(x < y or y < x) and x + 1 < y");
  CHECK(print(min(x + y, x)) == "min(x + y, x)");
}

TEST_CASE("constants and vectors") {
  CHECK(print(constant(Scalar::f32, 0.1)) == "f32(0.1)");
  CHECK(print(constant(Scalar::f64, 0.1, 8)) == "f64x8(0.1)");
  CHECK(print(broadcast(constant(Scalar::f32, 2), 16)) == "f32x16(2)");
  CHECK(print(constant(Scalar::f32, -INFINITY)) == "f32(-inf)");
  CHECK(print(constant(Scalar::f32, -0.0)) == "f32(-0)");
  const Expr v = variable("v", {Scalar::f32, 16});
  CHECK(print(reduce(Reduce::add, v)) == "reduce_add(v)");
  CHECK(print(spread(v, 4, 3)) == "spread(v, 4, 3)");
  CHECK(print(spread(v, 1, 0)) == "v");
  CHECK(print(interleave(v, v, 1)) == "interleave(v, v, 1)");
  CHECK(print(mask(v, x + 1)) == "mask(v, x + 1)");
  CHECK(print(mask(v, 16)) == "v");
  CHECK(print(cast(v, Scalar::f64)) == "f64(v)");
  CHECK(print(select(less(v, v), v, v)) == "select(v < v, v, v)");
  const MemoryRef m = memory("m", {{0, 1}, {40, 0}});
  CHECK(print(load(m, {x, y})) == "m[x, y]");
  CHECK(print(load(m, {x, y}, 1, 1)) == "m[x, y]");
  CHECK(print(load(m, {x, y + 1}, 16, 1)) == "m[x, y + 1:+16]");
  CHECK(print(load(m, {x, y}, 16, 1, 40 - y)) == "m[x, y:+16 valid 40 - y]");
  CHECK(print(load(m, {x, y}, 16, 1, 16)) == "m[x, y:+16]");
}

TEST_CASE("a kernel's text") {
  const MemoryRef in = memory("in", {{0, 1}, {64, 0}});
  const MemoryRef out = memory("out", {{0, 1}, {64, 0}}, Space::parameter, Access::write);
  const MemoryRef acc = memory("acc", {{4, 0}, {16, 0}}, Space::registers);
  const Expr p = variable("p"), c = variable("c");
  const auto tile = [&] { return load(acc, {p, 0}, 16, 1); };
  Kernel kernel{.name = "double_64", .tasks = {0, 1}};
  kernel.params = {in, out};
  kernel.body = alloc(
      acc, {unrolled("p", 0, 4, 1, {store(acc, {p, 0}, load(in, {task(), p * 16}, 16, 1), 1)}),
            with_comment(
                for_loop("c", 0, x, 2,
                         {let("v", tile(),
                              {store(acc, {p, 0}, fma(tile(), tile(), variable("v", {Scalar::f32, 16})), 1)}),
                          prefetch(in, {task(), c})}),
                "twice"),
            if_then(less(x, y), {store(out, {task(), 0}, constant(Scalar::f32, 1))},
                    {store(out, {task(), 1}, constant(Scalar::f32, 2))})});
  CHECK(print(kernel) == R"(kernel double_64(
    read in : f32[N, 64],
    write out : f32[N, 64])
    tasks N vector 64 {
  registers acc : f32[4, 16]
  unrolled p in 0..4 {
    acc[p, 0:+16] = in[task, p * 16:+16]
  }
  # twice
  for c in 0..x step 2 {
    {
      let v = acc[p, 0:+16]
      acc[p, 0:+16] = fma(acc[p, 0:+16], acc[p, 0:+16], v)
    }
    prefetch in[task, c]
  }
  if x < y {
    out[task, 0] = f32(1)
  } else {
    out[task, 1] = f32(2)
  }
}
)");
  CHECK(str(Extent{4, 2}) == "4 + 2 * N");
}

TEST_CASE("the example of ir/README.md") {
  const MemoryRef in = memory("in", {{0, 1}, {100, 0}});
  const MemoryRef out = memory("out", {{0, 1}, {100, 0}}, Space::parameter, Access::write);
  const Expr i = variable("i");
  Kernel kernel{.name = "copy_100", .params = {in, out}, .tasks = {0, 1}};
  kernel.body =
      for_loop("i", 0, 100, 16, {store(out, {task(), i}, load(in, {task(), i}, 16, 1, 100 - i), 1, 100 - i)});
  CHECK(broken_rule(kernel) == "");
  CHECK(print(kernel) == R"(kernel copy_100(
    read in : f32[N, 100],
    write out : f32[N, 100])
    tasks N vector 64 {
  for i in 0..100 step 16 {
    out[task, i:+16 valid 100 - i] = in[task, i:+16 valid 100 - i]
  }
}
)");
}
