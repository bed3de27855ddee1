// Errors in expressions, blocks and constants, each by its full text.
#include "text_support.h"

namespace rnc {

TEST_CASE("conditions and statements out of place; arithmetic, lists and functions") {
  check_errors({
      {"condition not boolean", spec(R"(
  if channels(x) { y = relu(x) }
  predict x)"),
       R"(m.graph:2:6: error: a condition must be true or false, not an integer
  if channels(x) { y = relu(x) }
     ^
)"},
      {"not a boolean operand", spec(R"(
  if not 3 { y = relu(x) }
  predict x)"),
       R"(m.graph:2:6: error: the operand of 'not' must be true or false, not an integer
  if not 3 { y = relu(x) }
     ^
)"},
      {"and of a number", spec(R"(
  if true and 3 { y = relu(x) }
  predict x)"),
       R"(m.graph:2:15: error: an operand of 'and' must be true or false, not an integer
  if true and 3 { y = relu(x) }
              ^
)"},
      {"return in a model", spec(R"(
  return x)"),
       R"(m.graph:2:3: error: return can only be used in a block
  return x
  ^
)"},
      {"output in a model", spec(R"(
  output y = x)"),
       R"(m.graph:2:10: error: output can only be used in an entry of a dump
  output y = x
         ^
)"},
      {"hash in a model", spec(R"(
  hash "0123456789abcdef"
  predict x)"),
       R"(m.graph:2:3: error: hash can only be used in a dump
  hash "0123456789abcdef"
  ^
)"},
      {"freeze what is not there", spec(R"(
  freeze "fc2"
  fc = linear(flatten(x), 7)
  predict fc)"),
       R"(m.graph:2:10: error: freeze: there is no parameter 'fc2'
  freeze "fc2"
         ^
)"},
      {"freeze no string", spec(R"(
  freeze 3
  predict x)"),
       R"(m.graph:2:10: error: freeze takes a string, not an integer
  freeze 3
         ^
)"},
      {"slot in a model", spec(R"(
  slot w : f32[3]
  predict x)"),
       R"(m.graph:2:8: error: a slot can only be declared in a dump
  slot w : f32[3]
       ^
)"},
      {"tensor with a batch", spec(R"(
  parameter w : f32[N, 3]
  predict x)"),
       R"(m.graph:2:13: error: w: the size of a tensor cannot depend on the batch
  parameter w : f32[N, 3]
            ^
)"},
      {"input() in a spec", spec(R"(
  y = input()
  predict x)"),
       R"(m.graph:2:7: error: input can only be used in an entry of a dump
  y = input()
      ^
)"},
      {"division not exact", spec(R"(
  y = linear(flatten(x), 7 / 2)
  predict y)"),
       R"(m.graph:2:28: error: 7 / 2 is not an integer; write 7 // 2 to round down or 7.0 / 2 for a real number
  y = linear(flatten(x), 7 / 2)
                           ^
)"},
      {"division by zero", spec(R"(
  y = linear(flatten(x), 7 / (3 - 3))
  predict y)"),
       R"(m.graph:2:28: error: 7 / 0: division by zero
  y = linear(flatten(x), 7 / (3 - 3))
                           ^
)"},
      {"integer overflow", spec(R"(
  y = linear(flatten(x), 9223372036854775807 + 1)
  predict y)"),
       R"(m.graph:2:46: error: 9223372036854775807 + 1 is too large
  y = linear(flatten(x), 9223372036854775807 + 1)
                                             ^
)"},
      {"arithmetic on strings", spec(R"(
  y = "a" * 2
  predict x)"),
       R"(m.graph:2:11: error: '*' cannot be applied to a string and an integer
  y = "a" * 2
          ^
)"},
      {"index outside", spec(R"(
  widths = [1, 2]
  y = linear(flatten(x), widths[2])
  predict y)"),
       R"(m.graph:3:33: error: index 2 is outside the list of 2 elements
  y = linear(flatten(x), widths[2])
                                ^
)"},
      {"index of a number", spec(R"(
  widths = 3
  y = linear(flatten(x), widths[0])
  predict y)"),
       R"(m.graph:3:32: error: what is indexed must be a list, not an integer
  y = linear(flatten(x), widths[0])
                               ^
)"},
      {"list of strings as attribute", spec(R"(
  y = normalize(x, mean = ["a"], std = [1])
  predict y)"),
       R"(m.graph:2:27: error: normalize: mean: an element must be a number, not a string
  y = normalize(x, mean = ["a"], std = [1])
                          ^
)"},
      {"height of a matrix", spec(R"(
  y = linear(flatten(x), height(flatten(x)))
  predict y)"),
       R"(m.graph:2:26: error: height: f32[N, 192] has no such dimension
  y = linear(flatten(x), height(flatten(x)))
                         ^
)"},
      {"channels of a number", spec(R"(
  y = channels(3)
  predict x)"),
       R"(m.graph:2:16: error: channels: the argument must be a tensor, not an integer
  y = channels(3)
               ^
)"},
      {"min of a string", spec(R"(
  y = min(3, "a")
  predict x)"),
       R"(m.graph:2:14: error: min: an argument must be a number, not a string
  y = min(3, "a")
             ^
)"},
      {"len of a number", spec(R"(
  y = len(3)
  predict x)"),
       R"(m.graph:2:7: error: len: the argument must be a list, not an integer
  y = len(3)
      ^
)"},
      {"max of nothing", spec(R"(
  y = max()
  predict x)"),
       R"(m.graph:2:7: error: max: takes one or more numbers
  y = max()
      ^
)"},
      {"normalisation with the wrong count", spec(R"(
  y = normalize(resize(x, size = 4), mean = [1, 2], std = [1, 2])
  predict y)"),
       R"(m.graph:2:7: error: normalize: the image must be u8 of rank 4, not f32[N, 3, 4, 4]
  y = normalize(resize(x, size = 4), mean = [1, 2], std = [1, 2])
      ^
)"},
  });
}

TEST_CASE("blocks and repeat") {
  check_errors({
      {"an error in a block", R"(block unit(x, out, stride = 1) {
  return conv2d(x, out, kernel = 3, stride = stride)
}
)" + spec(R"(
  layer1 = unit(x, 8)
  layer2 = repeat(unit, layer1, 8, count = 9)
  predict layer2)"),
       R"(m.graph:2:10: error: conv2d: the kernel 3x3 (dilation 1x1) does not fit in the input 2x2 padded by 0x0
  return conv2d(x, out, kernel = 3, stride = stride)
         ^
m.graph:6:12: note: in block unit, called here
  layer2 = repeat(unit, layer1, 8, count = 9)
           ^
)"},
      {"block argument missing", R"(block unit(x, out, stride = 1) {
  return conv2d(x, out, kernel = 3, stride = stride)
}
)" + spec(R"(
  y = unit(x)
  predict y)"),
       R"(m.graph:5:7: error: unit: out is missing
  y = unit(x)
      ^
)"},
      {"block argument unknown", R"(block unit(x, out, stride = 1) {
  return conv2d(x, out, kernel = 3, stride = stride)
}
)" + spec(R"(
  y = unit(x, 8, strid = 2)
  predict y)"),
       R"(m.graph:5:18: error: unit: there is no argument 'strid'; did you mean 'stride'?
  y = unit(x, 8, strid = 2)
                 ^
)"},
      {"block argument twice", R"(block unit(x, out, stride = 1) {
  return conv2d(x, out, kernel = 3, stride = stride)
}
)" + spec(R"(
  y = unit(x, 8, out = 8)
  predict y)"),
       R"(m.graph:5:18: error: unit: out is given twice
  y = unit(x, 8, out = 8)
                 ^
)"},
      {"too many block arguments", R"(block unit(x, out, stride = 1) {
  return conv2d(x, out, kernel = 3, stride = stride)
}
)" + spec(R"(
  y = unit(x, 8, 1, 2)
  predict y)"),
       R"(m.graph:5:21: error: unit: takes 3 arguments, not 4
  y = unit(x, 8, 1, 2)
                    ^
)"},
      {"unknown block", R"(block unit(x, out, stride = 1) {
  return conv2d(x, out, kernel = 3, stride = stride)
}
)" + spec(R"(
  y = unitt(x, 8)
  predict y)"),
       R"(m.graph:5:7: error: unknown operation or block 'unitt'; did you mean 'unit'?
  y = unitt(x, 8)
      ^
)"},
      {"repeat without a block", spec(R"(
  y = repeat(3, x, count = 2)
  predict y)"),
       R"(m.graph:2:14: error: repeat: the first argument must be a block or an operation, not an integer
  y = repeat(3, x, count = 2)
             ^
)"},
      {"repeat without count", R"(block unit(x, out, stride = 1) {
  return conv2d(x, out, kernel = 3, stride = stride)
}
)" + spec(R"(
  y = repeat(unit, x, 8)
  predict y)"),
       R"(m.graph:5:7: error: repeat: count is missing
  y = repeat(unit, x, 8)
      ^
)"},
      {"repeat without input", R"(block unit(x, out, stride = 1) {
  return conv2d(x, out, kernel = 3, stride = stride)
}
)" + spec(R"(
  y = repeat(unit, count = 2)
  predict y)"),
       R"(m.graph:5:7: error: repeat: takes a block, what it is applied to, and count = K
  y = repeat(unit, count = 2)
      ^
)"},
      {"repeat count too large", R"(block unit(x, out, stride = 1) {
  return conv2d(x, out, kernel = 3, stride = stride)
}
)" + spec(R"(
  y = repeat(unit, x, 8, count = 1000000)
  predict y)"),
       R"(m.graph:5:34: error: repeat: count must be between 0 and 10000, not 1000000
  y = repeat(unit, x, 8, count = 1000000)
                                 ^
)"},
      {"recursion", R"(block a(x) {
  return b(x)
}
block b(x) {
  return a(x)
}
)" + spec(R"(
  y = a(x)
  predict y)"),
       R"(m.graph:5:10: error: block a calls itself
  return a(x)
         ^
