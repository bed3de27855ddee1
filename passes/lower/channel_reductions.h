// Sums, means and variances per channel, taken while a kernel computes or loads their operand.
//
// A task adds short chunks (a row, a tile) in f32 and the chunks in f64; it writes its totals as one row of a
// table of partial sums, and a second kernel adds the rows in order, so results depend on shapes only.
// Variances: each chunk is shifted by its own first element, so that nothing cancels in f32 (Chan, Golub and
// LeVeque, "Algorithms for computing the sample variance", 1983).
#pragma once

#include "passes/lower/fused.h"

namespace rnc {

class ChannelReductions {
 public:
  // The reductions among the nodes of `group`. The kernel has panels * tasks_per_panel tasks, and each covers `blocks`
  // vectors of channels. `space`: where a task keeps its totals.
  ChannelReductions(Lowering& lowering, KernelBuilder& kernel, const Group& group, int64_t panels,
                    loops::Extent tasks_per_panel, int64_t blocks, loops::Space space);

  bool empty() const { return reductions_.empty(); }
  bool needs_first() const;

  void begin_task(Body& body);
  // `first`: values at the chunk's first point; used only if needs_first().
  void begin_chunk(Body& body, const FusedCode::Values& first);
  // The two parts of begin_chunk(), where a chunk goes on after the code that knows its first point: registers for it,
  // and its start.
  void hold_chunk(Body& body);
  void start_chunk(Body& body, const FusedCode::Values& first);
  void add(Body& body, const FusedCode::Values& values);
  void end_chunk(Body& body, loops::Expr block, loops::Expr count);
  // `row`: the task's number in panel-major order.
  void end_task(Body& body, loops::Expr row = loops::task());
  // Adds the kernels that finish the sums.
  void finish();

 private:
  struct Reduction {
    ValueId source = kNoValue;
    bool moments = false;
    ValueId sum = kNoValue, mean = kNoValue, variance = kNoValue;
    int64_t slots() const { return moments ? 2 : 1; }
    loops::MemoryRef
        chunk;  // f32 [1 or 3][lanes]: sum; or first, sum, sum of squares of the differences from it
    loops::MemoryRef totals;   // f64 [blocks][slots][lanes]
    loops::MemoryRef partial;  // f64 [tasks][blocks][slots][lanes]
    int buffer = -1;
  };
  void finish_one(const Reduction& reduction);

  Lowering& lowering_;
  KernelBuilder& kernel_;
  int64_t panels_;
  loops::Extent tasks_per_panel_;
  int64_t blocks_;
  loops::Space space_;
  int lanes_;
  std::vector<Reduction> reductions_;
};

}  // namespace rnc
