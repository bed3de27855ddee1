// Errors in calls of operations and layers, and in sizes, each by its full text.
#include "text_support.h"

namespace rnc {

TEST_CASE("operations and layers") {
  check_errors({
      {"unknown operation", spec(R"(
  y = conv2(x, 64, kernel = 3)
  predict y)"),
       R"(m.graph:2:7: error: unknown operation or block 'conv2'; did you mean 'conv2d'?
  y = conv2(x, 64, kernel = 3)
      ^
)"},
      {"unknown name", spec(R"(
  conv1 = relu(x)
  y = relu(conv)
  predict y)"),
       R"(m.graph:3:12: error: unknown name 'conv'; did you mean 'conv1'?
  y = relu(conv)
           ^
)"},
      {"wrong arity", spec(R"(
  y = relu(x, x)
  predict y)"),
       R"(m.graph:2:7: error: relu: takes 1 operand, not 2
  y = relu(x, x)
      ^
)"},
      {"too few operands", spec(R"(
  y = add(x)
  predict y)"),
       R"(m.graph:2:7: error: add: takes 2 operands, not 1
  y = add(x)
      ^
)"},
      {"a matrix with other rows", spec(R"(
  parameter w : f32[5, 6] = constant(1)
  y = matmul(x, w)
  predict y)"),
       R"(m.graph:3:7: error: matmul: f32[N, 3, 8, 8] and f32[5, 6] do not match: 8 columns against 5 rows
  y = matmul(x, w)
      ^
)"},
      {"a momentum of running means", spec(R"(
  y = batch_norm(x, cumulative = true, momentum = 0.1)
  predict y)"),
       R"(m.graph:2:7: error: batch_norm: momentum has no meaning with cumulative = true
  y = batch_norm(x, cumulative = true, momentum = 0.1)
      ^
)"},
      {"unknown attribute", spec(R"(
  y = conv2d(x, 8, kernel = 3, strides = 2)
  predict y)"),
       R"(m.graph:2:32: error: conv2d: there is no argument 'strides'; did you mean 'stride'?
  y = conv2d(x, 8, kernel = 3, strides = 2)
                               ^
)"},
      {"attribute of an operation without any", spec(R"(
  y = relu(x, slope = 2)
  predict y)"),
       R"(m.graph:2:15: error: relu: takes no named arguments
  y = relu(x, slope = 2)
              ^
)"},
      {"attribute given twice", spec(R"(
  y = conv2d(x, 8, kernel = 3, pad = 1, pad = 2)
  predict y)"),
       R"(m.graph:2:41: error: conv2d: pad is given twice
  y = conv2d(x, 8, kernel = 3, pad = 1, pad = 2)
                                        ^
)"},
      {"attribute of the wrong kind", spec(R"(
  y = conv2d(x, 8, kernel = "big")
  predict y)"),
       R"(m.graph:2:7: error: conv2d: kernel must be an integer or a pair of integers, none negative, not "big"
  y = conv2d(x, 8, kernel = "big")
      ^
)"},
      {"attribute that is a tensor", spec(R"(
  y = conv2d(x, 8, kernel = x)
  predict y)"),
       R"(m.graph:2:29: error: conv2d: kernel must be a number, a boolean, a string or a list of numbers, not a tensor
  y = conv2d(x, 8, kernel = x)
                            ^
)"},
      {"missing attribute", spec(R"(
  y = conv2d(x, 8)
  predict y)"),
       R"(m.graph:2:7: error: conv2d: kernel is missing
  y = conv2d(x, 8)
      ^
)"},
      {"positional after named", spec(R"(
  y = conv2d(x, kernel = 3, 8)
  predict y)"),
       R"(m.graph:2:29: error: conv2d: a positional argument cannot follow a named one
  y = conv2d(x, kernel = 3, 8)
                            ^
)"},
      {"extra positional", spec(R"(
  y = conv2d(x, 8, 3)
  predict y)"),
       R"(m.graph:2:20: error: conv2d: argument 3 must have a name, such as kernel = ...
  y = conv2d(x, 8, 3)
                   ^
)"},
      {"shape mismatch", spec(R"(
  a = conv2d(x, 8, kernel = 3)
  b = conv2d(x, 8, kernel = 3, pad = 1)
  y = a + b
  predict y)"),
       R"(m.graph:4:9: error: add: the shapes of f32[N, 8, 6, 6] and f32[N, 8, 8, 8] do not match
  y = a + b
        ^
)"},
      {"kernel larger than the input", spec(R"(
  y = conv2d(x, 8, kernel = 9)
  predict y)"),
       R"(m.graph:2:7: error: conv2d: the kernel 9x9 (dilation 1x1) does not fit in the input 8x8 padded by 0x0
  y = conv2d(x, 8, kernel = 9)
      ^
)"},
      {"groups that do not divide", spec(R"(
  y = conv2d(x, 8, kernel = 3, groups = 2)
  predict y)"),
       R"(m.graph:2:7: error: conv2d: the 3 input channels are not divisible into 2 groups
  y = conv2d(x, 8, kernel = 3, groups = 2)
      ^
)"},
      {"wrong rank", spec(R"(
  y = conv2d(label, 8, kernel = 3)
  predict y)"),
       R"(m.graph:2:7: error: conv2d: the input must be f32 of rank 4, not i32[N]
  y = conv2d(label, 8, kernel = 3)
      ^
)"},
      {"outputs not an integer", spec(R"(
  y = conv2d(x, 8.5, kernel = 3)
  predict y)"),
       R"(m.graph:2:17: error: conv2d: the number of outputs must be an integer, not a real number
  y = conv2d(x, 8.5, kernel = 3)
                ^
)"},
      {"outputs not positive", spec(R"(
  y = linear(flatten(x), 0)
  predict y)"),
       R"(m.graph:2:26: error: linear: the number of outputs must be at least 1, not 0
  y = linear(flatten(x), 0)
                         ^
)"},
      {"kernel 0", spec(R"(
  y = conv2d(x, 8, kernel = 0)
  predict y)"),
       R"(m.graph:2:7: error: y.weight: every size of f32[8, 3, 0, 0] must be at least 1
  y = conv2d(x, 8, kernel = 0)
      ^
)"},
      {"bias not boolean", spec(R"(
  y = conv2d(x, 8, kernel = 3, bias = 1)
  predict y)"),
       R"(m.graph:2:7: error: conv2d: bias must be true or false, not 1
  y = conv2d(x, 8, kernel = 3, bias = 1)
      ^
)"},
      {"operand not a tensor", spec(R"(
  y = relu(3)
  predict y)"),
       R"(m.graph:2:12: error: relu: operand 1 must be a tensor, not an integer
  y = relu(3)
           ^
)"},
      {"operator on a tensor and a string", spec(R"(
  y = x + "a"
  predict y)"),
       R"(m.graph:2:9: error: '+' cannot be applied to a tensor and a string
  y = x + "a"
        ^
)"},
      {"quotient of tensors rounded down", spec(R"(
  y = x // 3
  predict y)"),
       R"(m.graph:2:9: error: '//' cannot be applied to a tensor and an integer
  y = x // 3
        ^
)"},
  });
}

TEST_CASE("sizes and types") {
  check_errors({
      {"size 2^63", spec(R"(
  y = conv2d(x, 9223372036854775807, kernel = 3)
  predict y)"),
       R"(m.graph:2:7: error: f32[9223372036854775807, 3, 3, 3] is too large
  y = conv2d(x, 9223372036854775807, kernel = 3)
      ^
)"},
      {"attribute too large", spec(R"(
  y = conv2d(x, 8, kernel = 3, pad = 4294967296)
  predict y)"),
       R"(m.graph:2:7: error: conv2d: pad = 4294967296 is too large
  y = conv2d(x, 8, kernel = 3, pad = 4294967296)
      ^
)"},
      {"input of 2^63 elements", R"(model m(x: f32[N, 4294967296, 4294967296]) {
  predict x
}
)",
       R"(m.graph:1:12: error: f32[N, 4294967296, 4294967296] is too large
model m(x: f32[N, 4294967296, 4294967296]) {
           ^
)"},
      {"an input size of 0", R"(model m(x: f32[N, 0]) {
  predict x
}
)",
       R"(m.graph:1:19: error: a size must be at least 1, not 0
model m(x: f32[N, 0]) {
                  ^
)"},
      {"batch not first", R"(model m(x: f32[3, N]) {
  predict x
}
)",
       R"(m.graph:1:19: error: only the first size can be the batch N
model m(x: f32[3, N]) {
                  ^
)"},
      {"size not an integer", R"(model m(x: f32[N, 2.5]) {
  predict x
}
)",
       R"(m.graph:1:19: error: a size must be an integer, not a real number
model m(x: f32[N, 2.5]) {
                  ^
)"},
      {"unknown element type", R"(model m(x: f16[N, 2]) {
  predict x
}
)",
       R"(m.graph:1:12: error: unknown element type 'f16'; known are f32, u8 and i32
model m(x: f16[N, 2]) {
           ^
)"},
      {"an optimizer's element type", R"(model m(x: f32[N, 2], lr: f64[]) {
  predict x
}
)",
       R"(m.graph:1:27: error: an input of a model is f32, u8 or i32; an optimizer's numbers are f64
model m(x: f32[N, 2], lr: f64[]) {
                          ^
)"},
      {"a layout in a spec", R"(model m(x: f32[N, 4 | 1:2]) {
  predict x
}
)",
       R"(m.graph:1:12: error: a layout can only be given in a dump
model m(x: f32[N, 4 | 1:2]) {
           ^
)"},
      {"tensor of integers", spec(R"(
  parameter w : i32[4]
  predict x)"),
       R"(m.graph:2:13: error: w: a tensor must be f32, not i32
  parameter w : i32[4]
            ^
)"},
  });
}

}  // namespace rnc
