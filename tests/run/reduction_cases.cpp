// Cases of operations in which shapes differ along single dimensions: reductions, and operands that spread.
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
}

}  // namespace rnc::test
