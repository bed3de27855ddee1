// Models in ONNX's format, made here message by message. Whole networks and operators are compared in tests/run.
#include "ir/onnx/onnx.h"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <cmath>
#include <functional>

#include "ir/graph/interpreter.h"
#include "ir/graph/verifier.h"
#include "ir/onnx/constant.h"
#include "ir/onnx/context.h"
#include "ir/onnx/proto.h"

using namespace rnc;
namespace proto = rnc::onnx::proto;

namespace {

proto::ModelProto model(int64_t opset = 13) {
  proto::ModelProto model;
  model.set_ir_version(8);
  model.add_opset_import()->set_version(opset);
  return model;
}

void add_input(proto::ModelProto& model, const std::string& name, const std::vector<int64_t>& shape) {
  proto::ValueInfoProto* input = model.mutable_graph()->add_input();
  input->set_name(name);
  auto* tensor = input->mutable_type()->mutable_tensor_type();
  tensor->set_elem_type(proto::TensorProto::FLOAT);
  for (const int64_t size : shape) {
    auto* dimension = tensor->mutable_shape()->add_dim();
    if (size == kBatch)
      dimension->set_dim_param("batch");
    else
      dimension->set_dim_value(size);
  }
}

proto::NodeProto* add_node(proto::ModelProto& model, const std::string& op,
                           const std::vector<std::string>& inputs, const std::string& output) {
  proto::NodeProto* node = model.mutable_graph()->add_node();
  node->set_op_type(op);
  for (const std::string& input : inputs) node->add_input(input);
  node->add_output(output);
  return node;
}

void set(proto::NodeProto* node, const std::string& name, int64_t value) {
  proto::AttributeProto* attribute = node->add_attribute();
  attribute->set_name(name);
  attribute->set_type(proto::AttributeProto::INT);
  attribute->set_i(value);
}

void add_numbers(proto::ModelProto& model, const std::string& name, const std::vector<int64_t>& values) {
  proto::TensorProto* tensor = model.mutable_graph()->add_initializer();
  tensor->set_name(name);
  tensor->set_data_type(proto::TensorProto::INT64);
  tensor->add_dims(static_cast<int64_t>(values.size()));
  for (const int64_t value : values) tensor->add_int64_data(value);
}

// What is said of it, and the result.
struct Read {
  std::string error, note;
  rnc::onnx::Import import;
  std::string output() const {
    return str(import.module.entries[0][import.module.entries[0].outputs[0].value].type);
  }
};

Read read(
    proto::ModelProto model, const std::string& output,
    const std::function<void(rnc::onnx::ImportOptions&)>& set_options = [](auto&) {}) {
  model.mutable_graph()->add_output()->set_name(output);
  Read result;
  rnc::onnx::ImportOptions options;
  set_options(options);
  options.tell = [&](std::string_view, const std::string& text) { result.note = text; };
  try {
    result.import = rnc::onnx::import_bytes(model.SerializeAsString(), "net.onnx", "", options);
    verify(result.import.module);
  } catch (const UserError& error) {
    result.error = error.what();
  }
  return result;
}

// x.view(x.size(0), -1), as torch.onnx writes it.
proto::ModelProto flattened(const std::vector<int64_t>& shape) {
  proto::ModelProto made = model();
  add_input(made, "x", shape);
  add_numbers(made, "zero", {0});
  add_numbers(made, "rest", {-1});
  add_node(made, "Shape", {"x"}, "shape");
  set(add_node(made, "Gather", {"shape", "zero"}, "batch"), "axis", 0);
  set(add_node(made, "Concat", {"batch", "rest"}, "to"), "axis", 0);
  add_node(made, "Reshape", {"x", "to"}, "y");
  return made;
}

}  // namespace

