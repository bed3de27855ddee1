// All independent errors of a text are shown, and none that follows from another.
#include "text_support.h"

namespace rnc {

TEST_CASE("errors of statements, and what depends on them") {
  check_errors({
      {"two errors; the rest depends on the first", spec(R"(
  a = conv2d(x, 8, kernel = 9)
  b = relu(a)
  c = linear(flatten(b), 10)
  d = x + conv2d(x, 4, kernel = 3)
  if channels(b) == 8 { e = relu(x) }
  f = relu(e)
  predict c
  loss cross_entropy(c, label))"),
       R"(m.graph:2:7: error: conv2d: the kernel 9x9 (dilation 1x1) does not fit in the input 8x8 padded by 0x0
  a = conv2d(x, 8, kernel = 9)
      ^
m.graph:5:9: error: add: the shapes of f32[N, 3, 8, 8] and f32[N, 4, 6, 6] do not match
  d = x + conv2d(x, 4, kernel = 3)
        ^
2 errors
)"},
      {"arguments are checked although the operand has failed", spec(R"(
  a = conv2d(y, 8, kernel = 3, padding = 1, strides = 2)
  b = conv2d(relu(a), 8, kernel_size = 3)
  predict b)"),
       R"(m.graph:2:14: error: unknown name 'y'; did you mean 'x'?
  a = conv2d(y, 8, kernel = 3, padding = 1, strides = 2)
             ^
m.graph:2:32: error: conv2d: there is no argument 'padding'; did you mean 'pad'?
  a = conv2d(y, 8, kernel = 3, padding = 1, strides = 2)
                               ^
m.graph:2:45: error: conv2d: there is no argument 'strides'; did you mean 'stride'?
  a = conv2d(y, 8, kernel = 3, padding = 1, strides = 2)
                                            ^
m.graph:3:26: error: conv2d: there is no argument 'kernel_size'; did you mean 'kernel'?
  b = conv2d(relu(a), 8, kernel_size = 3)
                         ^
4 errors
)"},
      {"a block's error once, whatever calls it", R"(block pair(x) {
  a = relu(nothing)
  return x + a + nothing
}
)" + spec(R"(
  a = pair(x)
  b = pair(a)
  c = repeat(pair, x, count = 10000)
  predict c
  recipe(lr = 1)
  recipe(lr = 1))"),
       R"(m.graph:2:12: error: unknown name 'nothing'
  a = relu(nothing)
           ^
m.graph:6:7: note: in block pair, called here
  a = pair(x)
      ^
m.graph:11:3: error: a model can have only one recipe
  recipe(lr = 1)
  ^
m.graph:10:3: note: the first is here
  recipe(lr = 1)
  ^
2 errors
)"},
      {"constants, inputs, tensors and what a model says", R"(const a = 3 / 0
const b = a * 2
const c = "x" * 2
model m(x: f16[N, 2], y: f32[N, b], z: f32[c]) {
  parameter w : f32[b, 2.5]
  v = x + w
  init conv.weight = zeros()
  classes [v, 3]
}
)",
       R"(m.graph:1:13: error: 3 / 0: division by zero
const a = 3 / 0
            ^
m.graph:3:15: error: '*' cannot be applied to a string and an integer
const c = "x" * 2
              ^
m.graph:4:7: error: model m does not say what it predicts: add `predict NAME`
model m(x: f16[N, 2], y: f32[N, b], z: f32[c]) {
      ^
m.graph:4:12: error: unknown element type 'f16'; known are f32, u8 and i32
model m(x: f16[N, 2], y: f32[N, b], z: f32[c]) {
           ^
m.graph:7:8: error: there is no 'conv.weight' to initialise; did you mean 'conv2d.weight'?
  init conv.weight = zeros()
       ^
5 errors
)"},
      {"a dump", dump(R"(
  parameter v : f32[4, N]
  entry model {
    x : f32[N, 4] = input()
    v : f32[4] = state()
    y : f32[N, 4] = reul(x)
    z : f32[N, 4] = relu(y)
    u : f32[N, 5] = relu(x)
    output z = z
    assign v = x
    assign w = x
  })"),
       R"(m.graph:3:24: error: only the first size can be the batch N
  parameter v : f32[4, N]
                       ^
m.graph:7:21: error: unknown operation 'reul'; did you mean 'relu'?
    y : f32[N, 4] = reul(x)
                    ^
m.graph:9:9: error: u is declared f32[N, 5] but is f32[N, 4]
    u : f32[N, 5] = relu(x)
        ^
m.graph:12:12: error: w f32[4] cannot take the value of x f32[N, 4]
    assign w = x
           ^
4 errors
)"},
  });
}

