// Sums over each channel of each image, [N, C, H, W] to [N, C, 1, 1], of values that a kernel in channel blocks goes
// through. A task has a whole image of one block, so its sums are results: rows are added in f32, and the rows in f64.
#pragma once

#include "passes/lower/fused.h"

namespace rnc {

class ImageSums {
 public:
  ImageSums(Lowering& lowering, KernelBuilder& kernel, const Group& group);
  bool empty() const { return sums_.empty(); }

  // Around a task, which is block `block` of image `image`; around each row; and at each point of it.
  void begin_task(Body& body);
  void begin_row(Body& body);
  void add(Body& body, const FusedCode::Values& values);
  void end_row(Body& body);
  void end_task(Body& body, const loops::Expr& image, const loops::Expr& block);

 private:
  struct Sum {
    ValueId source, result;
    loops::MemoryRef row, total, memory;
  };
  std::vector<Sum> sums_;
  int lanes_;
};

}  // namespace rnc