TEST_CASE("onnx: arithmetic of sizes keeps the batch") {
  using namespace rnc::onnx;
  const Size n{0, 1}, six{6, 0}, three{3, 0};
  CHECK(product(n, six) == Size{0, 6});
  CHECK(quotient(*product(n, six), three) == Size{0, 2});
  CHECK(quotient(*product(n, six), n) == six);
  CHECK(quotient(Size{0, 7}, three) == std::nullopt);
  CHECK(product(n, n) == std::nullopt);
  CHECK(quotient(six, Size{}) == std::nullopt);
  CHECK(sum(Size{int64_t{1} << 62, 0}, Size{int64_t{1} << 62, 0}) == std::nullopt);
  CHECK(shape_of({n, six}) == Shape{kBatch, 6});
  CHECK(shape_of({six, n}) == std::nullopt);
  CHECK(str(Sizes{n, {2, 3}, six}) == "[N, 3 N + 2, 6]");
}

TEST_CASE("onnx: shapes that are computed of shapes have the batch") {
  const Read open = read(flattened({kBatch, 3, 4, 4}), "y");
  CHECK(open.error.empty());
  CHECK(open.output() == "f32[N, 48]");
  CHECK(open.note.empty());
  const Read fixed = read(flattened({2, 3, 4, 4}), "y");
  CHECK(fixed.output() == "f32[N, 48]");
  CHECK(fixed.note == "net.onnx: the batch, which is 2 in the file, may be any");
}

TEST_CASE("onnx: a batch that does not stay in front is a number") {
  proto::ModelProto made = model();
  add_input(made, "x", {2, 3});
  add_node(made, "Transpose", {"x"}, "y");
  const Read result = read(made, "y");
  CHECK(result.output() == "f32[3, 2]");
  CHECK(result.note ==
        "the batch stays 2, as in the file; with another: net.onnx: the batch of output 'y', [3, N], is not "
        "its "
        "first dimension");
}

TEST_CASE("onnx: names are what the language can write") {
  CHECK(rnc::onnx::plain_name("/Relu_1") == "/Relu_1");
  CHECK(rnc::onnx::plain_name("\xaf/Relu\n`%") == "_/Relu__%");
  CHECK(rnc::onnx::plain_name("%1") == "_1");
  CHECK(rnc::onnx::plain_name("") == "_");
  CHECK(rnc::onnx::plain_name("caf\xc3\xa9\xc3") == "caf\xc3\xa9_");
  std::string of_pairs;
  for (int i = 0; i < 1000; ++i) of_pairs += "\xc3\xa9";
  CHECK(rnc::onnx::plain_name("x" + of_pairs) == "x" + of_pairs.substr(0, 510));
}

TEST_CASE("onnx: dimensions with names get their sizes") {
  proto::ModelProto made = model();
  add_input(made, "x", {kBatch, 3});
  made.mutable_graph()
      ->mutable_input(0)
      ->mutable_type()
      ->mutable_tensor_type()
      ->mutable_shape()
      ->mutable_dim(1)
      ->set_dim_param("width");
  add_node(made, "Relu", {"x"}, "y");
  CHECK(read(made, "y").error ==
        "net.onnx: input 'x' is [batch, width]: only the first size, the batch, may be open; say the others "
        "with --set "
        "width=NUMBER");
  CHECK(read(made, "y", [](auto& options) { options.set["width"] = "8"; }).output() == "f32[N, 8]");
  CHECK(read(made, "y", [](auto& options) { options.set["width"] = "0"; }).error ==
        "--set width=0: a size must be a positive integer");
}

