// What is said of names that mean nothing where they stand: names from other frameworks, from other places in the
// language, and misspelt ones.
#include <functional>

#include "text_support.h"

namespace rnc {
namespace {

// The message of the only error.
std::string message_of(const std::string& text) {
  const std::string error = error_of(text);
  const std::string line = error.substr(0, error.find('\n'));
  const size_t begin = line.find("error: ");
  return begin == std::string::npos ? line : line.substr(begin + 7);
}

std::string of_value(const std::string& value) {
  return message_of(spec("\n  y = " + value + "\n  predict x"));
}
std::string of_statement(const std::string& line) { return message_of(spec("\n  predict x\n  " + line)); }

struct Hint {
  std::string text;
  std::string message;
};
void check_hints(const std::function<std::string(const std::string&)>& message,
                 const std::vector<Hint>& hints) {
  for (const Hint& hint : hints) {
    CAPTURE(hint.text);
    CHECK(message(hint.text) == hint.message);
  }
}

}  // namespace

TEST_CASE("names of operations") {
  const std::string unknown = "unknown operation or block ";
  check_hints(
      of_value,
      {
          {"ReLU(x)", unknown + "'ReLU'; did you mean 'relu'?"},
          {"nn.ReLU(x)", unknown + "'nn.ReLU'; did you mean 'relu'?"},
          {"F.max_pool2d(x, kernel = 2)", unknown + "'F.max_pool2d'; did you mean 'max_pool'?"},
          {"Conv2d(x, 8)", unknown + "'Conv2d'; did you mean 'conv2d'?"},
          {"BatchNorm2d(x)", unknown + "'BatchNorm2d'; did you mean 'batch_norm'?"},
          {"BatchNormalization(x)", unknown + "'BatchNormalization'; did you mean 'batch_norm'?"},
          {"MaxPool2d(x, kernel = 2)", unknown + "'MaxPool2d'; did you mean 'max_pool'?"},
          {"AdaptiveAvgPool2d(x)", unknown + "'AdaptiveAvgPool2d'; did you mean 'adaptive_avg_pool'?"},
          {"F.interpolate(x)", unknown + "'F.interpolate'; did you mean 'resize'?"},
          {"log_softmx(x)", unknown + "'log_softmx'; did you mean 'log_softmax'?"},
          {"GlobalAveragePool(x)", unknown + "'GlobalAveragePool'; did you mean 'global_avg_pool'?"},
          {"Dense(x, 3)", unknown + "'Dense'; did you mean 'linear'?"},
          {"CrossEntropyLoss(x, label)", unknown + "'CrossEntropyLoss'; did you mean 'cross_entropy'?"},
          {"selu(x)", unknown + "'selu'; rnc has no such operation yet"},
          {"Sigmoid(x)", unknown + "'Sigmoid'; did you mean 'sigmoid'?"},
          {"Swish(x)", unknown + "'Swish'; did you mean 'silu'?"},
          {"Dropout(x)", unknown + "'Dropout'; did you mean 'dropout'?"},
          {"torch.cat(x, x)", unknown + "'torch.cat'; did you mean 'concat'?"},
          {"depthwise_conv2d(x)", unknown + "'depthwise_conv2d'; write conv2d with groups = channels(x)"},
          {"reul(x)", unknown + "'reul'; did you mean 'relu'?"},
          {"inputt(x)", unknown + "'inputt'"},  // input is only for dumps
          {"something(x)", unknown + "'something'"},
      });
}

TEST_CASE("names that are something else here") {
  check_hints(of_value,
              {
                  {"max(x)", "max: takes 2 operands, not 1"},
                  {"len(x)", "len: the argument must be a list, not a tensor"},
                  {"label(x)", "'label' is a tensor, which cannot be called"},
                  {"kaiming_normal(x)",
                   "unknown operation or block 'kaiming_normal'; kaiming_normal is an initialiser: write "
                   "`init conv2d.weight = kaiming_normal()`"},
                  {"sgd(x)",
                   "unknown operation or block 'sgd'; it is an optimizer: write `train sgd(momentum = 0.9)`"},
                  {"amin(x)", "unknown operation or block 'amin'; write -amax(-x, axes = [...])"},
                  {"flip(x)", "unknown operation or block 'flip'; rnc has no such operation yet"},
                  {"relu + x", "'+' cannot be applied to an operation and a tensor"},
                  {"channels", "unknown name 'channels'; channels is a function: write channels(...)"},
                  {"True", "unknown name 'True'; did you mean 'true'?"},
                  {"None", "unknown name 'None'; rnc has no such value"},
              });
  CHECK(message_of(dump("\n  entry model {\n    y = len(w)\n  }")) ==
        "unknown operation 'len'; that is a function, and a dump has only operations");
  CHECK(message_of("const a = mx(3, 4)\n" + spec("\n  predict x")) ==
        "unknown function 'mx'; did you mean 'max'?");
}

TEST_CASE("names of arguments") {
  const std::string conv = "conv2d: there is no argument ";
  const auto of_conv = [](const std::string& argument) {
    return of_value("conv2d(x, 8, kernel = 3, " + argument + " = 1)");
  };
  check_hints(of_conv,
              {
                  {"padding", conv + "'padding'; did you mean 'pad'?"},
                  {"strides", conv + "'strides'; did you mean 'stride'?"},
                  {"kernel_size", conv + "'kernel_size'; did you mean 'kernel'?"},
                  {"dilation_rate", conv + "'dilation_rate'; did you mean 'dilation'?"},
                  {"use_bias", conv + "'use_bias'; did you mean 'bias'?"},
                  {"in_channels", conv + "'in_channels'; it is that of the operand; leave it out"},
                  {"out_channels", conv + "'out_channels'; the number of outputs stands after the operand: "
                                          "conv2d(x, 64, kernel = 3), linear(x, 10)"},
                  {"scale_factor", conv + "'scale_factor'"},
                  {"padding_mode",
                   conv + "'padding_mode'; the padding is of zeros; pad(x, pads =, mode =) has others"},
                  {"Stride", conv + "'Stride'; did you mean 'stride'?"},
                  {"strid", conv + "'strid'; did you mean 'stride'?"},
                  {"nothing", conv + "'nothing'"},
              });
  check_hints(of_value,
              {
                  {"relu(x, inplace = true)",
                   "relu: takes no named arguments; no result is written in place; leave it out"},
                  {"relu(x, padding = 1)", "relu: takes no named arguments"},
                  {"linear(flatten(x), units = 10)",
                   "linear: there is no argument 'units'; the number of outputs stands after "
                   "the operand: conv2d(x, 64, kernel = 3), linear(x, 10)"},
                  {"linear(flatten(x))", "linear: the number of outputs, or a weight, is missing"},
                  {"batch_norm(x, 3)", "batch_norm: argument 2 must have a name, such as eps = ..."},
                  {"max_pool(x, 2)", "max_pool: argument 2 must have a name, such as kernel = ..."},
              });
}

TEST_CASE("statements, settings, types and initialisers") {
  const std::string recipe = "recipe: there is no argument ";
  check_hints(
      of_statement,
      {
          {"foreach i {\n  }", "expected a statement, found 'foreach'; did you mean 'for'?"},
          {"train adam(betas = [0.9, 0.99])",
           "adam: there is no attribute betas; write beta1 = ... and beta2 = ..."},
          {"optimizer sgd()", "expected a statement, found 'optimizer'; did you mean 'train'?"},
          {"recipe(learning_rate = 0.1)", recipe + "'learning_rate'; did you mean 'lr'?"},
          {"recipe(momentum = 0.9)",
           recipe + "'momentum'; it is the optimizer's: train sgd(momentum = 0.9, weight_decay = 1e-4)"},
          {"init conv2d.weight = HeNormal()",
           "unknown initialiser 'HeNormal'; did you mean 'kaiming_normal'?"},
          {"init conv2d.weight = zeros()", "unknown initialiser 'zeros'; write constant(0)"},
          {"init conv2d.weight = orthogonal()",
           "unknown initialiser 'orthogonal'; rnc has no such initialiser yet"},
          {"parameter w : float32[3]", "unknown element type 'float32'; did you mean 'f32'?"},
      });
  CHECK(message_of("def f(x) {\n}\n") ==
        "expected include, const, block or model, found 'def'; did you mean 'block'?");
  CHECK(message_of("layer = 3\n") ==
        "expected include, const, block or model, found 'layer'; write const layer = ...");
}

TEST_CASE("characters of other languages") {
  check_hints(of_value, {
                            {"'a'", "unexpected character '''; a string stands in double quotes"},
                            {"relu(x);", "unexpected character ';'; a statement ends with its line"},
                            {"relu(x) /* text */", "a comment begins with # and ends with its line"},
                        });
  const std::string note =
      "\nm.graph:2:15: note: // rounds a quotient down; a comment begins with #\n"
      "  y = relu(x) // text\n              ^\n";
  CHECK(error_of(spec("\n  y = relu(x) // text\n  predict y")) ==
        "m.graph:2:18: error: unknown name 'text'\n  y = relu(x) // text\n                 ^" + note);
  CHECK(error_of(spec("\n  y = relu(x) // a text\n  predict y")) ==
        R"(m.graph:2:20: error: expected end of line, found 'text'
  y = relu(x) // a text
                   ^
m.graph:2:15: note: // rounds a quotient down; a comment begins with #
  y = relu(x) // a text
              ^
)");
  CHECK(
      error_of(spec("\n  // a text\n  predict x")) ==
      R"(m.graph:2:3: error: expected a statement, found '//'; // rounds a quotient down; a comment begins with #
  // a text
  ^
)");
}

}  // namespace rnc
