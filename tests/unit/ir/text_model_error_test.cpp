// Errors in what a model says, each by its full text.
#include "text_support.h"

namespace rnc {

TEST_CASE("names and prediction") {
  check_errors({
      {"redefinition", spec(R"(
  y = relu(x)
  y = relu(y)
  predict y)"),
       R"(m.graph:3:3: error: y is already defined
  y = relu(y)
  ^
m.graph:2:7: note: first defined here
  y = relu(x)
      ^
)"},
      {"redefinition of an input", spec(R"(
  x = relu(x)
  predict x)"),
       R"(m.graph:2:3: error: x is already defined
  x = relu(x)
  ^
m.graph:1:9: note: first defined here
model m(x: f32[N, 3, 8, 8], label: i32[N]) {
        ^
)"},
      {"redefinition of a parameter", spec(R"(
  conv.weight = relu(x)
  conv = conv2d(x, 8, kernel = 3)
  predict conv)"),
       R"(m.graph:3:10: error: conv.weight is already defined
  conv = conv2d(x, 8, kernel = 3)
         ^
m.graph:2:17: note: first defined here
  conv.weight = relu(x)
                ^
)"},
      {"missing predict", spec(R"(
  y = relu(x))"),
       R"(m.graph:1:7: error: model m does not say what it predicts: add `predict NAME`
model m(x: f32[N, 3, 8, 8], label: i32[N]) {
      ^
)"},
      {"predict an expression", spec(R"(
  predict relu(x))"),
       R"(m.graph:2:11: error: predict takes the name of a tensor, or predict NAME = ...
  predict relu(x)
          ^
)"},
      {"predict a number", spec(R"(
  y = 3
  predict y)"),
       R"(m.graph:3:11: error: what is predicted must be a tensor, not an integer
  predict y
          ^
)"},
      {"predict loss", spec(R"(
  loss = relu(x)
  predict loss)"),
       R"(m.graph:3:11: error: what is predicted cannot be called loss
  predict loss
          ^
)"},
  });
}

TEST_CASE("optimizer, recipe, classes and initialisers") {
  check_errors({
      {"train without a loss", spec(R"(
  predict x
  train sgd(momentum = 0.9))"),
       R"(m.graph:3:9: error: model m cannot be trained without a loss: add `loss cross_entropy(...)`
  train sgd(momentum = 0.9)
        ^
)"},
      {"loss not a scalar", spec(R"(
  predict x
  loss relu(x))"),
       R"(m.graph:3:8: error: the loss must be a scalar f32[], not f32[N, 3, 8, 8]
  loss relu(x)
       ^
)"},
      {"hyper-parameter not a number", spec(R"(
  predict x
  train sgd(momentum = "high"))"),
       R"(m.graph:3:9: error: sgd: momentum must be a number or a boolean, not "high"
  train sgd(momentum = "high")
        ^
)"},
      {"hyper-parameter without a name", spec(R"(
  predict x
  train sgd(0.9))"),
       R"(m.graph:3:13: error: sgd: this argument must have a name
  train sgd(0.9)
            ^
)"},
      {"optimizer not a call", spec(R"(
  predict x
  train 3)"),
       R"(m.graph:3:9: error: expected a call such as sgd(momentum = 0.9)
  train 3
        ^
)"},
      {"malformed --optimizer",
       spec(R"(
  predict x)"),
       R"(--optimizer:1:13: error: expected an expression, found end of file
adam(beta1 =
            ^
)",
       {.optimizer = "adam(beta1 ="}},
      {"unknown recipe entry", spec(R"(
  predict x
  recipe(epoch = 3))"),
       R"(m.graph:3:10: error: recipe: there is no argument 'epoch'; did you mean 'epochs'?
  recipe(epoch = 3)
         ^
)"},
      {"recipe too small", spec(R"(
  predict x
  recipe(epochs = 0))"),
       R"(m.graph:3:19: error: recipe: epochs must be an integer from 1 to 1000000, not 0
  recipe(epochs = 0)
                  ^
)"},
      {"recipe too large", spec(R"(
  predict x
  recipe(epochs = 3, lr_gamma = 2))"),
       R"(m.graph:3:33: error: recipe: lr_gamma must be a number from 0 to 1, not 2.0
  recipe(epochs = 3, lr_gamma = 2)
                                ^
)"},
      {"recipe with a word there is not", spec(R"(
  predict x
  recipe(lr_scheduler = "sine"))"),
       R"(m.graph:3:25: error: recipe: lr_scheduler must be one of constant, step, multistep, exponential, cosine, onecycle, not "sine"
  recipe(lr_scheduler = "sine")
                        ^
)"},
      {"recipe with a number in a list too small", spec(R"(
  predict x
  recipe(lr_milestones = [5, 0]))"),
       R"(m.graph:3:26: error: recipe: lr_milestones must be integers from 1 to 1000000, not [5, 0]
  recipe(lr_milestones = [5, 0])
                         ^
)"},
      {"recipe wrong kind", spec(R"(
  predict x
  recipe(epochs = 2.5))"),
       R"(m.graph:3:19: error: recipe: epochs must be an integer, not 2.5
  recipe(epochs = 2.5)
                  ^
)"},
      {"classes not a list", spec(R"(
  predict x
  classes 10)"),
       R"(m.graph:3:11: error: classes must be a list of strings
  classes 10
          ^
)"},
      {"class not a string", spec(R"(
  predict x
  classes ["a", 2])"),
       R"(m.graph:3:11: error: a class name must be a string, not an integer
  classes ["a", 2]
          ^
)"},
      {"unknown initialiser", spec(R"(
  init conv2d.weight = kaiming_norm()
  predict x)"),
       R"(m.graph:2:24: error: unknown initialiser 'kaiming_norm'; did you mean 'kaiming_normal'?
  init conv2d.weight = kaiming_norm()
                       ^
)"},
      {"unknown part to initialise", spec(R"(
  init conv.weight = kaiming_normal()
  predict x)"),
       R"(m.graph:2:8: error: there is no 'conv.weight' to initialise; did you mean 'conv2d.weight'?
  init conv.weight = kaiming_normal()
       ^
)"},
      {"unknown initialiser argument", spec(R"(
  init conv2d.weight = kaiming_normal(mod = "fan_in")
  predict x)"),
       R"(m.graph:2:39: error: kaiming_normal: there is no argument 'mod'; did you mean 'mode'?
  init conv2d.weight = kaiming_normal(mod = "fan_in")
                                      ^
)"},
      {"initialiser argument missing", spec(R"(
  init conv2d.bias = uniform()
  predict x)"),
       R"(m.graph:2:22: error: uniform: bound is missing
  init conv2d.bias = uniform()
                     ^
)"},
      {"initialiser too many arguments", spec(R"(
  init conv2d.bias = uniform(1, 2)
  predict x)"),
       R"(m.graph:2:33: error: uniform: takes at most 1 positional argument
  init conv2d.bias = uniform(1, 2)
                                ^
)"},
      {"initialiser argument twice", spec(R"(
  init conv2d.bias = uniform(1, bound = 2)
  predict x)"),
       R"(m.graph:2:22: error: uniform: bound is given twice
  init conv2d.bias = uniform(1, bound = 2)
                     ^
)"},
      {"initialiser not a call", spec(R"(
  init conv2d.bias = 0
  predict x)"),
       R"(m.graph:2:22: error: expected a call such as kaiming_normal(mode = "fan_out")
  init conv2d.bias = 0
                     ^
)"},
      {"declared type differs", spec(R"(
  y : f32[N, 4, 8, 8] = relu(x)
  predict y)"),
       R"(m.graph:2:7: error: y is declared f32[N, 4, 8, 8] but is f32[N, 3, 8, 8]
  y : f32[N, 4, 8, 8] = relu(x)
      ^
)"},
      {"declared type of a number", spec(R"(
  y : f32[] = 3
  predict y)"),
       R"(m.graph:2:15: error: y, which has a type, must be a tensor, not an integer
  y : f32[] = 3
              ^
)"},
      {"a default of no scalar, and one that is no number", R"(model m(x: f32[N] = 1, a: f32[] = "a") {
  predict x
}
)",
       R"(m.graph:1:21: error: x: only a scalar f32[] can have a default, not f32[N]
model m(x: f32[N] = 1, a: f32[] = "a") {
                    ^
m.graph:1:35: error: a: the default must be a number, not a string
model m(x: f32[N] = 1, a: f32[] = "a") {
                                  ^
2 errors
)"},
  });
}

}  // namespace rnc
