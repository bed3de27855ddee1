#include "tests/run/operation_cases.h"
#include "tests/support/plain_functions.h"

namespace rnc::test {

void OperationCases::add_elementwise() {
  for (const Op op : {Op::add, Op::sub, Op::mul, Op::div}) {
    const Type x = images(channels(), pair(1, 7));
    const Type other = random_.one_of({x, f32({}), f32({x.shape[1]})});
    add(op, random_.chance(0.5) ? std::vector{x, other} : std::vector{other, x}, {}, Fill::positive);
  }
  const Type x = images(channels(), pair(1, 7));
  add(Op::sqrt, {x}, {}, Fill::positive);
  add(Op::rsqrt, {x}, {}, Fill::positive);
  add(Op::relu, {x}, {}, Fill::with_nan);
  add(Op::relu_grad, {x, x}, {}, Fill::few_values);
  add_activations(x);
  add_comparisons(x);
  add(Op::cast, {x}, {{"to", std::string("i32")}}, random_.one_of({Fill::wide, Fill::with_nan}));
  add(Op::expand_as, {random_.one_of({x, f32({}), f32({x.shape[1]})}), x}, {});
  add(Op::complement, {f32({})}, {});
  add(Op::bias_correction, {f32({}), f32({})}, {}, Fill::positive);
  add_numbers();
}

void OperationCases::add_activations(const Type& x) {
  for (const Op op : plain_functions())
    add(op, {x}, {}, random_.one_of({Fill::normal, Fill::wide, Fill::with_nan, Fill::few_values}));
  add(Op::log, {x}, {}, Fill::positive);
  add(Op::leaky_relu, {x}, {{"slope", 0.2}}, Fill::with_nan);
  add(Op::prelu, {x, f32({x.shape[1]})}, {}, Fill::with_nan);
  add(Op::elu, {x}, {{"alpha", 0.7}}, Fill::wide);
  add(Op::gelu, {x}, {{"approximate", std::string("none")}}, Fill::wide);
  add(Op::gelu, {x}, {{"approximate", std::string("tanh")}}, Fill::with_nan);
  add(Op::softplus, {x}, {{"beta", 1.5}, {"threshold", 2.0}}, Fill::with_nan);
  add(Op::clip, {x}, {{"min", -0.5}, {"max", 0.7}}, Fill::with_nan);
  for (const double exponent : {0.0, 0.5, 1.7, 3.0, -2.0})
    add(Op::pow, {x}, {{"exponent", exponent}}, Fill::positive);
}

void OperationCases::add_comparisons(const Type& x) {
  for (const Op op :
       {Op::min, Op::max, Op::less, Op::less_equal, Op::greater, Op::greater_equal, Op::equal, Op::not_equal})
    add(op, {x, random_.one_of({x, f32({}), f32({x.shape[1]})})}, {},
        random_.one_of({Fill::few_values, Fill::with_nan}));
  const Type channels = f32({x.shape[1]});
  add(Op::where, {x, channels, x}, {}, Fill::few_values);
  add(Op::where_less, {x, channels, f32({}), x}, {}, Fill::few_values);
  add(Op::where_equal, {channels, f32({}), x, channels}, {}, Fill::few_values);
}

// What an optimizer makes of its numbers, which are f64, among themselves and with tensors and f32 scalars.
void OperationCases::add_numbers() {
  const Type number{DType::f64, {}, {}};
  const auto add_rounded = [&](Op op, const std::vector<Type>& operands) {
    add(op, operands, {}, Fill::positive);
    Output& output = builder_.graph().outputs[0];  // an entry returns f32
    const ValueId one = builder_.constant(1);
    output.value = builder_.op(Op::mul, {output.value, one}, {}, "rounded");
  };
  for (const Op op : {Op::add, Op::sub, Op::mul, Op::div, Op::relu_grad, Op::bias_correction})
    add_rounded(op, {number, number});
  for (const Op op : {Op::complement, Op::sqrt, Op::relu}) add_rounded(op, {number});
  for (const Op op : {Op::add, Op::sub, Op::mul, Op::div}) {
    for (const Type& other : {f32({}), f32({channels()}), images(channels(), pair(1, 7))})
      add(op, random_.chance(0.5) ? std::vector{number, other} : std::vector{other, number}, {},
          Fill::positive);
  }
}

}  // namespace rnc::test
