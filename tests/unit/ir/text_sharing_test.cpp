// Several results, `for`, what is shared, several predictions, and lists from functions and files.
#include <algorithm>
#include <cstring>
#include <filesystem>
#include <fstream>

#include "runtime/contract/safetensors.h"
#include "text_support.h"

namespace rnc {
namespace {

std::vector<std::string> parameters(const Module& module) {
  std::vector<std::string> result;
  for (const Tensor& tensor : module.tensors)
    if (tensor.kind == TensorKind::parameter) result.push_back(tensor.name + " " + str(tensor.type));
  return result;
}

std::vector<int64_t> pad_of(const std::string& call) {
  const Module module = parse_text(spec("\n  y = " + call + "\n  predict y"));
  return node(module, "y").attributes.get<std::vector<int64_t>>("pad");
}

}  // namespace

TEST_CASE("several names for the elements of a list") {
  const Module module = parse_text(R"(
block halves(x) {
  a, b = split(x, 2)
  return [b, a]
}
)" + spec(R"(
  wide = conv2d(x, 8, kernel = 1)
  right, left = halves(wide)
  one, two, five = split(wide, [1, 2, 5])
  low, high = [3, 4]
  y = conv2d(concat(right, one), low + high, kernel = 1)
  z = split(x, 8, axis = 2)[7]
  predict z
  predict y)"));
  CHECK(node(module, "%halves.slice").type.shape[1] == 4);
  CHECK(node(module, "%halves.slice_2").attributes.get<int64_t>("begin") == 4);
  CHECK(node(module, "%slice_3").attributes.get<int64_t>("begin") == 3);
  CHECK(node(module, "y").type.shape[1] == 7);
  CHECK(node(module, "y").inputs.size() == 3);
  const Graph& graph = module.entries[0];
  CHECK(graph[graph.outputs[0].value].type.shape == Shape{kBatch, 3, 1, 8});
  CHECK(module.predict == "z");
  CHECK(graph.outputs[1].name == "y");
}

TEST_CASE("for numbers the names of its repetitions, and goes on with what the last one made") {
  const Module module = parse_text(spec(R"(
  y = x
  for width in [4, 6] {
    for d in range(1, 3) {
      conv = conv2d(y, width, kernel = 3, pad = d, dilation = d)
      y = relu(conv)
    }
    parameter scale : f32[width] = constant(1)
    y = y * scale
  }
  for unused in [] { y = nothing }
  predict y)"));
  CHECK(parameters(module) ==
        std::vector<std::string>{"conv.0.0.weight f32[4, 3, 3, 3]", "conv.0.0.bias f32[4]",
                                 "conv.0.1.weight f32[4, 4, 3, 3]", "conv.0.1.bias f32[4]", "scale.0 f32[4]",
                                 "conv.1.0.weight f32[6, 4, 3, 3]", "conv.1.0.bias f32[6]",
                                 "conv.1.1.weight f32[6, 6, 3, 3]", "conv.1.1.bias f32[6]",
                                 "scale.1 f32[6]"});
  CHECK(node(module, "conv.1.1").attributes.get<std::vector<int64_t>>("dilation") ==
        std::vector<int64_t>{2, 2});
  CHECK(module.entries[0][module.entries[0].outputs[0].value].name == "y.1");
}

TEST_CASE("what is shared has its parameters once, and each call its own operations") {
  const Module module = parse_text(R"(
block unit(x) {
  conv = conv2d(x, 3, kernel = 3, pad = 1, bias = false)
  return batch_norm(conv)
}
)" + spec(R"(
  f = shared(unit)
  g = shared(conv2d)
  a = f(x)
  b = f(relu(a))
  c = g(b, 3, kernel = 1)
  d = g(c, 3, kernel = 1)
  predict d)"));
  CHECK(parameters(module) == std::vector<std::string>{"f.conv.weight f32[3, 3, 3, 3]", "f.weight f32[3]",
                                                       "f.bias f32[3]", "g.weight f32[3, 3, 1, 1]",
                                                       "g.bias f32[3]"});
  const Graph& graph = module.entries[0];
  const Node &first = node(module, "f.conv"), &again = node(module, "%f.conv_2");
  CHECK(first.inputs[1] == again.inputs[1]);
  CHECK(again.layer == "f.conv");
  CHECK(graph[again.inputs[0]].op == Op::relu);
  CHECK(print(parse_text(print(module)), {.locations = false}) == print(module, {.locations = false}));
}

TEST_CASE("layers without a name are shared, too") {
  const Module module = parse_text(R"(
block gate(x) {
  return x * sigmoid(conv2d(x, 3, kernel = 1))
}
block unit(x, more = false) {
  y = gate(gate(conv2d(relu(conv2d(x, 3, kernel = 1)), 3, kernel = 1)))
  if more { return conv2d(y, 3, kernel = 1) }
  return repeat(gate, y, count = 2)
}
block twice(x) {
  inner = shared(unit)
  return inner(inner(x))
}
)" + spec(R"(
  f = shared(unit)
  g = shared(twice)
  a = f(f(x))
  b = f(a, more = true)
  c = g(g(b))
  d = f(conv2d(c, 3, kernel = 1))
  predict d)"));
  // f: 2 and 4 gates, and 1 where it is called with more; g: 2 and 4 gates; 1 between.
  CHECK(parameters(module).size() == 2 * (2 + 4 + 1 + 2 + 4 + 1));
  const auto uses = [&](std::string_view parameter) {
    const Graph& graph = module.entries[0];
    return std::ranges::count_if(graph.nodes, [&](const Node& n) {
      return n.op == Op::conv2d && graph[n.inputs[1]].name == parameter;
    });
  };
  CHECK(uses("f.conv2d.weight") == 4);
  CHECK(uses("f.y.conv2d.weight") == 4);
  CHECK(uses("f.0.conv2d.weight") == 3);
  CHECK(uses("g.inner.conv2d.weight") == 4);
  CHECK(print(parse_text(print(module)), {.locations = false}) == print(module, {.locations = false}));
}

TEST_CASE("pad = \"same\" has a result of ceil(size / stride)") {
  using Pads = std::vector<int64_t>;
  CHECK(pad_of("conv2d(x, 4, kernel = 3, pad = \"same\")") == Pads{1, 1, 1, 1});
  CHECK(pad_of("conv2d(x, 4, kernel = [2, 5], pad = \"same\", dilation = 2)") == Pads{1, 4, 1, 4});
  CHECK(pad_of("conv2d(x, 4, kernel = 4, pad = \"same\")") == Pads{1, 1, 2, 2});
  CHECK(pad_of("conv2d(x, 4, kernel = 3, stride = 2, pad = \"same\")") == Pads{0, 0, 1, 1});
  CHECK(pad_of("max_pool(x, kernel = 3, stride = 3, pad = \"same\")") == Pads{0, 0, 1, 1});
  CHECK(pad_of("max_pool(x, kernel = 2, pad = [0, 1, 1, 0])") == Pads{0, 1, 1, 0});
}

TEST_CASE("constants from lists, ranges and files") {
  const std::filesystem::path path = std::filesystem::temp_directory_path() / "rnc_constants.safetensors";
  const std::vector<float> values = {1.5F, -2, 0.25F};
  contract::Safetensors content;
  content.tensors["scale"] = {contract::DType::f32, {3}, std::as_bytes(std::span(values))};
  std::ofstream file(path, std::ios::binary);
  const contract::SafetensorsImage image(content);
  for (const auto part : image.parts())
    file.write(reinterpret_cast<const char*>(part.data()), static_cast<std::streamsize>(part.size()));
  file.close();
  const Module module = parse_text(spec(R"(
  scale = constants(values = read_tensor(")" +
                                        path.string() + R"(", "scale"))
  ramp = constants(values = range(8), shape = [1, 1, 8, 1])
  ones = constants(values = 1, shape = [3])
  y = (x + ramp) * scale * ones
  predict y)"));
  CHECK(node(module, "scale").attributes.get<std::vector<double>>("values") ==
        std::vector<double>{1.5, -2, 0.25});
  CHECK(node(module, "ramp").type.shape == Shape{1, 1, 8, 1});
  CHECK(node(module, "ones").type.shape == Shape{3});
  std::filesystem::remove(path);
}

TEST_CASE("what is shared may share, and be repeated; loops and inline blocks may use names again") {
  const Module module = parse_text(R"(
block twice(x) {
  g = shared(conv2d)
  return g(g(x, 3, kernel = 1), 3, kernel = 1)
}
inline block layer(x) {
  c = conv2d(x, 3, kernel = 1, bias = false)
  return relu(c)
}
)" + spec(R"(
  h = shared(twice)
  r = shared(conv2d)
  y = repeat(r, h(h(x)), 3, kernel = 1, count = 3)
  for i in range(2) { y = layer(y) }
  for i in range(2) { y = relu(y) }
  for i in range(2) { y = relu(y) }
  predict y)"));
  CHECK(parameters(module) == std::vector<std::string>{"h.g.weight f32[3, 3, 1, 1]", "h.g.bias f32[3]",
                                                       "r.weight f32[3, 3, 1, 1]", "r.bias f32[3]",
                                                       "c.0.weight f32[3, 3, 1, 1]",
                                                       "c.1.weight f32[3, 3, 1, 1]"});
}

TEST_CASE("the weight and bias of layer_norm lie along its dimension") {
  const auto along = [](const std::string& axis) {
    const Module module = parse_text(spec("\n  y = layer_norm(x, axis = " + axis + ")\n  predict y"));
    const Node& sum = node(module, "y");
    return module.entries[0][sum.inputs[1]].type.shape;
  };
  CHECK(along("1") == Shape{3});
  CHECK(along("-3") == Shape{3});
  CHECK(along("2") == Shape{1, 1, 8, 1});
  CHECK(along("-2") == Shape{1, 1, 8, 1});
  CHECK(along("3") == Shape{1, 1, 1, 8});
  CHECK(along("-1") == Shape{1, 1, 1, 8});
}

TEST_CASE("losses with names are outputs of their own, and their sum the loss") {
  const Module module = parse_text(spec(R"(
  predict x
  loss near = mean(x)
  loss far = 0.5 * sum(x))"));
  const Graph& graph = module.entries[0];
  std::vector<std::string> outputs;
  for (const Output& output : graph.outputs)
    outputs.push_back(output.name + " " + std::string(name(output.role)));
  CHECK(outputs == std::vector<std::string>{"x prediction", "loss loss", "near term", "far term"});
  const Node& sum = graph[graph.outputs[1].value];
  CHECK(sum.op == Op::add);
  CHECK(sum.inputs == std::vector<ValueId>{graph.outputs[2].value, graph.outputs[3].value});
  const Module again = parse_text(print(module));
  CHECK(again.entries[0].outputs[3].role == OutputRole::term);
}

TEST_CASE("errors of these") {
  check_errors({
      {"losses with and without names", spec(R"(
  predict x
  loss near = mean(x)
  loss mean(x))"),
       R"(m.graph:4:3: error: a model has one loss, or several with names: loss NAME = ...
  loss mean(x)
  ^
)"},
      {"results that are called like others", R"(model m(x: f32[N, 3]) {
  parameter w : f32[3]
  y = x * w
  predict y
  predict w = 2 * y
  loss y = mean(y)
  loss grad.w = mean(y)
}
)",
       R"(m.graph:4:3: error: y is predicted, and cannot be the name of a loss, too
  predict y
  ^
m.graph:5:3: error: w is a tensor of the model; the result needs another name
  predict w = 2 * y
  ^
m.graph:7:3: error: grad.w may be what training calls something of w; the result needs another name
  loss grad.w = mean(y)
  ^
3 errors
)"},
      {"windows that do not fit", spec(R"(
  y = resize(x, size = 9, mode = "windows", windows = 2)
  predict y)"),
       R"(m.graph:2:7: error: resize: a size of 9 does not hold 2 windows over 8
  y = resize(x, size = 9, mode = "windows", windows = 2)
      ^
)"},
      {"a name twice", spec(R"(
  a, a = split(x, [1, 2])
  predict a)"),
       R"(m.graph:2:6: error: a is named twice
  a, a = split(x, [1, 2])
     ^
)"},
      {"a directory", spec(R"(
  s = constants(values = read_tensor(".", "a"))
  predict x)"),
       R"(m.graph:2:38: error: read_tensor: cannot read .
  s = constants(values = read_tensor(".", "a"))
                                     ^
)"},
      {"many dimensions", R"(model m(x: f32[N, 1, 1, 1, 1, 1, 1]) {
  predict x
}
)",
       R"(m.graph:1:9: error: the input x f32[N, 1, 1, 1, 1, 1, 1] has more than 6 dimensions
model m(x: f32[N, 1, 1, 1, 1, 1, 1]) {
        ^
)"},
      {"a loss twice", spec(R"(
  predict x
  loss near = mean(x)
  loss near = sum(x))"),
       R"(m.graph:4:3: error: there is a loss near already
  loss near = sum(x)
  ^
)"},
      {"a mistake of the caller", R"(block halves(x, n) {
  if n > 2 { return fail("halves: ", n, " of ", channels(x), " are too many") }
  return x
}
)" + spec(R"(
  y = halves(x, 3)
  predict y)"),
       R"(m.graph:6:7: error: halves: 3 of 3 are too many
  y = halves(x, 3)
      ^
m.graph:6:7: note: in block halves, called here
  y = halves(x, 3)
      ^
)"},
      {"powers as in Python", spec(R"(
  y = x ** 2
  predict y)"),
       R"(m.graph:2:9: error: there is no operator **: write square(x), or pow(x, exponent = 3)
  y = x ** 2
        ^
)"},
      {"tuples", spec(R"(
  y = conv2d(x, 8, kernel = (3, 3))
  predict y)"),
       R"(m.graph:2:29: error: a list is written in brackets: [3, 3]
  y = conv2d(x, 8, kernel = (3, 3))
                            ^
)"},
      {"operands in a list", spec(R"(
  y = concat([x, x], axis = 1)
  predict y)"),
       R"(m.graph:2:14: error: concat: operands stand one after another, not in a list
  y = concat([x, x], axis = 1)
             ^
)"},
      {"as many names", spec(R"(
  a, b = split(x, 3)
  predict x)"),
       R"(m.graph:2:10: error: 2 names for 3 values
  a, b = split(x, 3)
         ^
)"},
      {"no list", spec(R"(
  a, b = relu(x)
  predict a)"),
       R"(m.graph:2:10: error: the value of several names must be a list, not a tensor
  a, b = relu(x)
         ^
)"},
      {"unequal parts", spec(R"(
  a, b = split(x, 2)
  predict b)"),
       R"(m.graph:2:19: error: split: 3 of f32[N, 3, 8, 8] cannot be 2 equal parts
  a, b = split(x, 2)
                  ^
)"},
      {"for through a number", spec(R"(
  for i in 3 { y = relu(x) }
  predict x)"),
       R"(m.graph:2:12: error: what `for` goes through must be a list, not an integer
  for i in 3 { y = relu(x) }
           ^
)"},
      {"for without in", spec(R"(
  for i = [1] { y = relu(x) }
  predict x)"),
       R"(m.graph:2:9: error: expected in, found '='
  for i = [1] { y = relu(x) }
        ^
)"},
      {"shared without a name", spec(R"(
  y = relu(shared(conv2d))
  predict x)"),
       R"(m.graph:2:12: error: shared: write NAME = shared(...)
  y = relu(shared(conv2d))
           ^
)"},
      {"shared again with other sizes", spec(R"(
  f = shared(conv2d)
  a = f(x, 4, kernel = 1)
  b = f(x, 5, kernel = 1)
  predict b)"),
       R"(m.graph:4:7: error: f.weight is shared, and is f32[5, 3, 1, 1] here, but f32[4, 3, 1, 1] where it was called first
  b = f(x, 5, kernel = 1)
      ^
m.graph:3:7: note: first called so here
  a = f(x, 4, kernel = 1)
      ^
)"},
      {"predicted twice", spec(R"(
  predict x
  predict x)"),
       R"(m.graph:3:3: error: x is predicted already
  predict x
  ^
)"},
      {"no such file", spec(R"(
  s = constants(values = read_tensor("none.safetensors", "a"))
  predict x)"),
       R"(m.graph:2:38: error: read_tensor: cannot read none.safetensors
  s = constants(values = read_tensor("none.safetensors", "a"))
                                     ^
)"},
      {"too many rows", spec(R"(
  y = resize(x, size = [8, 100000])
  predict y)"),
       R"(m.graph:2:7: error: resize: a size must be at most 65536, not 100000
  y = resize(x, size = [8, 100000])
      ^
)"},
  });
}

}  // namespace rnc
