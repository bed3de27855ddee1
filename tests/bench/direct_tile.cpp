// How close generated code comes to the machine's peak: a direct 3x3 convolution (stride 1, one halo already
// in the input) in activation blocks of one vector, written in the loop IR with a register tile of V output
// vectors x P pixels, compiled and timed on one thread.
//
//   bench_direct_tile [CPU [V [P [UNROLL]]]]      CPU: native; tile 2 x 14; input channels unrolled: a block
//
// Prints GFLOP/s, the best of some runs, and a checksum error against a naive convolution of a few points.
#include <fmt/format.h>

#include <chrono>
#include <cmath>
#include <cstdlib>
#include <functional>

#include "tests/unit/compiler/compiled.h"

namespace rnc::test {
namespace {

using namespace loops;

struct Shape {
  int64_t batch = 4, channels = 64, size = 56, lanes = 16;
  int64_t vectors = 2, pixels = 14, unroll = 16;
  int64_t padded() const { return size + 2; }
  int64_t blocks() const { return channels / lanes; }
};

MemoryRef array(const std::string& name, std::vector<int64_t> sizes, Space space, Access access) {
  std::vector<Extent> dims;
  for (const int64_t size : sizes) dims.push_back({size, 0});
  return std::make_shared<const Memory>(Memory{name, Scalar::f32, std::move(dims), space, access});
}

// One input channel's share: for each pixel one broadcast, for each output vector one fused multiply-add.
Stmt multiply_add(const Shape& s, const MemoryRef& x, const MemoryRef& w, const MemoryRef& tile,
                  Expr channel) {
  const int lanes = static_cast<int>(s.lanes);
  const Expr n = variable("n"), group = variable("group"), row = variable("row"), column = variable("column"),
             block = variable("block"), dy = variable("dy"), dx = variable("dx"), p = variable("p"),
             v = variable("v");
  const Expr input = variable("input", {Scalar::f32, lanes});
  const Expr pixel = load(x, {n, block, row + dy, column + dx + p, channel});
  const Expr weight = load(w, {group, block, dy, dx, channel, v * s.lanes}, lanes, 5);
  const Stmt add = store(tile, {v, p, 0}, fma(weight, input, load(tile, {v, p, 0}, lanes, 2)), 2);
  return unrolled("p", 0, s.pixels, 1,
                  {let("input", broadcast(pixel, lanes), {unrolled("v", 0, s.vectors, 1, {add})})});
}

Kernel direct_convolution(const Shape& s) {
  const int lanes = static_cast<int>(s.lanes);
  const int64_t groups = s.blocks() / s.vectors;
  const MemoryRef x =
      array("x", {s.batch, s.blocks(), s.padded(), s.padded(), s.lanes}, Space::parameter, Access::read);
  const MemoryRef w =
      array("w", {groups, s.blocks(), 3, 3, s.lanes, s.vectors * s.lanes}, Space::parameter, Access::read);
  const MemoryRef y =
      array("y", {s.batch, s.blocks(), s.size, s.size, s.lanes}, Space::parameter, Access::write);
  const MemoryRef tile = array("tile", {s.vectors, s.pixels, s.lanes}, Space::registers, Access::update);
  const Expr n = variable("n"), group = variable("group"), row = variable("row"), column = variable("column"),
             c = variable("c"), u = variable("u"), p = variable("p"), v = variable("v");

  const auto each = [&](const std::function<Stmt()>& body) {
    return unrolled("v", 0, s.vectors, 1, {unrolled("p", 0, s.pixels, 1, {body()})});
  };
  const Stmt channels = s.unroll == s.lanes
                            ? unrolled("u", 0, s.lanes, 1, {multiply_add(s, x, w, tile, u)})
                            : for_loop("c", 0, s.lanes, s.unroll,
                                       {unrolled("u", 0, s.unroll, 1, {multiply_add(s, x, w, tile, c + u)})});
  const Stmt accumulate =
      for_loop("block", 0, s.blocks(), 1, {for_loop("dy", 0, 3, 1, {for_loop("dx", 0, 3, 1, {channels})})});
  const Stmt columns =
      for_loop("column", 0, s.size, s.pixels,
               {alloc(tile, {each([&] {
                               return store(tile, {v, p, 0}, constant(Scalar::f32, 0, lanes), 2);
                             }),
                             accumulate, each([&] {
                               return store(y, {n, group * s.vectors + v, row, column + p, 0},
                                            load(tile, {v, p, 0}, lanes, 2), 4);
                             })})});
  const Stmt body =
      let("row", task() % s.size,
          {let("group", task() / s.size % groups, {let("n", task() / (s.size * groups), {columns})})});
  Kernel kernel;
  kernel.name = "direct_convolution";
  kernel.params = {x, w, y};
  kernel.tasks = {s.batch * groups * s.size, 0};
  kernel.body = body;
  kernel.code_vector_bytes = s.lanes * 4;
  return kernel;
}

Program program_of(const Kernel& kernel) {
  Program program;
  program.kernels.push_back(kernel);
  EntryProgram entry;
  entry.name = "run";
  const Type type{};
  for (int i = 0; i < 3; ++i) {
    Buffer buffer;
    buffer.region = i < 2 ? Region::input : Region::output;
    buffer.index = i % 2;
    entry.buffers.push_back(buffer);
  }
  entry.inputs = {Node{Op::input, "x", {}, complete_attributes(info(Op::input), {}, {}), type, {}, {}, -1},
                  Node{Op::input, "w", {}, complete_attributes(info(Op::input), {}, {}), type, {}, {}, -1}};
  entry.outputs = {{"y", type}};
  Call call;
  call.kernel = 0;
  call.arguments = {0, 1, 2};
  entry.calls = {call};
  program.entries = {entry};
  return program;
}

void run_all(void*, int64_t, int64_t count, rn_task task, const void* frame) { task(frame, 0, count, 0); }

double naive(const Shape& s, const float* x, const float* w, int64_t n, int64_t o, int64_t row,
             int64_t column) {
  double sum = 0;
  const int64_t group = o / (s.vectors * s.lanes), within = o % (s.vectors * s.lanes);
  for (int64_t i = 0; i < s.channels; ++i) {
    const int64_t block = i / s.lanes, c = i % s.lanes;
    for (int64_t t = 0; t < 9; ++t) {
      const int64_t at =
          (((n * s.blocks() + block) * s.padded() + row + t / 3) * s.padded() + column + t % 3);
      const int64_t weight =
          (((group * s.blocks() + block) * 9 + t) * s.lanes + c) * s.vectors * s.lanes + within;
      sum += static_cast<double>(x[at * s.lanes + c]) * static_cast<double>(w[weight]);
    }
  }
  return sum;
}

int main(int argc, char** argv) {
  const std::string cpu = argc > 1 ? argv[1] : "native";
  const Target target = target_of(cpu);
  Shape s;
  s.lanes = target.info.lanes(DType::f32);
  if (argc > 2) s.vectors = std::atoi(argv[2]);
  if (argc > 3) s.pixels = std::atoi(argv[3]);
  s.unroll = argc > 4 ? std::atoi(argv[4]) : s.lanes;
  if (s.size % s.pixels != 0 || s.blocks() % s.vectors != 0) {
    fmt::print(stderr, "the tile must divide {} pixels and {} blocks of channels\n", s.size, s.blocks());
    return 2;
  }
  const Module module;
  const Program program = program_of(direct_convolution(s));
  const LoweredModel model{module, program, target, 0, false};
  if (argc > 5) write_file(argv[5], compile_to_assembly(model));
  const Compiled compiled(model);

  const int64_t inputs = s.batch * s.channels * s.padded() * s.padded(),
                weights = s.channels * s.channels * 9;
  const int64_t outputs = s.batch * s.channels * s.size * s.size;
  const AlignedMemory x(inputs * 4), w(weights * 4), y(outputs * 4);
  for (int64_t i = 0; i < inputs; ++i) x.as<float>()[i] = static_cast<float>(i * 7919 % 1000 - 500) * 1e-3f;
  for (int64_t i = 0; i < weights; ++i)
    w.as<float>()[i] = static_cast<float>(i * 104729 % 1000 - 500) * 1e-3f;
  const void* in[] = {x.as<void>(), w.as<void>()};
  void* out[] = {y.as<void>()};
  rn_run run{};
  run.batch = 1;
  run.inputs = in;
  run.outputs = out;
  run.parallel_for = run_all;
  double best = 1e9;
  for (int repeat = 0; repeat < 20; ++repeat) {
    const auto start = std::chrono::steady_clock::now();
    compiled.descriptor().entries[0].run(&run);
    best = std::min(best, std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
  }
  double error = 0;
  for (int64_t o = 0; o < s.channels; o += 13) {
    const int64_t row = o % s.size, column = (o * 5) % s.size, block = o / s.lanes;
    const int64_t at = ((block * s.size + row) * s.size + column) * s.lanes + o % s.lanes;
    error = std::max(error, std::abs(naive(s, x.as<float>(), w.as<float>(), 0, o, row, column) -
                                     static_cast<double>(y.as<float>()[at])));
  }
  const double flops = 2.0 * static_cast<double>(outputs * s.channels * 9);
  fmt::print("{} {}x{} unroll {}: {:.1f} GFLOP/s, largest error {:.1e}\n", target.cpu, s.vectors, s.pixels,
             s.unroll, flops / best / 1e9, error);
  return error < 1e-3 ? 0 : 1;
}

}  // namespace
}  // namespace rnc::test

int main(int argc, char** argv) { return rnc::test::main(argc, argv); }