m.graph:2:10: note: in block b, called here
  return b(x)
         ^
m.graph:8:7: note: in block a, called here
  y = a(x)
      ^
)"},
      {"a block that returns nothing", R"(block a(x) {
  y = relu(x)
}
)" + spec(R"(
  y = a(x)
  predict y)"),
       R"(m.graph:1:7: error: block a does not return anything
block a(x) {
      ^
m.graph:5:7: note: in block a, called here
  y = a(x)
      ^
)"},
      {"predict in a block", R"(block a(x) {
  predict x
}
)" + spec(R"(
  y = a(x)
  predict y)"),
       R"(m.graph:2:3: error: predict can only be used in a model
  predict x
  ^
m.graph:5:7: note: in block a, called here
  y = a(x)
      ^
)"},
      {"a block called like an operation", R"(block relu(x) {
  return x
}
)" + spec(R"(
  predict x)"),
       R"(m.graph:1:7: error: a block cannot be called relu: that is built in
block relu(x) {
      ^
)"},
      {"two blocks of one name", R"(block a(x) {
  return x
}
block a(x) {
  return x
}
)" + spec(R"(
  predict x)"),
       R"(m.graph:4:7: error: a is already defined
block a(x) {
      ^
m.graph:1:7: note: first defined here
block a(x) {
      ^
)"},
      {"two models", R"(model m(x: f32[N, 3, 8, 8], label: i32[N]) {
  predict x
}
model m(x: f32[N, 3, 8, 8], label: i32[N]) {
  predict x
}
)",
       R"(m.graph:4:7: error: a file can define only one model
