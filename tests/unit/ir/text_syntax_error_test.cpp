// Errors of syntax, each by its full text.
#include "text_support.h"

namespace rnc {

TEST_CASE("tokens") {
  check_errors({
      {"a character outside the language", R"(model m(x: f32[N, 3]) {
  y = x ? 2
}
)",
       R"(m.graph:2:9: error: unexpected character '?'
  y = x ? 2
        ^
)"},
      {"a stray percent sign", R"(const a = 3 % 2
)",
       R"(m.graph:1:13: error: unexpected character '%'
const a = 3 % 2
            ^
)"},
      {"a malformed number", R"(const a = 3x
)",
       R"(m.graph:1:11: error: malformed number '3x'
const a = 3x
          ^
)"},
      {"an integer beyond 2^63 - 1", R"(const a = 9223372036854775808
)",
       R"(m.graph:1:11: error: the integer 9223372036854775808 is too large (the limit is 2^63 - 1)
const a = 9223372036854775808
          ^
)"},
      {"a real beyond double", R"(const a = 1e999
)",
       R"(m.graph:1:11: error: the number 1e999 is outside the range of a double
const a = 1e999
          ^
)"},
      {"an open string", R"(include "blocks.graph
)",
       R"(m.graph:1:9: error: this string has no closing quote
include "blocks.graph
        ^
)"},
      {"an unknown escape", R"(const a = "a\q"
)",
       R"(m.graph:1:13: error: unknown escape in a string; known are \n \t \" \\
const a = "a\q"
            ^
)"},
      {"an open backquote", R"(const `a = 3
)",
       R"(m.graph:1:7: error: this name has no closing backquote
const `a = 3
      ^
)"},
      {"an empty name", R"(const `` = 3
)",
       R"(m.graph:1:7: error: this name is empty
const `` = 3
      ^
)"},
  });
}

TEST_CASE("items, statements and types") {
  check_errors({
      {"something else than an item", R"(layer = 3
)",
       R"(m.graph:1:1: error: expected include, const, block or model, found 'layer'; write const layer = ...
layer = 3
^
)"},
      {"not an item", R"(3
)",
       R"(m.graph:1:1: error: expected include, const, block or model, found '3'
3
^
)"},
      {"inline without a block", R"(inline model m {
)",
       R"(m.graph:1:8: error: expected block, found 'model'
inline model m {
       ^
)"},
      {"include without a string", R"(include blocks.graph
)",
       R"(m.graph:1:9: error: expected the file to include, in quotes, found 'blocks.graph'
include blocks.graph
        ^
)"},
      {"a constant without a value", R"(const a 3
)",
       R"(m.graph:1:9: error: expected '=', found '3'
const a 3
        ^
)"},
      {"two statements on one line", R"(const a = 3 const b = 4
)",
       R"(m.graph:1:13: error: expected end of line, found 'const'
const a = 3 const b = 4
            ^
)"},
      {"an operator without operand", R"(const a = 3 +
const b = 4
)",
       R"(m.graph:1:14: error: expected an expression, found end of line
const a = 3 +
             ^
)"},
      {"a missing parenthesis", R"(const a = (3 + 4
const b = 4
)",
       R"(m.graph:2:1: error: expected ')', found 'const'
const b = 4
^
m.graph:1:11: note: to close this '('
const a = (3 + 4
          ^
)"},
      {"a reserved word as a name", R"(const a = else
)",
       R"(m.graph:1:11: error: expected an expression, found 'else'
const a = else
          ^
)"},
      {"an input without a type", R"(model m(x) {
}
)",
       R"(m.graph:1:10: error: expected ':', found ')'
model m(x) {
         ^
)"},
      {"a body that does not end", R"(model m(x: f32[N]) {
  y = relu(x)
)",
       R"(m.graph:3:1: error: expected '}', found end of file

^
m.graph:1:20: note: to close this '{'
model m(x: f32[N]) {
                   ^
)"},
      {"a call whose result is dropped", R"(model m(x: f32[N]) {
  relu(x)
}
)",
       R"(m.graph:2:3: error: the result of 'relu' is not used: write NAME = relu(...)
  relu(x)
  ^
)"},
      {"fail without return", R"(model m(x: f32[N]) {
  fail("no")
}
)",
       R"(m.graph:2:3: error: the result of 'fail' is not used: write return fail(...)
  fail("no")
  ^
)"},
      {"an unknown statement", R"(model m(x: f32[N]) {
  predicts x
}
)",
       R"(m.graph:2:3: error: expected a statement, found 'predicts'; did you mean 'predict'?
  predicts x
  ^
)"},
      {"a statement that is no name", R"(model m(x: f32[N]) {
  3 = x
}
)",
       R"(m.graph:2:3: error: expected a statement, found '3'
  3 = x
  ^
)"},
      {"a tensor without a type", R"(model m(x: f32[N]) {
  parameter w = constant(1)
}
)",
       R"(m.graph:2:15: error: expected ':', found '='
  parameter w = constant(1)
              ^
)"},
      {"a type without brackets", R"(model m(x: f32) {
}
)",
       R"(m.graph:1:15: error: expected '[', found ')'
model m(x: f32) {
              ^
)"},
      {"a layout that is no layout", R"(model m {
  parameter w : f32[4 | x]
}
)",
       R"(m.graph:2:25: error: expected a dimension, found 'x'
  parameter w : f32[4 | x]
                        ^
)"},
      {"an origin without a column", R"(model m {
  predict x @ "f" 3
}
)",
       R"(m.graph:2:20: error: expected ':', found end of line
  predict x @ "f" 3
                   ^
)"},
      {"a line number beyond reason", R"(model m {
  predict x @ "f" 99999999999:1
}
)",
       R"(m.graph:2:19: error: 99999999999 is too large
  predict x @ "f" 99999999999:1
                  ^
)"},
      {"an unknown layout dimension number", R"(model m {
  parameter w : f32[4 | 0:99999999999]
}
)",
       R"(m.graph:2:27: error: 99999999999 is too large
  parameter w : f32[4 | 0:99999999999]
                          ^
)"},
  });
}

}  // namespace rnc
