#include "passes/lower/image_sums.h"

#include "ir/ops/reduce.h"

namespace rnc {

using loops::Expr;
using loops::Scalar;

ImageSums::ImageSums(Lowering& lowering, KernelBuilder& kernel, const Group& group)
    : lanes_(lowering.lanes()) {
  for (const ValueId v : group) {
    const Node& node = lowering.node(v);
    if (!is_image_sum(node) || !lowering.stored(v)) continue;
    const std::vector<loops::Extent> dims = physical_extents(node.type);  // [N, C/V, 1, 1, V]
    sums_.push_back({.source = node.inputs[0], .result = v});
    sums_.back().memory = lowering.view(kernel, "sum", v, {dims[0], dims[1], dims[4]}, loops::Access::write);
  }
}

void ImageSums::begin_task(Body& body) {
  for (Sum& sum : sums_) {
    sum.total = body.alloc("total", Scalar::f64, {lanes_}, loops::Space::registers);
    body.store(sum.total, {0}, loops::constant(Scalar::f64, 0, lanes_), 0);
  }
}

void ImageSums::begin_row(Body& body) {
  for (Sum& sum : sums_) {
    sum.row = body.alloc("row_sum", Scalar::f32, {lanes_}, loops::Space::registers);
    body.store(sum.row, {0}, zeros(lanes_), 0);
  }
}

void ImageSums::add(Body& body, const FusedCode::Values& values) {
  for (const Sum& sum : sums_) body.accumulate(sum.row, {0}, values.at(sum.source), 0);
}

void ImageSums::end_row(Body& body) {
  for (const Sum& sum : sums_)
    body.accumulate(sum.total, {0}, loops::cast(loaded(sum.row, {0}, lanes_, 0), Scalar::f64), 0);
}

void ImageSums::end_task(Body& body, const Expr& image, const Expr& block) {
  for (const Sum& sum : sums_)
    body.store(sum.memory, {image, block, 0},
               loops::cast(loaded(sum.total, {0}, lanes_, 0), sum.memory->scalar), 2);
}

}  // namespace rnc
