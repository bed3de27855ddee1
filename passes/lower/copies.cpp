// Calls that copy values: results that could not be computed in place, and vectors of channels that need zeros behind.
#include "passes/lower/lowering.h"

namespace rnc {

using loops::Access;
using loops::Extent;
using loops::Region;

// Kernels read and write values per channel in whole vectors, which memory of the caller may be too short
// for.
bool Lowering::vector_of_channels(const Type& type) const {
  return type.rank() == 1 && !has_batch(type.shape) && type.shape[0] % target_.lanes(type.dtype) != 0;
}

int Lowering::padded_copy(int from, ValueId v) {
  const int to = add_buffer(node(v).name, Region::arena, -1, storage_bytes(type(v)), type(v));
  pad(from, to, type(v).shape[0], v);
  return to;
}

void Lowering::pad(int from, int to, int64_t count, ValueId of) {
  const DType dtype = type(of).dtype;
  const int64_t padded = round_up(count, target_.lanes(dtype));
  KernelBuilder kernel("pad");
  const auto x = kernel.param("x", from, dtype, {{count, 0}}, Access::read);
  const auto y = kernel.param("y", to, dtype, {{padded, 0}}, Access::write);
  Body body(kernel.names());
  body.loop("i", 0, count, 1, [&](Body& b, loops::Expr i) { b.store(y, {i}, loaded(x, {i})); });
  body.loop("i", count, padded, 1,
            [&](Body& b, loops::Expr i) { b.store(y, {i}, loops::constant(dtype, 0)); });
  call(kernel, {1, 0}, body, of);
}

void Lowering::copy(int from, int to, const Type& type, ValueId of) {
  const bool caller = entry_.buffers[static_cast<size_t>(to)].region == Region::output;
  if (vector_of_channels(type) && !caller) return pad(from, to, type.shape[0], of);
  KernelBuilder kernel("copy");
  const int64_t count = elements_per_sample(physical_dims(type));
  const bool batched = has_batch(type.shape);
  const std::vector<Extent> dims{batched ? Extent{0, count} : Extent{count, 0}};
  const auto x = kernel.param("x", from, type.dtype, dims, Access::read);
  const auto y = kernel.param("y", to, type.dtype, dims, Access::write);
  Body body(kernel.names());
  // One task per sample, or one in all: copies are rare and small.
  const int width = static_cast<int>(std::min<int64_t>(lanes(), count));
  const loops::Expr base = batched ? loops::task() * count : loops::Expr(0);
  body.loop("i", 0, count / width, 1, [&](Body& b, loops::Expr i) {
    const loops::Expr at = base + i * width;
    b.store(y, {at}, width > 1 ? loaded(x, {at}, width, 0) : loaded(x, {at}), 0);
  });
  body.loop("i", count / width * width, count, 1,
            [&](Body& b, loops::Expr i) { b.store(y, {base + i}, loaded(x, {base + i})); });
  call(kernel, batched ? Extent{0, 1} : Extent{1, 0}, body, of);
}

void Lowering::copy_results() {
  begin(kBatch);
  for (const auto& [v, to] : copies_) {
    check(graph_[v].type.layout.plain() || to.region == Region::tensor, "results are plain");
    const int target =
        add_buffer(graph_[v].name, to.region, to.index, storage_bytes(graph_[v].type), graph_[v].type);
    copy(buffer(v), target, graph_[v].type, v);
  }
}

}  // namespace rnc