TEST_CASE("onnx: a weight becomes a parameter with its name and values") {
  proto::ModelProto made = model();
  add_input(made, "x", {kBatch, 2});
  proto::TensorProto* weight = made.mutable_graph()->add_initializer();
  weight->set_name("fc.weight");
  weight->set_data_type(proto::TensorProto::DOUBLE);
  weight->add_dims(3);
  weight->add_dims(2);
  for (int i = 0; i < 6; ++i) weight->add_double_data(i);
  set(add_node(made, "Gemm", {"x", "fc.weight"}, "y"), "transB", 1);
  const Read result = read(made, "y");
  REQUIRE(result.error.empty());
  const Tensor* tensor = result.import.module.find_tensor("fc.weight");
  REQUIRE(tensor != nullptr);
  CHECK(tensor->kind == TensorKind::parameter);
  CHECK(tensor->initializer.name == "kaiming_uniform");
  CHECK(*result.import.values.at("fc.weight") == std::vector<float>{0, 1, 2, 3, 4, 5});
  CHECK(result.import.module.entries[0].nodes.back().name == "fc");
}

// x -> Transpose(head.weight) -> MatMul -> Add(head.bias), as torch.onnx writes a linear layer of values [N, S, C].
proto::ModelProto with_head() {
  proto::ModelProto made = model();
  add_input(made, "x", {kBatch, 2});
  for (const auto& [name, shape] : {std::pair{"head.weight", std::vector{3, 2}}, {"head.bias", {3}}}) {
    proto::TensorProto* tensor = made.mutable_graph()->add_initializer();
    tensor->set_name(name);
    tensor->set_data_type(proto::TensorProto::FLOAT);
    int count = 1;
    for (const int size : shape) {
      tensor->add_dims(size);
      count *= size;
    }
    for (int i = 0; i < count; ++i) tensor->add_float_data(1);
  }
  add_node(made, "Transpose", {"head.weight"}, "turned");
  add_node(made, "MatMul", {"x", "turned"}, "product");
  add_node(made, "Add", {"head.bias", "product"}, "y");
  return made;
}

TEST_CASE("onnx: a new head has other sizes, a linear layer's initialisers and no values") {
  for (const auto& [outputs, text] : {std::pair<int64_t, const char*>{5, "head=5"}, {1, "head=1"}}) {
    CAPTURE(outputs);
    const Read result = read(with_head(), "y", [&](auto& options) { options.heads = {text}; });
    REQUIRE(result.error.empty());
    CHECK(result.output() == fmt::format("f32[N, {}]", outputs));
    const Module& module = result.import.module;
    const Tensor *weight = module.find_tensor("head.weight"), *bias = module.find_tensor("head.bias");
    REQUIRE(weight != nullptr);
    REQUIRE(bias != nullptr);
    CHECK(weight->type.shape == Shape{outputs, 2});
    CHECK(weight->kind == TensorKind::parameter);
    CHECK(weight->initializer.name == "kaiming_uniform");
    CHECK(bias->kind == TensorKind::parameter);
    CHECK(bias->initializer.attributes.get<double>("bound") == doctest::Approx(1 / std::sqrt(2)));
    CHECK(result.import.values.empty());
  }
  CHECK(read(with_head(), "y").import.values.size() == 2);
}

TEST_CASE("onnx: raw pixels are normalised, and turned for files that have channels last") {
  proto::ModelProto made = model();
  add_input(made, "x", {kBatch, 4, 5, 3});
  add_node(made, "Relu", {"x"}, "y");
  const Read result = read(
      made, "y", [](auto& options) { options.image = "u8, layout=nhwc, scale=1, mean=127.5, std=1 2 255"; });
  REQUIRE(result.error.empty());
  CHECK(result.output() == "f32[N, 4, 5, 3]");
  const Graph& graph = result.import.module.entries[0];
  CHECK(str(graph.nodes[0].type) == "u8[N, 3, 4, 5]");
  CHECK(graph.nodes[1].op == Op::normalize);
  CHECK(graph.nodes[1].attributes.get<std::vector<double>>("mean") == std::vector<double>{0.5, 0.5, 0.5});
  CHECK(graph.nodes[1].attributes.get<std::vector<double>>("std") ==
        std::vector<double>{1.0 / 255, 2.0 / 255, 1});
}