TEST_CASE("errors of syntax, and what comes after them") {
  check_errors({
      {"at the ends of lines, of brackets and of lines that open one too many", spec(R"(
  a = relu(x) relu(x)
  b = conv2d(x,
    8, kernel = = 3,
    pad = 1)
  c = relu(x
  d = relu(c) + relu(b) + relu(a) + nothing
  if d ? 1 {
    e = relu(x)
  } else {
    f = relu(x)
  }
  g = e + f
  h = 3x
  predict d)"),
       R"(m.graph:2:15: error: expected end of line, found 'relu'
  a = relu(x) relu(x)
              ^
m.graph:4:17: error: expected an expression, found '='
    8, kernel = = 3,
                ^
m.graph:7:3: error: expected ')', found 'd'
  d = relu(c) + relu(b) + relu(a) + nothing
  ^
m.graph:6:11: note: to close this '('
  c = relu(x
          ^
m.graph:7:37: error: unknown name 'nothing'
  d = relu(c) + relu(b) + relu(a) + nothing
                                    ^
m.graph:8:8: error: unexpected character '?'
  if d ? 1 {
       ^
m.graph:14:7: error: malformed number '3x'
  h = 3x
      ^
6 errors
)"},
      {"items; what they would have defined is not asked for", R"(const a = 3 +
const b = 4 5
block c(x) {
  return relu(x)
const d = 3
model m(x f32[N, 3]) {
  y = c(x) + a + b
}
}
)",
       R"(m.graph:1:14: error: expected an expression, found end of line
const a = 3 +
             ^
m.graph:2:13: error: expected end of line, found '5'
const b = 4 5
            ^
m.graph:5:1: error: expected '}', found 'const'
const d = 3
^
m.graph:3:12: note: to close this '{'
block c(x) {
           ^
m.graph:6:11: error: expected ':', found 'f32'
model m(x f32[N, 3]) {
          ^
4 errors
)"},
      {"a comment of another language", R"(// a model
model m(x: f32[N, 3]) {
  y = nothing
  predict z
}
)",
       R"(m.graph:1:1: error: expected include, const, block or model, found '//'; // rounds a quotient down; a comment begins with #
// a model
^
m.graph:3:7: error: unknown name 'nothing'
  y = nothing
      ^
m.graph:4:11: error: unknown name 'z'; did you mean 'x'?
  predict z
          ^
3 errors
)"},
      {"a brace too many", R"(block a(x) {
  if x {
    y = = relu(x)
  }
  }
  return y
}
)",
       R"(m.graph:3:9: error: expected an expression, found '='
    y = = relu(x)
        ^
m.graph:6:3: error: expected include, const, block or model, found 'return'
  return y
  ^
2 errors
)"},
  });
}

TEST_CASE("many errors are counted, twenty shown") {
  const auto with_errors = [](int count) {
    std::string body;
    for (int i = 0; i < count; ++i) body += "\n  a" + std::to_string(i) + " = nothing" + std::to_string(i);
    return error_of(spec(body + "\n  predict x"));
  };
  const auto lines = [](const std::string& text) { return std::count(text.begin(), text.end(), '\n'); };
  CHECK(lines(with_errors(20)) == 61);
  CHECK(with_errors(20).ends_with("\n20 errors\n"));
  CHECK(lines(with_errors(21)) == 61);
  CHECK(with_errors(21).ends_with("\n21 errors; the first 20 are shown\n"));
  CHECK(with_errors(100'000).ends_with("\n1000 errors; the first 20 are shown\n"));
}

}  // namespace rnc
