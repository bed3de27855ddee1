// Cases of operations on dimensions: reductions, operands that spread, masks, permutations, rolls, transposed
// convolutions.
#include <fmt/format.h>

#include <algorithm>

#include "tests/run/operation_cases.h"

namespace rnc::test {

void OperationCases::add_spread() {
  const auto rank = static_cast<size_t>(random_.integer(2, 5));
  Shape large = {batch_, channels()};
  while (large.size() < rank) large.push_back(random_.integer(1, 6));
  const auto part = [&] {
    Shape shape = large;
    for (int64_t& size : shape)
      if (random_.chance(0.4)) size = 1;
    return f32(shape);
  };
  const Op op = random_.one_of({Op::add, Op::mul, Op::sub, Op::max});
  if (random_.chance(0.3)) return add(op, {part(), part()}, {});
  const Type whole = f32(large);
  if (random_.chance(0.3)) return add(Op::where_less, {part(), whole, part(), f32({large[1]})}, {});
  add(op, random_.chance(0.5) ? std::vector{whole, part()} : std::vector{part(), whole}, {});
}

// Masks have a batch from the value that they are for; of samples, they spread over it.
void OperationCases::add_masks() {
  for (int i = 0; i < 5; ++i) {
    Shape shape = {kBatch, channels()};
    const auto rank = static_cast<size_t>(i == 0 ? 4 : random_.integer(2, 5));
    while (shape.size() < rank) shape.push_back(random_.integer(1, 9));
    const std::string name = fmt::format("dropout_mask_{}", module().entries.size());
    module().entries.push_back({.name = name, .role = role_named(name)});
    const ValueId seed = builder_.input("seed", DType::f64, {}), x = builder_.input("x", DType::f32, shape);
    if (i == 0) shape = {kBatch, 1, 1, 1};
    const ValueId mask = builder_.op(
        Op::dropout_mask, {seed},
        {{"shape", shape}, {"stream", random_.integer(0, 1 << 30)}, {"p", random_.uniform(0, 0.9)}}, "mask");
    builder_.output("y", builder_.op(random_.chance(0.5) ? Op::mul : Op::add, {x, mask}, {}, "y"));
    fills_[name] = Fill::wide;
    operations_.insert(Op::dropout_mask);
  }
}

void OperationCases::add_transposed() {
  const int64_t groups = random_.one_of<int64_t>({1, 1, 2, 3});
  const int64_t in = groups * random_.one_of<int64_t>({1, 4, 16, 17}),
                out = random_.one_of<int64_t>({1, 3, 16, 20});
  const Pair kernel = pair(2, 4), stride = pair(1, 3),
             pad = {random_.integer(0, kernel[0] / 2), random_.integer(0, kernel[1] / 2)};
  const Pair extra = {random_.integer(0, stride[0] - 1), random_.integer(0, stride[1] - 1)};
  std::vector<Type> operands = {images(in, pair(2, 6)), f32({in, out, kernel[0], kernel[1]})};
  if (random_.chance(0.5)) operands.push_back(f32({out * groups}));
  add(Op::conv_transpose2d, operands,
      {{"stride", stride}, {"pad", pad}, {"output_pad", extra}, {"groups", groups}});
}

void OperationCases::add_permutation() {
  Shape shape = {batch_, channels()};
  std::vector<int64_t> order = {1};
  for (int64_t d = 2; d < random_.integer(2, 6); ++d) {
    shape.push_back(random_.integer(1, 20));
    order.insert(order.begin() + random_.integer(0, d - 1), d);
  }
  order.insert(order.begin(), 0);
  add(Op::permute, {f32(shape)}, {{"order", order}});
  if (batch_ != kBatch) add(Op::permute, {f32({channels()})}, {{"order", std::vector<int64_t>{0}}});
}

// Either way, by more than a turn, too; along the first dimension where it is not the batch.
void OperationCases::add_rolls() {
  const int64_t first = batch_ == kBatch ? 1 : 0, rank = random_.integer(first + 1, 5);
  Shape shape = {rank == 1 ? channels() : batch_};
  if (rank > 1) shape.push_back(channels());
  while (static_cast<int64_t>(shape.size()) < rank) shape.push_back(random_.integer(1, 9));
  const int64_t axis = random_.integer(first, rank - 1), size = shape[static_cast<size_t>(axis)];
  add(Op::roll, {f32(shape)},
      {{"axis", random_.chance(0.5) ? axis : axis - rank}, {"shift", random_.integer(-2 * size, 2 * size)}});
}

void OperationCases::add_reductions() {
  for (const Op op : {Op::sum, Op::mean, Op::amax}) {
    const auto rank = static_cast<size_t>(random_.integer(1, 5));
    Shape shape = {batch_};
    if (rank > 1) shape.push_back(channels());
    while (shape.size() < rank) shape.push_back(random_.integer(1, 20));
    std::vector<int64_t> axes;
    for (size_t d = 0; d < rank; ++d)
      if (random_.chance(0.5))
        axes.push_back(static_cast<int64_t>(d) - (random_.chance(0.3) ? static_cast<int64_t>(rank) : 0));
    if (rank == 4 && random_.chance(0.3))
      axes = random_.chance(0.5) ? std::vector<int64_t>{2, 3} : std::vector<int64_t>{1};
    const Fill fill = op == Op::amax ? Fill::few_values : Fill::normal;
    add(op, {f32(shape)}, {{"axes", axes}, {"keepdims", random_.chance(0.5)}}, fill);
  }
  for (const bool last : {false, true}) {
    const int64_t first = batch_ == kBatch ? 1 : 0, rank = random_.integer(first + 1, 5);
    Shape shape = {batch_};
    while (static_cast<int64_t>(shape.size()) < rank) shape.push_back(random_.integer(1, 20));
    const int64_t axis = random_.integer(first, rank - 1) - (random_.chance(0.3) ? rank : 0);
    add(Op::argmax, {f32(shape)}, {{"axis", axis}, {"keepdims", random_.chance(0.5)}, {"last", last}},
        random_.one_of({Fill::few_values, Fill::with_nan}));
  }
}

}  // namespace rnc::test