// What PyTorch's MultiheadAttention does with [S, N, C] = [3, batch, 4] and two heads: the products of x with itself.
// `batch`: the number in the file.
proto::ModelProto attention(int64_t batch, const std::vector<int64_t>& heads) {
  proto::ModelProto made = model();
  add_input(made, "x", {batch, 3, 4});
  add_numbers(made, "heads", heads);
  add_numbers(made, "joined", {3 * batch, 4});
  add_numbers(made, "parted", {3, batch, 4});
  const auto turn = [&](const std::string& from, const std::vector<int64_t>& order, const std::string& to) {
    proto::AttributeProto* perm = add_node(made, "Transpose", {from}, to)->add_attribute();
    perm->set_name("perm");
    for (const int64_t d : order) perm->add_ints(d);
  };
  turn("x", {1, 0, 2}, "rows");
  add_node(made, "Reshape", {"rows", "heads"}, "split");
  turn("split", {1, 0, 2}, "left");
  turn("split", {1, 2, 0}, "right");
  add_node(made, "MatMul", {"left", "right"}, "scores");
  set(add_node(made, "Softmax", {"scores"}, "weights"), "axis", -1);
  add_node(made, "MatMul", {"weights", "left"}, "mixed");
  turn("mixed", {1, 0, 2}, "back");
  add_node(made, "Reshape", {"back", "joined"}, "flat");
  add_node(made, "Reshape", {"flat", "parted"}, "out");
  turn("out", {1, 0, 2}, "y");
  return made;
}

TEST_CASE("onnx: the batch moves through attention, from whatever number it was exported with") {
  for (const int64_t batch : {1, 2, 5}) {
    CAPTURE(batch);
    const Read result = read(attention(batch, {3, 2 * batch, 2}), "y");
    CHECK(result.error.empty());
    CHECK(result.output() == "f32[N, 3, 4]");
    CHECK(result.note == fmt::format("net.onnx: the batch, which is {} in the file, may be any", batch));
  }
}

TEST_CASE("onnx: a batch that would be cut, or mixed with others, stays a number") {
  const Read cut = read(attention(2, {2, 6, 2}), "rows");
  CHECK(cut.note ==
        "the batch stays 2, as in the file; with another: net.onnx: node 'split' (Reshape, opset 13): "
        "[3, N, 4] becomes [2, 6, 2]: the batch would be cut; of [3, N, 4], whole numbers [3]");
  proto::ModelProto made = model();
  add_input(made, "x", {2, 4});
  add_node(made, "Transpose", {"x"}, "turned");
  add_node(made, "MatMul", {"x", "turned"}, "y");
  const Read mixed = read(made, "y");
  CHECK(mixed.output() == "f32[2, 2]");
  CHECK(mixed.note ==
        "the batch stays 2, as in the file; with another: net.onnx: node 'y' (MatMul, opset 13): matrices "
        "with the batch in them; of f32[N, 4], [4, N]");
}

TEST_CASE("onnx: powers have the sign that a whole exponent gives, and 1 for 0") {
  proto::ModelProto made = model();
  add_input(made, "x", {kBatch, 6});
  proto::TensorProto* exponents = made.mutable_graph()->add_initializer();
  exponents->set_name("e");
  exponents->set_data_type(proto::TensorProto::FLOAT);
  exponents->add_dims(6);
  const std::vector<double> e = {2, 3, 0, 0.5, -1, 2.5}, x = {-2, -2, -2, 4, -4, 0};
  for (const double value : e) exponents->add_float_data(static_cast<float>(value));
  add_node(made, "Pow", {"x", "e"}, "y");
  const Read result = read(made, "y");
  REQUIRE(result.error.empty());
  const auto outputs = interpret(result.import.module.entries[0], 1, {{"x", {{1, 6}, x}}}, {}).outputs;
  const std::vector<double>& y = outputs.at("y").values;
  for (size_t i = 0; i < 6; ++i) CHECK(y[i] == doctest::Approx(std::pow(x[i], e[i])));
}
