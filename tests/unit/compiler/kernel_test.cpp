// What emission tells LLVM about memory.
#include "compiler/emit/kernel.h"

#include <doctest/doctest.h>
#include <llvm/IR/Instructions.h>
#include <llvm/IR/LLVMContext.h>
#include <llvm/IR/Module.h>

namespace rnc {
namespace {

using namespace loops;

MemoryRef array(const std::string& name, int64_t size, Access access) {
  return std::make_shared<const Memory>(Memory{name, Scalar::f32, {{size, 0}}, Space::parameter, access});
}

// A kernel of two parameters called once, on the given buffers.
Program call_on(const Buffer& a, const Buffer& b, std::vector<std::pair<int, int>> in_place) {
  Program program;
  program.kernels = {
      Kernel{"k", {array("y", 8, Access::write), array("x", 8, Access::read)}, {1, 0}, block({}), {}, 64}};
  EntryProgram entry;
  entry.buffers = {a, b};
  Call call;
  call.kernel = 0;
  call.arguments = {0, 1};
  call.in_place = std::move(in_place);
  entry.calls = {call};
  program.entries = {entry};
  return program;
}

Buffer arena(int64_t offset) { return {"t", Region::arena, -1, {32, 0}, {offset, 0}}; }
Buffer tensor(int index) { return {"w", Region::tensor, index, {32, 0}, {}}; }

// y[i] = sum of x[i .. i+taps-1], each tap over all of 32 elements before the next, as unrolled code.
Kernel taps(int count) {
  const MemoryRef x = array("x", 64, Access::read), y = array("y", 32, Access::write);
  const MemoryRef tile = std::make_shared<const Memory>(
      Memory{"tile", Scalar::f32, {{32, 0}}, Space::registers, Access::update});
  std::vector<Stmt> body;
  const Expr i = variable("i");
  body.push_back(unrolled("i", 0, 32, 1, {store(tile, {i}, constant(Scalar::f32, 0))}));
  for (int t = 0; t < count; ++t) {
    body.push_back(unrolled("i", 0, 32, 1, {store(tile, {i}, load(tile, {i}) + load(x, {i + t}))}));
  }
  body.push_back(unrolled("i", 0, 32, 1, {store(y, {i}, load(tile, {i}))}));
  return {"taps", {y, x}, {1, 0}, alloc(tile, body), {}, 64};
}

int fences(const Kernel& kernel) {
  llvm::LLVMContext context;
  const Target target = resolve_target({"x86_64-pc-linux-gnu", "x86-64-v3", ""});
  const auto module = emit_kernel(kernel, kernel.name, {true, true}, target, context, false);
  int count = 0;
  for (const llvm::BasicBlock& block : *module->getFunction(kernel.name)) {
    for (const llvm::Instruction& instruction : block) count += llvm::isa<llvm::FenceInst>(instruction);
  }
  return count;
}

}  // namespace

TEST_CASE("parameters share memory where a call gives them the same or puts one in the other's place") {
  const std::vector<bool> none{true, true}, both{false, false};
  CHECK(unaliased_params(call_on(arena(0), arena(64), {}))[0] == none);
  CHECK(unaliased_params(call_on(arena(64), arena(64), {{0, 1}}))[0] == both);
  CHECK(unaliased_params(call_on(arena(0), arena(64), {{0, 1}}))[0] == none);
  CHECK(unaliased_params(call_on(tensor(3), tensor(3), {}))[0] == both);
  CHECK(unaliased_params(call_on(tensor(3), tensor(4), {}))[0] == none);
  CHECK(unaliased_params(call_on(arena(0), tensor(0), {{0, 1}}))[0] == none);
  Program same = call_on(arena(0), arena(64), {});
  same.entries[0].calls[0].arguments = {1, 1};
  CHECK(unaliased_params(same)[0] == both);
}

TEST_CASE("loads repeated far apart are kept apart by a fence, once for all of a tap's") {
  CHECK(fences(taps(1)) == 0);
  CHECK(fences(taps(2)) == 1);
  CHECK(fences(taps(4)) == 3);
}

}  // namespace rnc
