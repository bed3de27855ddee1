// Every construct of the loop IR, compiled for each CPU this machine can run, against values computed here.
#include <doctest/doctest.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <functional>
#include <limits>

#include "runtime/contract/bfloat16.h"
#include "tests/unit/compiler/compiled.h"

namespace rnc::test {
namespace {

using namespace loops;

MemoryRef array(const std::string& name, Scalar scalar, std::vector<Extent> dims, Access access) {
  return std::make_shared<const Memory>(Memory{name, scalar, std::move(dims), Space::parameter, access});
}

MemoryRef registers(const std::string& name, Scalar scalar, std::vector<Extent> dims) {
  return std::make_shared<const Memory>(
      Memory{name, scalar, std::move(dims), Space::registers, Access::update});
}

MemoryRef scratch(const std::string& name, Scalar scalar, std::vector<Extent> dims) {
  return std::make_shared<const Memory>(
      Memory{name, scalar, std::move(dims), Space::scratch, Access::update});
}

// Elements at batch `batch`.
int64_t elements(const Memory& memory, int64_t batch) {
  int64_t count = 1;
  for (const Extent& dim : memory.dims) count *= dim.at(batch);
  return count;
}

// A program with one entry "run" that calls the kernel once: read parameters are inputs, others outputs.
Program one_call(const Kernel& kernel) {
  Program program;
  program.kernels.push_back(kernel);
  EntryProgram entry;
  entry.name = "run";
  Call call;
  call.kernel = 0;
  call.label = "layer";
  for (const MemoryRef& param : kernel.params) {
    const bool input = param->access == Access::read;
    Buffer buffer;
    buffer.name = param->name;
    buffer.region = input ? Region::input : Region::output;
    buffer.index = static_cast<int>(input ? entry.inputs.size() : entry.outputs.size());
    const Type type{DType::f32, {}, {}};
    if (input) {
      entry.inputs.push_back(
          Node{Op::input, param->name, {}, complete_attributes(info(Op::input), {}, {}), type, {}, {}, -1});
    } else {
      entry.outputs.emplace_back(param->name, type);
    }
    call.arguments.push_back(static_cast<int>(entry.buffers.size()));
    entry.buffers.push_back(buffer);
  }
  entry.calls.push_back(call);
  program.entries.push_back(entry);
  return program;
}

// Arguments of a kernel, in the order of its parameters, filled with zeros.
struct Arguments {
  Arguments(const Kernel& kernel, int64_t batch) {
    for (const MemoryRef& param : kernel.params) {
      memory.push_back(std::make_unique<AlignedMemory>(elements(*param, batch) * bytes(param->scalar)));
    }
  }
  template <class T>
  T* get(size_t i) const {
    return memory[i]->as<T>();
  }
  std::vector<std::unique_ptr<AlignedMemory>> memory;
};

void run(const Kernel& kernel, const Target& target, int64_t batch, const Arguments& arguments) {
  const Module module;
  const Program program = one_call(kernel);
  const Compiled compiled(LoweredModel{module, program, target, 0, false});
  const rn_model_descriptor& model = compiled.descriptor();
  std::vector<const void*> inputs;
  std::vector<void*> outputs;
  for (size_t i = 0; i < kernel.params.size(); ++i) {
    if (kernel.params[i]->access == Access::read) {
      inputs.push_back(arguments.get<void>(i));
    } else {
      outputs.push_back(arguments.get<void>(i));
    }
  }
  const AlignedMemory scratch_memory(model.scratch_bytes_per_worker);
  rn_run call{};
  call.batch = batch;
  call.inputs = inputs.data();
  call.outputs = outputs.data();
  call.scratch = scratch_memory.as<void>();
  call.parallel_for = run_backwards;
  model.entries[0].run(&call);
}

void run(const Kernel& kernel, const std::string& cpu, int64_t batch, const Arguments& arguments) {
  run(kernel, target_of(cpu), batch, arguments);
}

// Those that this machine runs, with the instructions for bf16 where there are any, and without.
std::vector<Target> targets_of_bf16() {
  std::vector<Target> targets;
  for (const std::string& cpu : runnable_cpus()) {
    targets.push_back(target_of(cpu));
    if (target_of(cpu, true).features != targets.back().features) targets.push_back(target_of(cpu, true));
  }
  return targets;
}

Kernel elementwise(const std::string& name, Scalar from, Scalar to, int lanes, int64_t size,
                   const std::function<Expr(Expr)>& f) {
  const MemoryRef x = array("x", from, {{size, 0}}, Access::read);
  const MemoryRef y = array("y", to, {{size, 0}}, Access::write);
  const Expr i = variable("i");
  Kernel kernel;
  kernel.name = name;
  kernel.params = {x, y};
  kernel.tasks = {1, 0};
  if (lanes == 1) {
    kernel.body = for_loop("i", 0, size, 1, {store(y, {i}, f(load(x, {i})))});
  } else {
    const Expr valid = Expr(size) - i;
    kernel.body = for_loop("i", 0, size, lanes, {store(y, {i}, f(load(x, {i}, lanes, 0, valid)), 0, valid)});
  }
  return kernel;
}

// Distance in units in the last place of `exact` as T.
template <class T>
double ulps(T value, double exact) {
  const T rounded = static_cast<T>(exact);
  if (value == rounded || (std::isnan(value) && std::isnan(rounded))) return 0;
  if (!std::isfinite(value) || !std::isfinite(rounded)) return 1e9;
  const T magnitude = std::max(std::abs(rounded), std::numeric_limits<T>::min());
  const double unit = static_cast<double>(std::nextafter(magnitude, std::numeric_limits<T>::infinity())) -
                      static_cast<double>(magnitude);
  return std::abs(static_cast<double>(value) - exact) / unit;
}

}  // namespace

TEST_CASE("a register-tiled matrix product, its tail rows and columns masked") {
  // c[m][n] = sum over k of a[m][k] b[k][n], per task two rows and all columns in vectors of 8.
  constexpr int64_t M = 5, N = 19, K = 7;
  constexpr int lanes = 8;
  const MemoryRef a = array("a", Scalar::f32, {{M, 0}, {K, 0}}, Access::read);
  const MemoryRef b = array("b", Scalar::f32, {{K, 0}, {N, 0}}, Access::read);
  const MemoryRef c = array("c", Scalar::f32, {{M, 0}, {N, 0}}, Access::write);
  const MemoryRef tile = registers("tile", Scalar::f32, {{2, 0}, {lanes, 0}});
  const Expr r = variable("r"), j = variable("j"), k = variable("k"), row = variable("row");
  const auto acc = [&] { return load(tile, {r, 0}, lanes, 1); };
  const Expr valid = Expr(N) - j;
  const Stmt body = for_loop(
      "j", 0, N, lanes,
      {alloc(tile, {unrolled("r", 0, 2, 1, {store(tile, {r, 0}, constant(Scalar::f32, 0, lanes), 1)}),
                    for_loop("k", 0, K, 1,
                             {unrolled("r", 0, 2, 1,
                                       {let("row", min(task() * 2 + r, M - 1),
                                            {store(tile, {r, 0},
                                                   fma(broadcast(load(a, {row, k}), lanes),
                                                       load(b, {k, j}, lanes, 1, valid), acc()),
                                                   1)})})}),
                    unrolled("r", 0, 2, 1,
                             {if_then(less(task() * 2 + r, M),
                                      {store(c, {task() * 2 + r, j}, acc(), 1, valid)})})})});
  Kernel kernel{"matmul", {a, b, c}, {(M + 1) / 2, 0}, body, {}, 32};
  for (const std::string& cpu : runnable_cpus()) {
    CAPTURE(cpu);
    const Arguments arguments(kernel, 1);
    for (int64_t i = 0; i < M * K; ++i) arguments.get<float>(0)[i] = static_cast<float>(i % 11 - 5);
    for (int64_t i = 0; i < K * N; ++i) arguments.get<float>(1)[i] = static_cast<float>(i % 7 - 3);
    run(kernel, cpu, 1, arguments);
    for (int64_t m = 0; m < M; ++m) {
      for (int64_t n = 0; n < N; ++n) {
        float sum = 0;
        for (int64_t i = 0; i < K; ++i)
          sum += arguments.get<float>(0)[m * K + i] * arguments.get<float>(1)[i * N + n];
        CHECK(arguments.get<float>(2)[m * N + n] == sum);
      }
    }
  }
}

TEST_CASE("tasks grow with the batch; quotients and remainders of task; scratch; strided lanes") {
  // y[n][i][c] = x[n][c][i] + c, transposed by way of scratch.
  constexpr int64_t C = 6, I = 5;
  const MemoryRef x = array("x", Scalar::f32, {{0, 1}, {C, 0}, {I, 0}}, Access::read);
  const MemoryRef y = array("y", Scalar::f32, {{0, 1}, {I, 0}, {C, 0}}, Access::write);
  const MemoryRef row = scratch("row", Scalar::f32, {{8, 0}});
  const Expr n = variable("n"), i = variable("i"), c = variable("c");
  const Stmt body = let(
      "n", task() / I,
      {let("i", task() % I,
           {alloc(row,
                  {store(row, {0}, load(x, {n, 0, i}, 4, 1), 0),
                   store(row, {4}, load(x, {n, 4, i}, 4, 1, C - 4), 0),
                   for_loop("c", 0, C, 1, {store(y, {n, i, c}, load(row, {c}) + cast(c, Scalar::f32))})})})});
  const Kernel kernel{"transpose", {x, y}, {0, I}, body, {}, 32};
  for (const std::string& cpu : runnable_cpus()) {
    for (const int64_t batch : {1, 3}) {
      CAPTURE(cpu);
      const Arguments arguments(kernel, batch);
      for (int64_t e = 0; e < batch * C * I; ++e) arguments.get<float>(0)[e] = static_cast<float>(e);
      run(kernel, cpu, batch, arguments);
      for (int64_t e = 0; e < batch * C * I; ++e) {
        const int64_t cc = e % C, ii = e / C % I, nn = e / (C * I);
        CHECK(arguments.get<float>(1)[e] == static_cast<float>((nn * C + cc) * I + ii + cc));
      }
    }
  }
}

TEST_CASE("lanes past a count are zero, whatever they hold") {
  for (const int lanes : {4, 8, 16}) {
    const MemoryRef x = array("x", Scalar::f32, {{lanes, 0}}, Access::read);
    const MemoryRef y = array("y", Scalar::f32, {{lanes + 2, 0}, {lanes, 0}}, Access::write);
    const Expr inverse = broadcast(constant(Scalar::f32, 1), lanes) / load(x, {0}, lanes, 0);
    const Stmt body = store(y, {task(), 0}, mask(inverse, task() - 1), 1);
    const Kernel kernel{"masked", {x, y}, {lanes + 2, 0}, body, {}, 4 * lanes};
    for (const std::string& cpu : runnable_cpus()) {
      CAPTURE(cpu);
      const Arguments arguments(kernel, 1);
      for (int e = 0; e < lanes; ++e) arguments.get<float>(0)[e] = e % 2 == 0 ? 0.0F : 4.0F;
      run(kernel, cpu, 1, arguments);
      for (int count = -1; count <= lanes; ++count) {
        for (int lane = 0; lane < lanes; ++lane) {
          const float value = lane % 2 == 0 ? INFINITY : 0.25F;
          CHECK(arguments.get<float>(1)[(count + 1) * lanes + lane] == (lane < count ? value : 0));
        }
      }
    }
  }
}

TEST_CASE("interleaved vectors") {
  for (const int lanes : {2, 4, 8, 16}) {
    const MemoryRef x = array("x", Scalar::f32, {{2 * lanes, 0}}, Access::read);
    const MemoryRef y = array("y", Scalar::f32, {{2 * lanes, 0}}, Access::write);
    const Expr a = load(x, {0}, lanes, 0), b = load(x, {lanes}, lanes, 0);
    const Stmt body =
        block({store(y, {0}, interleave(a, b, 0), 0), store(y, {lanes}, interleave(a, b, 1), 0)});
    const Kernel kernel{"interleave", {x, y}, {1, 0}, body, {}, 32};
    for (const std::string& cpu : runnable_cpus()) {
      CAPTURE(cpu);
      const Arguments arguments(kernel, 1);
      for (int e = 0; e < 2 * lanes; ++e) arguments.get<float>(0)[e] = static_cast<float>(e);
      run(kernel, cpu, 1, arguments);
      for (int e = 0; e < 2 * lanes; ++e)
        CHECK(arguments.get<float>(1)[e] == static_cast<float>(e / 2 + e % 2 * lanes));
    }
  }
}

TEST_CASE("zipped vectors") {
  for (const int lanes : {2, 8, 16}) {
    const MemoryRef x = array("x", Scalar::bf16, {{2 * lanes, 0}}, Access::read);
    const MemoryRef y = array("y", Scalar::bf16, {{2 * lanes, 0}}, Access::write);
    const Stmt body = block({store(y, {0}, zip(load(x, {0}, lanes, 0), load(x, {lanes}, lanes, 0)), 0)});
    const Kernel kernel{"zip", {x, y}, {1, 0}, body, {}, 32};
    for (const std::string& cpu : runnable_cpus()) {
      CAPTURE(cpu);
      const Arguments arguments(kernel, 1);
      for (int e = 0; e < 2 * lanes; ++e) arguments.get<uint16_t>(0)[e] = static_cast<uint16_t>(e);
      run(kernel, cpu, 1, arguments);
      for (int e = 0; e < 2 * lanes; ++e) CHECK(arguments.get<uint16_t>(1)[e] == e / 2 + e % 2 * lanes);
    }
  }
}

// Numbers of all sizes but denormals, ties between two of bf16 among them.
std::vector<float> numbers_to_round() {
  std::vector<float> numbers = {0,
                                -0.0F,
                                1,
                                -1,
                                1.00390625F,
                                1.01171875F,
                                -1.00390625F,
                                3.3895314e38F,
                                -3.4028235e38F,
                                HUGE_VALF,
                                -HUGE_VALF,
                                NAN,
                                1.17549435e-38F};
  for (uint32_t bits = 0x00800000; bits < 0x7f000000; bits += 0x000a3b17)
    numbers.push_back(std::bit_cast<float>(bits | bits << 31));
  return numbers;
}

TEST_CASE("casts to bf16 round to the nearest, ties to even; casts from it are exact") {
  const std::vector<float> numbers = numbers_to_round();
  const auto size = static_cast<int64_t>(numbers.size());
  for (const int lanes : {1, 4, 8, 16}) {
    const Kernel narrow = elementwise("narrow", Scalar::f32, Scalar::bf16, lanes, size,
                                      [](Expr x) { return cast(std::move(x), Scalar::bf16); });
    const Kernel wide = elementwise("wide", Scalar::bf16, Scalar::f32, lanes, size,
                                    [](Expr x) { return cast(std::move(x), Scalar::f32); });
    for (const Target& target : targets_of_bf16()) {
      CAPTURE(target.cpu);
      CAPTURE(target.has("avx512bf16"));
      const Arguments there(narrow, 1), back(wide, 1);
      std::ranges::copy(numbers, there.get<float>(0));
      run(narrow, target, 1, there);
      std::copy_n(there.get<uint16_t>(1), size, back.get<uint16_t>(0));
      run(wide, target, 1, back);
      for (int64_t i = 0; i < size; ++i) {
        const uint16_t expected = contract::to_bf16(numbers[static_cast<size_t>(i)]),
                       ours = there.get<uint16_t>(1)[i];
        const bool nan = std::isnan(numbers[static_cast<size_t>(i)]);
        CAPTURE(numbers[static_cast<size_t>(i)]);
        CHECK((nan ? std::isnan(contract::from_bf16(ours)) : ours == expected));
        const float again = back.get<float>(1)[i];
        CHECK(std::bit_cast<uint32_t>(again) == uint32_t{ours} << 16);
      }
    }
  }
}

TEST_CASE("pairs of bf16 are multiplied and added in f32, the second of a pair first") {
  for (const int lanes : {4, 8, 16}) {
    for (const int repeated : {2, 2 * lanes}) {
      const MemoryRef a = array("a", Scalar::bf16, {{2 * lanes, 0}}, Access::read);
      const MemoryRef b = array("b", Scalar::bf16, {{repeated, 0}}, Access::read);
      const MemoryRef c = array("c", Scalar::f32, {{lanes, 0}}, Access::read);
      const MemoryRef y = array("y", Scalar::f32, {{lanes, 0}}, Access::write);
      const Expr sum =
          dot_pairs(load(a, {0}, 2 * lanes, 0), load(b, {0}, repeated, 0), load(c, {0}, lanes, 0));
      const Kernel kernel{"dot", {a, b, c, y}, {1, 0}, block({store(y, {0}, sum, 0)}), {}, 32};
      for (const Target& target : targets_of_bf16()) {
        if (!target.info.fma) continue;  // rounds products, too
        CAPTURE(target.cpu);
        CAPTURE(target.has("avx512bf16"));
        const Arguments arguments(kernel, 1);
        const auto number = [](int i) { return static_cast<float>((i * 37 + 11) % 101 - 50) / 7; };
        for (int i = 0; i < 2 * lanes; ++i) arguments.get<uint16_t>(0)[i] = contract::to_bf16(number(i));
        for (int i = 0; i < repeated; ++i) arguments.get<uint16_t>(1)[i] = contract::to_bf16(number(i + 50));
        for (int i = 0; i < lanes; ++i) arguments.get<float>(2)[i] = number(i + 99) * 1e3F;
        run(kernel, target, 1, arguments);
        for (int i = 0; i < lanes; ++i) {
          const auto product = [&](int place, float to) {
            return std::fma(contract::from_bf16(arguments.get<uint16_t>(0)[2 * i + place]),
                            contract::from_bf16(arguments.get<uint16_t>(1)[(2 * i + place) % repeated]), to);
          };
          CHECK(arguments.get<float>(3)[i] == product(0, product(1, arguments.get<float>(2)[i])));
        }
      }
    }
  }
}

TEST_CASE("strided vector stores, masked and not, leave other elements alone") {
  const MemoryRef y = array("y", Scalar::f32, {{8, 0}, {3, 0}}, Access::update);
  const Stmt body = block({store(y, {0, 1}, constant(Scalar::f32, 2, 4), 0),
                           store(y, {4, 2}, constant(Scalar::f32, 3, 4), 0, batch())});
  const Kernel kernel{"columns", {y}, {1, 0}, body, {}, 32};
  for (const std::string& cpu : runnable_cpus()) {
    CAPTURE(cpu);
    const Arguments arguments(kernel, 3);
    run(kernel, cpu, 3, arguments);
    for (int64_t e = 0; e < 24; ++e) {
      const int64_t r = e / 3, column = e % 3;
      const float expected = r < 4 && column == 1 ? 2.0f : r >= 4 && r < 7 && column == 2 ? 3.0f : 0.0f;
      CHECK(arguments.get<float>(0)[e] == expected);
    }
  }
}

TEST_CASE("casts between bytes, integers and floats, with tails") {
  constexpr int64_t size = 37;
  const auto scale = [](Expr x) {
    const Expr f = cast(x, Scalar::f32);
    return f * broadcast(constant(Scalar::f32, 0.5), f->type.lanes);
  };
  const auto to_byte = [](Expr x) { return cast(x, Scalar::u8); };
  for (const std::string& cpu : runnable_cpus()) {
    for (const int lanes : {1, 16}) {
      CAPTURE(cpu);
      const Kernel up = elementwise("up", Scalar::u8, Scalar::f32, lanes, size, scale);
      const Arguments arguments(up, 1);
      for (int64_t i = 0; i < size; ++i) arguments.get<uint8_t>(0)[i] = static_cast<uint8_t>(255 - i * 5);
      run(up, cpu, 1, arguments);
      const Kernel down = elementwise("down", Scalar::f32, Scalar::u8, lanes, size, to_byte);
      const Arguments back(down, 1);
      for (int64_t i = 0; i < size; ++i) {
        CHECK(arguments.get<float>(1)[i] == static_cast<float>(255 - i * 5) * 0.5f);
        back.get<float>(0)[i] = arguments.get<float>(1)[i];
      }
      run(down, cpu, 1, back);
      for (int64_t i = 0; i < size; ++i) CHECK(back.get<uint8_t>(1)[i] == (255 - i * 5) / 2);
    }
  }
}

TEST_CASE("reductions are trees of halves") {
  const MemoryRef x = array("x", Scalar::f32, {{16, 0}}, Access::read);
  const MemoryRef y = array("y", Scalar::f32, {{2, 0}}, Access::write);
  const Expr all = load(x, {0}, 16, 0);
  const Stmt body = block({store(y, {0}, reduce(Reduce::add, all)), store(y, {1}, reduce(Reduce::max, all))});
  const Kernel kernel{"sums", {x, y}, {1, 0}, body, {}, 64};
  for (const std::string& cpu : runnable_cpus()) {
    CAPTURE(cpu);
    const Arguments arguments(kernel, 1);
    std::vector<float> values;
    for (int i = 0; i < 16; ++i)
      values.push_back(std::ldexp(1.0f + 0.3f * static_cast<float>(i), 3 * i % 25));
    std::memcpy(arguments.get<float>(0), values.data(), 64);
    run(kernel, cpu, 1, arguments);
    CHECK(arguments.get<float>(1)[1] == *std::max_element(values.begin(), values.end()));
    for (size_t half = 8; half >= 1; half /= 2) {
      for (size_t i = 0; i < half; ++i) values[i] += values[i + half];
    }
    CHECK(arguments.get<float>(1)[0] == values[0]);
  }
}

TEST_CASE("exp and log in f32 are within about one unit in the last place") {
  constexpr int64_t size = 20000;
  const auto exponential = [](Expr x) { return unary(Unary::exp, x); };
  const auto logarithm = [](Expr x) { return unary(Unary::log, x); };
  const float infinity = std::numeric_limits<float>::infinity();
  const float special[] = {0,      -0.0f, infinity, -infinity, NAN,     1,      -1,
                           1e-40f, 88.7f, 88.73f,   -87.4f,    -103.9f, -104.5f};
  for (const std::string& cpu : runnable_cpus()) {
    CAPTURE(cpu);
    const Kernel e = elementwise("exponential", Scalar::f32, Scalar::f32, 16, size, exponential);
    const Kernel l = elementwise("logarithm", Scalar::f32, Scalar::f32, 16, size, logarithm);
    const Arguments of_exp(e, 1), of_log(l, 1);
    for (int64_t i = 0; i < size; ++i) {
      const double t = static_cast<double>(i) / size;
      of_exp.get<float>(0)[i] = static_cast<float>(-105 + 195 * t);
      of_log.get<float>(0)[i] = static_cast<float>(std::exp2(-149 + 277 * t));
    }
    std::copy(std::begin(special), std::end(special), of_exp.get<float>(0));
    std::copy(std::begin(special), std::end(special), of_log.get<float>(0));
    run(e, cpu, 1, of_exp);
    run(l, cpu, 1, of_log);
    double worst_exp = 0, worst_log = 0;
    for (int64_t i = 0; i < size; ++i) {
      worst_exp = std::max(
          worst_exp, ulps(of_exp.get<float>(1)[i], std::exp(static_cast<double>(of_exp.get<float>(0)[i]))));
      worst_log = std::max(
          worst_log, ulps(of_log.get<float>(1)[i], std::log(static_cast<double>(of_log.get<float>(0)[i]))));
    }
    CHECK(worst_exp <= 1.5);
    CHECK(worst_log <= 1.5);
  }
}

TEST_CASE("tanh and erf in f32 are within two units in the last place") {
  constexpr int64_t size = 40000;
  using Exact = double (*)(double);
  const float infinity = std::numeric_limits<float>::infinity();
  const float special[] = {0,      -0.0f, infinity, -infinity, NAN,  1,     -1,  1e-40f, -1e-40f,
                           1e-30f, 0.9f,  -0.9f,    4,         4.1f, 9.01f, 100, -100,   3.4e38f};
  for (const auto& [op, exact] : {std::pair<Unary, Exact>{Unary::tanh, std::tanh}, {Unary::erf, std::erf}}) {
    for (const std::string& cpu : runnable_cpus()) {
      CAPTURE(cpu);
      const Kernel kernel = elementwise("function", Scalar::f32, Scalar::f32, 16, size,
                                        [op = op](Expr x) { return unary(op, x); });
      const Arguments arguments(kernel, 1);
      for (int64_t i = 0; i < size; ++i) {
        const double t = static_cast<double>(i) / size;  // half of them evenly, half of every size
        arguments.get<float>(0)[i] =
            static_cast<float>(i % 2 == 0 ? -10 + 20 * t : (i % 4 == 1 ? 1 : -1) * std::exp2(-30 + 34 * t));
      }
      std::copy(std::begin(special), std::end(special), arguments.get<float>(0));
      run(kernel, cpu, 1, arguments);
      double worst = 0;
      for (int64_t i = 0; i < size; ++i)
        worst = std::max(
            worst, ulps(arguments.get<float>(1)[i], exact(static_cast<double>(arguments.get<float>(0)[i]))));
      CHECK(worst <= 2);
      CHECK(std::signbit(arguments.get<float>(1)[1]));  // of -0
    }
  }
}

TEST_CASE("exp and log in f64 are good to 1e-14") {
  constexpr int64_t size = 4000;
  for (const std::string& cpu : runnable_cpus()) {
    CAPTURE(cpu);
    const Kernel e = elementwise("exponential", Scalar::f64, Scalar::f64, 4, size,
                                 [](Expr x) { return unary(Unary::exp, x); });
    const Kernel l = elementwise("logarithm", Scalar::f64, Scalar::f64, 4, size,
                                 [](Expr x) { return unary(Unary::log, x); });
    const Arguments of_exp(e, 1), of_log(l, 1);
    for (int64_t i = 0; i < size; ++i) {
      const double t = static_cast<double>(i) / size;
      of_exp.get<double>(0)[i] = -700 + 1400 * t;
      of_log.get<double>(0)[i] = std::exp2(-1070 + 2000 * t);
    }
    run(e, cpu, 1, of_exp);
    run(l, cpu, 1, of_log);
    for (int64_t i = 0; i < size; ++i) {
      const double exact = std::exp(of_exp.get<double>(0)[i]), exact_log = std::log(of_log.get<double>(0)[i]);
      REQUIRE(std::abs(of_exp.get<double>(1)[i] - exact) <= 1e-14 * exact);
      REQUIRE(std::abs(of_log.get<double>(1)[i] - exact_log) <= 1e-14 * std::max(1e-3, std::abs(exact_log)));
    }
  }
}

TEST_CASE("floor, sqrt, negation, comparisons, select and NaN") {
  constexpr int64_t size = 21;
  const auto f = [](Expr x) {
    const int lanes = x->type.lanes;
    const auto c = [&](double value) { return constant(Scalar::f32, value, lanes); };
    const Expr positive = select(less(c(0), x), unary(Unary::sqrt, x), unary(Unary::neg, x));
    return select(binary(Binary::ne, x, x), c(-7), unary(Unary::floor, x) + positive);
  };
  for (const std::string& cpu : runnable_cpus()) {
    for (const int lanes : {1, 8}) {
      CAPTURE(cpu);
      const Kernel kernel = elementwise("mixed", Scalar::f32, Scalar::f32, lanes, size, f);
      const Arguments arguments(kernel, 1);
      for (int64_t i = 0; i < size; ++i) arguments.get<float>(0)[i] = static_cast<float>(i - 10) * 0.75f;
      arguments.get<float>(0)[3] = NAN;
      arguments.get<float>(0)[4] = -3e9f;
      run(kernel, cpu, 1, arguments);
      for (int64_t i = 0; i < size; ++i) {
        const float x = arguments.get<float>(0)[i];
        const float expected = std::isnan(x) ? -7.0f : std::floor(x) + (x > 0 ? std::sqrt(x) : -x);
        CHECK(arguments.get<float>(1)[i] == expected);
      }
    }
  }
}

}  // namespace rnc::test