model m(x: f32[N, 3, 8, 8], label: i32[N]) {
      ^
m.graph:1:7: note: the first is here
model m(x: f32[N, 3, 8, 8], label: i32[N]) {
      ^
)"},
  });
}

TEST_CASE("files and constants") {
  check_errors({
      {"no model", R"(const a = 3
)",
       R"(m.graph:1:1: error: the file defines no model
const a = 3
^
)"},
      {"constant N", R"(const N = 3
)" + spec(R"(
  predict x)"),
       R"(m.graph:1:7: error: N has a meaning of its own and cannot be defined
const N = 3
      ^
)"},
      {"constant unknown", R"(const a = 3
const b = A * 2
)" + spec(R"(
  predict x)"),
       R"(m.graph:2:11: error: unknown constant 'A'; did you mean 'a'?
const b = A * 2
          ^
)"},
      {"constant calls an operation", R"(const a = relu(3)
)" + spec(R"(
  predict x)"),
       R"(m.graph:1:11: error: 'relu' cannot be used in a constant expression
const a = relu(3)
          ^
)"},
      {"--set unknown",
       R"(const width = 3
)" + spec(R"(
  predict x)"),
       R"(error: --set widht=4: there is no constant 'widht'; did you mean 'width'?
)",
       {.set = {{"widht", "4"}}}},
      {"--set malformed",
       R"(const width = 3
)" + spec(R"(
  predict x)"),
       R"(--set width:1:4: error: expected an expression, found end of file
4 +
   ^
)",
       {.set = {{"width", "4 +"}}}},
  });
}

}  // namespace rnc
