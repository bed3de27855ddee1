// What specs mean: names, blocks, conditions, arithmetic, initialisers, options.
#include <algorithm>
#include <cmath>

#include "text_support.h"

namespace rnc {
namespace {

std::vector<std::string> tensors(const Module& module) {
  std::vector<std::string> result;
  for (const Tensor& tensor : module.tensors) result.push_back(tensor.name + " " + str(tensor.type));
  return result;
}

// The value of an integer expression, as the width of a layer.
int64_t value_of(const std::string& expression) {
  const Module module =
      parse_text(spec("\n  widths = [2, 3, 5]\n  y = linear(flatten(x), " + expression + ")\n  predict y"));
  return node(module, "y").type.shape.at(1);
}

bool holds(const std::string& condition) {
  const Module module = parse_text(spec("\n  y = x\n  if " + condition + " { y = relu(x) }\n  predict y"));
  return module.entries.at(0).nodes.size() == 3;
}

}  // namespace

TEST_CASE("integer arithmetic") {
  CHECK(value_of("2 + 3 * 4") == 14);
  CHECK(value_of("(2 + 3) * 4") == 20);
  CHECK(value_of("7 - 2 - 1") == 4);
  CHECK(value_of("12 / 4") == 3);
  CHECK(value_of("7 // 2") == 3);
  CHECK(value_of("5 - -7 // 2") == 9);
  CHECK(value_of("- -3") == 3);
  CHECK(value_of("min(4, 3, 5) + max(1, 2)") == 5);
  CHECK(value_of("len(widths) + widths[2]") == 8);
  CHECK(value_of("channels(x) * height(x) + width(x)") == 32);
}

TEST_CASE("conditions") {
  CHECK(holds("1 < 2"));
  CHECK(holds("2 <= 2.0"));
  CHECK_FALSE(holds("2 > 2"));
  CHECK(holds("2 >= 2"));
  CHECK(holds("channels(x) == 3 and height(x) != 3"));
  CHECK_FALSE(holds("false or not true"));
  CHECK(holds("true or 1 // 0 == 1"));
  CHECK_FALSE(holds("false and 1 // 0 == 1"));
  CHECK(holds("\"a\" == \"a\""));
  CHECK_FALSE(holds("true == false"));
  CHECK_FALSE(holds("3 == \"same\" or [1, 2] == \"same\""));
  CHECK(holds("3 != \"same\" and \"same\" != 0.5"));
  CHECK(holds("is_list([]) and not is_list(2) and not is_list(x)"));
  CHECK(holds("0.5 * 2 == 1"));
  CHECK(holds("sqrt(4) == 2"));
  CHECK(holds("inf > 1e300"));
}

TEST_CASE("if, else if, else") {
  const auto taken = [](const std::string& width) {
    const Module module = parse_text("const width = " + width + "\n" + spec(R"(
  if width > 8 {
    wide = relu(x)
    y = wide
  } else if width > 4 {
    middle = relu(x)
    y = middle
  } else {
    narrow = relu(x)
    y = narrow
  }
  predict y)"));
    return module.entries.at(0).nodes.back().name;
  };
  CHECK(taken("16") == "wide");
  CHECK(taken("8") == "middle");
  CHECK(taken("2") == "narrow");
}

TEST_CASE("layers name and shape their parameters") {
  const Module module = parse_text(spec(R"(
  conv = conv2d(x, 6, kernel = [1, 3], groups = 3)
  bare = conv2d(conv, 4, kernel = 1, bias = false)
  bn = batch_norm(bare, eps = 0.001)
  fc = linear(flatten(bn), 5)
  head = linear(fc, 2, bias = false)
  predict head)"));
  CHECK(tensors(module) == std::vector<std::string>{"conv.weight f32[6, 1, 1, 3]", "conv.bias f32[6]",
                                                    "bare.weight f32[4, 6, 1, 1]", "bn.weight f32[4]",
                                                    "bn.bias f32[4]", "bn.running_mean f32[4]",
                                                    "bn.running_var f32[4]", "fc.weight f32[5, 192]",
                                                    "fc.bias f32[5]", "head.weight f32[2, 5]"});
  CHECK(module.find_tensor("bn.running_var")->kind == TensorKind::buffer);
  CHECK(module.find_tensor("bn.running_var")->initializer.attributes.get<double>("value") == 1);
  CHECK(module.find_tensor("bn.weight")->initializer.attributes.get<double>("value") == 1);
  CHECK(module.find_tensor("bn.bias")->initializer.attributes.get<double>("value") == 0);
  const Initializer& bias = module.find_tensor("conv.bias")->initializer;
  CHECK(bias.name == "uniform");
  CHECK(bias.attributes.get<double>("bound") == doctest::Approx(0.5773502692));  // 1 / sqrt(1 * 1 * 3)
  CHECK(node(module, "bn").attributes.get<double>("eps") == 0.001);
  CHECK(node(module, "bn").attributes.get<double>("momentum") == 0.1);
}

TEST_CASE("pools have their kernel for a stride unless told otherwise") {
  const Module module = parse_text(spec(R"(
  a = max_pool(x, kernel = 2)
  b = avg_pool(x, kernel = 2, stride = 1)
  predict a)"));
  CHECK(node(module, "a").type.shape == Shape{kBatch, 3, 4, 4});
  CHECK(node(module, "b").type.shape == Shape{kBatch, 3, 7, 7});
}

TEST_CASE("an operation with operands for its parameters is the operation itself") {
  const Module module = parse_text(spec(R"(
  parameter w : f32[8, 3, 3, 3] = normal(std = 0.01)
  buffer b : f32[8]
  y = conv2d(x, w, b, pad = 1)
  predict y)"));
  CHECK(tensors(module) == std::vector<std::string>{"w f32[8, 3, 3, 3]", "b f32[8]"});
  CHECK(module.find_tensor("w")->initializer.attributes.get<double>("std") == 0.01);
  CHECK(module.find_tensor("w")->initializer.attributes.get<double>("mean") == 0);
  CHECK(module.find_tensor("b")->kind == TensorKind::buffer);
  CHECK(node(module, "y").inputs.size() == 3);
}

TEST_CASE("an inline block opens no scope") {
  const Module module = parse_text(R"(
inline block part(x, out) {
  conv = conv2d(x, out, kernel = 1, bias = false)
  return batch_norm(conv)
}
block whole(x) {
  bn = part(x, 4)
  return relu(bn)
}
model m(x: f32[N, 3, 8, 8]) {
  layer1 = repeat(whole, x, count = 2)
  norm = part(layer1, 5)
  predict norm
}
)");
  CHECK(tensors(module) ==
        std::vector<std::string>{"layer1.0.conv.weight f32[4, 3, 1, 1]", "layer1.0.bn.weight f32[4]",
                                 "layer1.0.bn.bias f32[4]", "layer1.0.bn.running_mean f32[4]",
                                 "layer1.0.bn.running_var f32[4]", "layer1.1.conv.weight f32[4, 4, 1, 1]",
                                 "layer1.1.bn.weight f32[4]", "layer1.1.bn.bias f32[4]",
                                 "layer1.1.bn.running_mean f32[4]", "layer1.1.bn.running_var f32[4]",
                                 "conv.weight f32[5, 4, 1, 1]", "norm.weight f32[5]", "norm.bias f32[5]",
                                 "norm.running_mean f32[5]", "norm.running_var f32[5]"});
}

TEST_CASE("blocks open a scope; what they return is called after the call") {
  const Module module = parse_text(R"(
block inner(x, out) {
  conv = conv2d(x, out, kernel = 1, bias = false)
  return relu(batch_norm(conv))
}
block outer(x, out = channels(x), twice = 2 * out) {
  first = inner(x, out)
  return inner(first, twice)
}
)" + spec(R"(
  y = outer(x)
  z = outer(y, twice = 7)
  predict z)"));
  CHECK(node(module, "y.first").op == Op::relu);
  CHECK(node(module, "y.first.conv").type.shape == Shape{kBatch, 3, 8, 8});
  CHECK(node(module, "y.conv").type.shape == Shape{kBatch, 6, 8, 8});
  CHECK(node(module, "%y.batch_norm").layer == "y.batch_norm");
  CHECK(module.find_tensor("y.batch_norm.weight") != nullptr);
  CHECK(node(module, "z").type.shape == Shape{kBatch, 7, 8, 8});
  CHECK(node(module, "z").layer == "z");
  CHECK(node(module, "z").location.line == 4);
  CHECK(node(module, "z").location.column == 10);
}

TEST_CASE("repeat numbers its scopes and gives the stride to the first only") {
  const Module module = parse_text(R"(
block unit(x, out, stride = 1) {
  return conv2d(x, out, kernel = 3, stride = stride, pad = 1)
}
block stack(unit, x) {
  return repeat(unit, x, 4, count = 2)
}
)" + spec(R"(
  y = repeat(unit, x, 8, count = 3, stride = 2)
  z = stack(unit, y)
  none = repeat(unit, z, 8, count = 0)
  predict none)"));
  CHECK(tensors(module) == std::vector<std::string>{"y.0.weight f32[8, 3, 3, 3]", "y.0.bias f32[8]",
                                                    "y.1.weight f32[8, 8, 3, 3]", "y.1.bias f32[8]",
                                                    "y.2.weight f32[8, 8, 3, 3]", "y.2.bias f32[8]",
                                                    "z.0.weight f32[4, 8, 3, 3]", "z.0.bias f32[4]",
                                                    "z.1.weight f32[4, 4, 3, 3]", "z.1.bias f32[4]"});
  CHECK(node(module, "y.0").type.shape == Shape{kBatch, 8, 4, 4});
  CHECK(node(module, "y.2").type.shape == Shape{kBatch, 8, 4, 4});
  CHECK(module.predict == "none");
  CHECK(module.entries[0].outputs[0].name == "none");
  CHECK(module.entries[0][module.entries[0].outputs[0].value].name == "z.1");
}

TEST_CASE("a vector of one element spreads over every dimension, another over the channels") {
  const Module module = parse_text(spec(R"(
  parameter one : f32[1] = constant(2)
  parameter three : f32[3] = constant(2)
  a = x * one
  b = prelu(x, one) + three
  predict a)"));
  const Graph& graph = module.entries.at(0);
  CHECK(node(module, "a").type.shape == Shape{kBatch, 3, 8, 8});
  CHECK(graph[node(module, "a").inputs[1]].type.shape == Shape{1, 1, 1, 1});
  CHECK(graph[node(module, "b").inputs[1]].type.shape == Shape{3});
}

TEST_CASE("operators on tensors are operations; numbers become constants") {
  const Module module = parse_text(spec(R"(
  y = relu(-x) * 0.5 + x / 2 - x
  predict y)"));
  std::vector<std::string> ops;
  for (const Node& each : module.entries.at(0).nodes)
    ops.push_back(each.name + " " + std::string(name(each.op)));
  CHECK(ops == std::vector<std::string>{"x input", "label input", "%constant constant", "%mul mul",
                                        "%relu relu", "%constant_2 constant", "%mul_2 mul",
                                        "%constant_3 constant", "%div div", "%add add", "y sub"});
  CHECK(node(module, "%constant").attributes.get<double>("value") == -1);
  CHECK(node(module, "%constant_3").attributes.get<double>("value") == 2);
}

TEST_CASE("init chooses initialisers from where it stands to the end of its block") {
  const Module module = parse_text(R"(
block special(x) {
  init conv2d.weight = constant(0)
  conv = conv2d(x, 3, kernel = 1)
  return conv
}
)" + spec(R"(
  before = conv2d(x, 3, kernel = 1)
  init conv2d.weight = kaiming_normal("fan_out")
  init conv2d.bias = uniform(bound = 1, fan_in = 7)
  y = special(before)
  after = conv2d(y, 3, kernel = 1)
  predict after)"));
  CHECK(module.find_tensor("before.weight")->initializer.name == "kaiming_uniform");
  CHECK(module.find_tensor("y.conv.weight")->initializer.name == "constant");
  const Initializer& after = module.find_tensor("after.weight")->initializer;
  CHECK(after.name == "kaiming_normal");
  CHECK(after.attributes.get<std::string>("mode") == "fan_out");
  CHECK(module.find_tensor("after.bias")->initializer.attributes.get<int64_t>("fan_in") == 7);
}

TEST_CASE("metadata") {
  const Module module = parse_text(spec(R"(
  classes ["a", "b\n\"c\""]
  recipe(epochs = 2, lr = 1)
  fc = linear(flatten(x), 2)
  predict fc
  loss cross_entropy(fc, label)
  train sgd(momentum = 1 / 4.0, nesterov = true))"));
  CHECK(module.name == "m");
  CHECK(module.classes == std::vector<std::string>{"a", "b\n\"c\""});
  CHECK(std::get<int64_t>(module.recipe.at("epochs")) == 2);
  CHECK(std::get<double>(module.recipe.at("lr")) == 1.0);
  CHECK(module.recipe.count("batch_size") == 0);
  CHECK(module.optimizer.name == "sgd");
  CHECK(module.optimizer.hyper.get<double>("momentum") == 0.25);
  CHECK(module.optimizer.hyper.get<bool>("nesterov"));
  const Graph& graph = module.entries.at(0);
  CHECK(graph.name == "model");
  REQUIRE(graph.outputs.size() == 2);
  CHECK(graph.outputs[0].name == "fc");
  CHECK(graph.outputs[1].name == "loss");
  CHECK(graph[graph.outputs[1].value].op == Op::cross_entropy);
}

TEST_CASE("--set replaces constants and what follows from them; --optimizer replaces train") {
  const std::string text = "const width = 8\nconst wide = 2 * width\n" + spec(R"(
  fc = linear(flatten(x), wide)
  predict fc
  loss cross_entropy(fc, label)
  train sgd(momentum = 0.9))");
  const Module module =
      parse_text(text, {.set = {{"width", "3 + 2"}}, .optimizer = "adam(beta1 = 0.8, beta2 = 0.9)"});
  CHECK(node(module, "fc").type.shape == Shape{kBatch, 10});
  CHECK(module.optimizer.name == "adam");
  CHECK(module.optimizer.hyper.get<double>("beta2") == 0.9);
  CHECK_FALSE(module.optimizer.hyper.has("momentum"));
  CHECK(parse_text(text, {.optimizer = "sgd"}).optimizer.hyper.all().empty());
}

TEST_CASE("defaults of scalar inputs") {
  const Module module = parse_text(R"(const half = 0.5
model m(x: f32[N, 3], alpha: f32[] = half / 2, beta: f32[] = 3, gamma: f32[]) {
  y = x * alpha * beta * gamma
  predict y
}
)");
  CHECK(node(module, "alpha").attributes.get<double>("default") == 0.25);
  CHECK(node(module, "beta").attributes.get<double>("default") == 3);
  CHECK(std::isnan(node(module, "gamma").attributes.get<double>("default")));
  const std::string dump = print(module, {.locations = false});
  CHECK(dump.find("alpha : f32[] = input(default = 0.25)\n") != std::string::npos);
  CHECK(dump.find("gamma : f32[] = input()\n") != std::string::npos);
  CHECK(equal(parse_text(dump), module));
}

}  // namespace rnc
