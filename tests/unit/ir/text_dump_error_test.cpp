// Errors in dumps, each by its full text.
#include "text_support.h"

namespace rnc {

TEST_CASE("hash") {
  check_errors({
      {"too short", dump(R"(
  hash "0123"
  entry model {
    x : f32[N, 4] = input()
  })"),
       R"(m.graph:3:8: error: hash must be a string of 16 hexadecimal digits
  hash "0123"
       ^
)"},
  });
}

TEST_CASE("operations") {
  check_errors({
      {"unknown operation", dump(R"(
  entry model {
    x : f32[N, 4] = input()
    y : f32[N, 4] = reul(x)
  })"),
       R"(m.graph:5:21: error: unknown operation 'reul'; did you mean 'relu'?
    y : f32[N, 4] = reul(x)
                    ^
)"},
      {"unknown name", dump(R"(
  entry model {
    x : f32[N, 4] = input()
    y : f32[N, 4] = relu(xx)
  })"),
       R"(m.graph:5:26: error: unknown name 'xx'; did you mean 'x'?
    y : f32[N, 4] = relu(xx)
                         ^
)"},
      {"type differs", dump(R"(
  entry model {
    x : f32[N, 4] = input()
    y : f32[N, 5] = relu(x)
  })"),
       R"(m.graph:5:9: error: y is declared f32[N, 5] but is f32[N, 4]
    y : f32[N, 5] = relu(x)
        ^
)"},
      {"input without type", dump(R"(
  entry model {
    x = input()
  })"),
       R"(m.graph:4:5: error: input: the type is missing
    x = input()
    ^
)"},
      {"input with arguments", dump(R"(
  entry model {
    x : f32[N, 4] = input(3)
  })"),
       R"(m.graph:4:21: error: input: takes no arguments
    x : f32[N, 4] = input(3)
                    ^
)"},
      {"input with a default that has none", dump(R"(
  entry model {
    x : f32[N, 4] = input(default = 3)
  })"),
       R"(m.graph:4:5: error: the input x f32[N, 4] has a default, which only f32[] can have
    x : f32[N, 4] = input(default = 3)
    ^
)"},
      {"input with another argument", dump(R"(
  entry model {
    x : f32[] = input(defautl = 3)
  })"),
       R"(m.graph:4:23: error: input: there is no argument 'defautl'; did you mean 'default'?
    x : f32[] = input(defautl = 3)
                      ^
)"},
      {"unknown tensor", dump(R"(
  entry model {
    v : f32[4] = state()
  })"),
       R"(m.graph:4:5: error: unknown tensor 'v'; did you mean 'w'?
    v : f32[4] = state()
    ^
)"},
      {"redefinition", dump(R"(
  entry model {
    x : f32[N, 4] = input()
    x : f32[N, 4] = relu(x)
  })"),
       R"(m.graph:5:5: error: x is already defined
    x : f32[N, 4] = relu(x)
    ^
)"},
      {"no operation", dump(R"(
  entry model {
    x : f32[N, 4] = 3
  })"),
       R"(m.graph:4:21: error: a statement of a dump must be one operation
    x : f32[N, 4] = 3
                    ^
)"},
      {"nested operations", dump(R"(
  entry model {
    x : f32[N, 4] = input()
    y : f32[N, 4] = relu(relu(x))
  })"),
       R"(m.graph:5:26: error: an operand in a dump must be the name of a value
    y : f32[N, 4] = relu(relu(x))
                         ^
)"},
      {"named argument of none", dump(R"(
  entry model {
    x : f32[N, 4] = input()
    y : f32[N, 4] = relu(x, a = 3)
  })"),
       R"(m.graph:5:21: error: relu: takes no named arguments
    y : f32[N, 4] = relu(x, a = 3)
                    ^
)"},
      {"unknown attribute", dump(R"(
  entry model {
    x : f32[N, 4] = input()
    y : f32[N, 4] = reshape(x, shap = [N, 4])
  })"),
       R"(m.graph:5:32: error: reshape: there is no argument 'shap'; did you mean 'shape'?
    y : f32[N, 4] = reshape(x, shap = [N, 4])
                               ^
)"},
      {"operation in an attribute", dump(R"(
  entry model {
    x : f32[N, 4] = input()
    y : f32[N, 4] = reshape(x, shape = relu(x))
  })"),
       R"(m.graph:5:40: error: 'relu' cannot be used in a constant expression
    y : f32[N, 4] = reshape(x, shape = relu(x))
                                       ^
)"},
  });
}

TEST_CASE("results, tensors, kernels and layouts") {
  check_errors({
      {"output twice", dump(R"(
  entry model {
    x : f32[N, 4] = input()
    output y = x
    output y = x
  })"),
       R"(m.graph:6:12: error: there already is an output y
    output y = x
           ^
)"},
      {"assign twice", dump(R"(
  entry model {
    w : f32[4] = state()
    assign w = w
    assign w = w
  })"),
       R"(m.graph:6:12: error: w is already assigned
    assign w = w
           ^
)"},
      {"assign an unknown tensor", dump(R"(
  entry model {
    w : f32[4] = state()
    assign ww = w
  })"),
       R"(m.graph:5:12: error: unknown tensor 'ww'; did you mean 'w'?
    assign ww = w
           ^
)"},
      {"assign another shape", dump(R"(
  entry model {
    x : f32[3] = input()
    assign w = x
  })"),
       R"(m.graph:5:12: error: w f32[4] cannot take the value of x f32[3]
    assign w = x
           ^
)"},
      {"entry twice", dump(R"(
  entry model {
  }
  entry model {
  })"),
       R"(m.graph:5:9: error: entry model is already defined
  entry model {
        ^
)"},
      {"tensor twice", dump(R"(
  parameter w : f32[4]
  entry model {
  })"),
       R"(m.graph:3:13: error: w is already defined
  parameter w : f32[4]
            ^
)"},
      {"a spec statement in a dump", dump(R"(
  y = relu(x)
  entry model {
  })"),
       R"(m.graph:3:3: error: an operation cannot stand in a model with entries, only in an entry
  y = relu(x)
  ^
)"},
      {"a kernel in a kernel", dump(R"(
  entry model {
    kernel a {
      kernel b {
      }
    }
  })"),
       R"(m.graph:5:14: error: kernel cannot stand in a kernel
      kernel b {
             ^
)"},
      {"predict an expression", dump(R"(
  predict relu(x)
  entry model {
  })"),
       R"(m.graph:3:11: error: predict takes the name of a tensor: give the prediction one
  predict relu(x)
          ^
)"},
      {"block of an unknown dimension", dump(R"(
  entry model {
    x : f32[N, 4 | 2:16] = input()
  })"),
       R"(m.graph:4:9: error: a layout has at most 6 blocks, of dimensions that there are and of 1 to 4096 elements per dimension
    x : f32[N, 4 | 2:16] = input()
        ^
)"},
      {"layout that is no order", dump(R"(
  entry model {
    x : f32[N, 4 | order 0 0] = input()
  })"),
       R"(m.graph:4:9: error: the order of a layout must name the dimensions 0 to 1 once each
    x : f32[N, 4 | order 0 0] = input()
        ^
)"},
      {"layout too large", dump(R"(
  entry model {
    x : f32[N, 4000000, 4000000 | 1:1000000000] = input()
  })"),
       R"(m.graph:4:9: error: a layout has at most 6 blocks, of dimensions that there are and of 1 to 4096 elements per dimension
    x : f32[N, 4000000, 4000000 | 1:1000000000] = input()
        ^
)"},
      {"tensor with a batch", dump(R"(
  buffer v : f32[N]
  entry model {
  })"),
       R"(m.graph:3:10: error: v: the size of a tensor cannot depend on the batch
  buffer v : f32[N]
         ^
)"},
      {"inputs of the model", R"(model m(x: f32[N, 4]) {
  entry model {
  }
}
)",
       R"(m.graph:1:7: error: a model with entries takes its inputs in the entries
model m(x: f32[N, 4]) {
      ^
)"},
      {"--optimizer on derived entries",
       dump(R"(
  entry infer {
  }
  entry update {
  })"),
       R"(m.graph:1:7: error: --optimizer cannot change this dump: its training entries are already derived
model m {
      ^
)",
       {.optimizer = "adam"}},
      {"--freeze on derived entries",
       dump(R"(
  entry infer {
  }
  entry update {
  })"),
       R"(m.graph:1:7: error: --freeze cannot change this dump: its training entries are already derived
model m {
      ^
)",
       {.freeze = {"fc"}}},
      {"an input after other values", dump(R"(
  entry model {
    w : f32[4] = state()
    x : f32[N, 4] = input()
  })"),
       R"(m.graph:5:5: error: the input x comes after other values
    x : f32[N, 4] = input()
    ^
)"},
      {"a layout of the batch", dump(R"(
  entry model {
    x : f32[N, 4] = input()
    y : f32[N, 4 | 0:16] = relu(x)
  })"),
       R"(m.graph:5:5: error: the layout of y f32[N, 4 | 0:16] blocks the batch
    y : f32[N, 4 | 0:16] = relu(x)
    ^
)"},
      {"state of another layout", dump(R"(
  entry model {
    w : f32[4 | 0:4] = state()
  })"),
       R"(m.graph:4:5: error: the tensor w is f32[4], not f32[4 | 0:4]
    w : f32[4 | 0:4] = state()
    ^
)"},
      {"model beside other entries", dump(R"(
  entry model {
  }
  entry infer {
  })"),
       R"(m.graph:1:7: error: the entry model stands beside others
model m {
      ^
)"},
  });
}

}  // namespace rnc
