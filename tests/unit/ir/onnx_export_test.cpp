// What is written of models to ONNX: the nodes of small graphs, their names, and what is refused. Whole networks are run
// by ONNX Runtime in tests/run/onnx_export.py.
#include <doctest/doctest.h>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <cmath>
#include <cstring>
#include <set>

#include "ir/graph/interpreter.h"
#include "ir/onnx/export/export.h"
#include "ir/onnx/export/exporters.h"
#include "ir/onnx/onnx.h"
#include "ir/onnx/proto.h"
#include "ir/text/text.h"
#include "text_support.h"

using namespace rnc;
namespace proto = rnc::onnx::proto;

namespace {

// A module with an entry for inference, whose statements are given.
Module inference(const std::string& tensors, const std::string& statements) {
  return parse(std::make_shared<SourceFile>(SourceFile{
      "m.graph", fmt::format("model m {{\n  classes [\"yak\", \"é\"]\n{}\n  entry infer {{\n{}\n  }}\n}}\n",
                             tensors, statements)}));
}

Tensors values_of(const Module& module) {
  Tensors values;
  for (const Tensor& tensor : module.tensors) {
    TensorData data{tensor.type.shape, {}};
    for (int64_t i = 0; i < elements_per_sample(tensor.type.shape); ++i)
      data.values.push_back(static_cast<double>(i));
    values[tensor.name] = data;
  }
  return values;
}

proto::ModelProto exported(const Module& module, const rnc::onnx::ExportOptions& options = {}) {
  const std::string bytes = rnc::onnx::export_model(module, values_of(module), options).model;
  CHECK(bytes == rnc::onnx::export_model(module, values_of(module), options).model);
  proto::ModelProto model;
  CHECK(model.ParseFromString(bytes));
  return model;
}

// "Conv(x, conv.weight) = conv; Relu(conv) = y"
std::string nodes_of(const proto::ModelProto& model) {
  std::vector<std::string> lines;
  for (const proto::NodeProto& node : model.graph().node())
    lines.push_back(
        fmt::format("{}({}) = {}", node.op_type(), fmt::join(node.input(), ", "), node.output(0)));
  return fmt::format("{}", fmt::join(lines, "; "));
}

std::string nodes_of(const std::string& tensors, const std::string& statements, int64_t opset = 17) {
  return nodes_of(exported(inference(tensors, statements), {.opset = opset}));
}

std::string error_of(const Module& module, const rnc::onnx::ExportOptions& options = {}) {
  try {
    rnc::onnx::export_model(module, values_of(module), options);
  } catch (const UserError& error) {
    return error.render();
  }
  return "";
}

}  // namespace

TEST_CASE("every operation is exported, or is known not to be") {
  using enum Op;
  const std::set<Op> without = {
      input,           state,
      constant,        constants,  // no nodes
      dropout_mask,    conv2d_weight_grad,
      winograd_weight, grouped_weight,  // of training, or made by late passes
      max_pool_grad,   max_pool_select,
      avg_pool_grad,   global_avg_pool_grad,
      resize_grad,     pad_grad,
      softmax_grad,    cross_entropy_grad,
      cross_entropy,
  };
  for (const Op op : all_ops()) {
    CAPTURE(name(op));
    const bool has_formula = info(op).formula || info(op).formula_with != nullptr;
    CHECK((rnc::onnx::find_exporter(op) != nullptr || has_formula) == !without.contains(op));
  }
}

TEST_CASE("names of the file are the model's") {
  const proto::ModelProto model =
      exported(inference("parameter conv.weight : f32[2, 3, 1, 1]\nparameter conv.bias : f32[2]", R"(
        image : f32[N, 3, 4, 4] = input()
        conv.weight : f32[2, 3, 1, 1] = state()
        conv.bias : f32[2] = state()
        conv : f32[N, 2, 4, 4] = conv2d(image, conv.weight, conv.bias)
        %relu : f32[N, 2, 4, 4] = relu(conv)
        output y = %relu
        output again = %relu
        output conv = conv)"),
               {.producer_version = "1.2"});
  CHECK(nodes_of(model) == "Conv(image, conv.weight, conv.bias) = conv; Relu(conv) = y; Identity(y) = again");
  CHECK(model.graph().node(0).name() == "conv");
  CHECK(model.graph().node(1).name() == "relu");
  CHECK(model.graph().name() == "m");
  CHECK(model.producer_name() == "rnc");
  CHECK(model.producer_version() == "1.2");
  CHECK(model.metadata_props(0).key() == "classes");
  CHECK(model.metadata_props(0).value() == "[\"yak\",\"é\"]");
  CHECK(model.graph().input(0).type().tensor_type().shape().dim(0).dim_param() == "N");
  CHECK(model.graph().initializer(0).name() == "conv.weight");
}

TEST_CASE("names of classes are read back") {
  const Module module = inference("", "x : f32[N, 2] = input()\ny : f32[N, 2] = relu(x)\noutput y = y");
  std::string bytes = rnc::onnx::export_model(module, {}, {}).model;
  CHECK(rnc::onnx::import_bytes(bytes, "m.onnx", "", {}).module.classes == module.classes);
  proto::ModelProto model = exported(module);
  model.mutable_metadata_props(0)->set_value("[1]");
  bytes = model.SerializeAsString();
  CHECK_THROWS_WITH_AS(rnc::onnx::import_bytes(bytes, "m.onnx", "", {}),
                       "m.onnx: damaged metadata: classes = '[1]'", UserError);
  model.set_producer_name("another");  // whose metadata is its own
  CHECK(rnc::onnx::import_bytes(model.SerializeAsString(), "m.onnx", "", {}).module.classes.empty());
}

TEST_CASE("a vector stands for the channels") {
  const std::string of_maps = nodes_of("parameter scale : f32[3]", R"(
        x : f32[N, 3, 4, 4] = input()
        scale : f32[3] = state()
        y : f32[N, 3, 4, 4] = mul(x, scale)
        z : f32[N, 3] = sum(y, axes = [2, 3])
        w : f32[N, 3] = add(z, scale)
        output w = w)");
  CHECK(of_maps == "Mul(x, scale) = y; ReduceSum(y, axes_2_3) = z; Add(z, scale_2) = w");
}

TEST_CASE("what comparisons say is a number only where it is read as one") {
  CHECK(nodes_of("", R"(
        x : f32[N, 3] = input()
        y : f32[N, 3] = input()
        c : f32[N, 3] = less(x, y)
        m : f32[N, 3] = where(c, x, y)
        output m = m)") == "Less(x, y) = c.Less; Where(c.Less, x, y) = m");
  CHECK(nodes_of("", R"(
        x : f32[N, 3] = input()
        y : f32[N, 3] = input()
        c : f32[N, 3] = not_equal(x, y)
        s : f32[N, 3] = add(c, x)
        output c = c
        output s = s)") == "Equal(x, y) = c.Equal; Not(c.Equal) = c.Not; Cast(c.Not) = c; Add(c, x) = s");
}

TEST_CASE("slices that make up a value are one Split") {
  const auto of = [](int64_t second, int64_t end) {
    return nodes_of("", fmt::format(R"(
        x : f32[N, 8, 4, 4] = input()
        b = slice(x, axis = 1, begin = {}, end = {})
        a = slice_channels(x, begin = 0, end = 3)
        y = concat(a, b, axis = 1)
        output y = y)",
                                    second, end));
  };
  CHECK(of(3, 8) == "Split(x, split_3_5) = a; Concat(a, b) = y");
  CHECK(of(3, 7) ==
        "Slice(x, starts_3, ends_7, axes_1) = b; Slice(x, starts_0, starts_3, axes_1) = a; Concat(a, b) = y");
  CHECK(of(2, 8) ==
        "Slice(x, starts_2, ends_8, axes_1) = b; Slice(x, starts_0, ends_3, axes_1) = a; Concat(a, b) = y");
}

TEST_CASE("whole numbers are i32, and read back") {
  const Module module = inference("", R"(
        x : f32[N, 3, 4] = input()
        place : i32[N, 4] = argmax(x, axis = 1)
        whole : i32[N, 3, 4] = cast(x, to = "i32")
        output place = place
        output whole = whole)");
  const proto::ModelProto model = exported(module);
  CHECK(nodes_of(model).starts_with("ArgMax(x) = place.ArgMax; Cast(place.ArgMax) = place; "));
  for (const proto::ValueInfoProto& output : model.graph().output())
    CHECK(output.type().tensor_type().elem_type() == proto::TensorProto::INT32);
  const Graph again = rnc::onnx::import_bytes(model.SerializeAsString(), "m.onnx", "", {}).module.entries[0];
  const TensorData x{{2, 3, 4}, {0, 7, 1,     2, 3, -7.9, 1,   2e30, 3, 7, std::nan(""), 1,
                                 5, 1, -2e30, 4, 5, 2,    0.5, 9,    4, 2, -0.5,         9}};
  const Tensors of_file = interpret(again, 2, {{"x", x}}, {}).outputs;
  CHECK(of_file.at("place").values == std::vector<double>{1, 0, 2, 1, 0, 1, 1, 1});
  CHECK(of_file.at("whole").values ==
        interpret(module.entries[0], 2, {{"x", x}}, {}).outputs.at("whole").values);
  CHECK(of_file.at("whole").values[5] == -7);
  CHECK(of_file.at("whole").values[10] == 0);
}

TEST_CASE("large weights may be in a file beside the model") {
  const Module module = inference("parameter w : f32[16, 16]\nparameter b : f32[16]", R"(
        x : f32[N, 16] = input()
        w : f32[16, 16] = state()
        b : f32[16] = state()
        y : f32[N, 16] = linear(x, w, b)
        output y = y)");
  const auto files =
      rnc::onnx::export_model(module, values_of(module), {.data_file = "m.data", .external_data = true});
  proto::ModelProto model;
  REQUIRE(model.ParseFromString(files.model));
  const proto::TensorProto &w = model.graph().initializer(0), &b = model.graph().initializer(1);
  CHECK(w.data_location() == proto::TensorProto::EXTERNAL);
  CHECK(w.external_data(0).value() == "m.data");
  CHECK(!b.has_data_location());
  CHECK(files.data.size() == 16 * 16 * sizeof(float));
  float last = 0;
  std::memcpy(&last, files.data.data() + files.data.size() - sizeof last, sizeof last);
  CHECK(last == 255);
  CHECK(rnc::onnx::export_model(module, values_of(module), {.data_file = "m.data"}).data.empty());
  CHECK_THROWS_AS(rnc::onnx::export_model(module, values_of(module), {.external_data = true}), UserError);
}

TEST_CASE("operators are spelled as their opset has them") {
  const auto of = [](const std::string& call, int64_t opset) {
    return nodes_of("", fmt::format("x : f32[N, 3, 4, 4] = input()\ny = {}\noutput y = y", call), opset);
  };
  CHECK(of("mean(x, axes = [1], keepdims = true)", 17) == "ReduceMean(x) = y");
  CHECK(of("mean(x, axes = [1], keepdims = true)", 18) == "ReduceMean(x, axes_1) = y");
  CHECK(of("hardswish(x)", 13) == "HardSigmoid(x) = y.HardSigmoid; Mul(x, y.HardSigmoid) = y");
  CHECK(of("hardswish(x)", 14) == "HardSwish(x) = y");
  CHECK(of("mish(x)", 17) == "Softplus(x) = y.Softplus; Tanh(y.Softplus) = y.Tanh; Mul(x, y.Tanh) = y");
  CHECK(of("mish(x)", 18) == "Mish(x) = y");
  CHECK(of("gelu(x)", 20) == "Gelu(x) = y");
  CHECK(of("gelu(x)", 19) ==
        "Mul(constant_0.5, x) = y.Mul; Mul(constant_0.70710677, x) = y.Mul_2; Erf(y.Mul_2) = y.Erf; "
        "Add(constant_1, y.Erf) = y.Add; Mul(y.Mul, y.Add) = y");
  CHECK(of("pad(x, pads = 1, mode = \"circular\")", 19) == "Pad(x, pads_0_0_1_1_0_0_1_1) = y");
  CHECK(exported(inference("", "x : f32[N, 2] = input()\ny = relu(x)\noutput y = y"), {.opset = 21})
            .ir_version() == 10);
}

TEST_CASE("blocks of the language are ONNX's own operators") {
  const auto of = [](const std::string& call, int64_t opset) {
    auto source = std::make_shared<SourceFile>(
        SourceFile{"m.graph", fmt::format("model m(x: f32[N, 8, 4, 6]) {{ predict y = {} }}\n", call)});
    Module module = parse(source);
    module.entries[0].role = EntryRole::inference;
    return nodes_of(exported(module, {.opset = opset}));
  };
  CHECK(of("instance_norm(x, affine = true)", 13) == "InstanceNormalization(x, y.weight, y.bias) = y");
  CHECK(of("group_norm(x, groups = 4)", 21) == "GroupNormalization(x, y.weight, y.bias) = y");
  CHECK(of("group_norm(x, groups = 8, affine = false)", 21) ==
        "InstanceNormalization(x, y.normed.weight, y.normed.bias) = y");
  CHECK(of("layer_norm(x, axis = -1, affine = false)", 17) ==
        "LayerNormalization(x, y.normed.weight, y.normed.bias) = y");
  CHECK(of("pixel_shuffle(x, 2)", 13) == "DepthToSpace(x) = y");
  CHECK(of("global_max_pool(x)", 13) == "GlobalMaxPool(x) = y");
  // What is between is not taken away from others.
  CHECK(of("instance_norm(x)", 13).starts_with("InstanceNormalization"));
  CHECK(of("layer_norm(x, axis = -1, affine = false)", 16).starts_with("ReduceMean"));
}

TEST_CASE("pixels are normalised inside, or come normalised") {
  const Module module = inference("", R"(
        image : u8[N, 1, 8, 8] = input()
        small : u8[N, 1, 4, 4] = resize(image, size = 4)
        x : f32[N, 1, 4, 4] = normalize(small, mean = [0.5], std = [0.25])
        y : f32[N, 1, 4, 4] = relu(x)
        output y = y)");
  const proto::ModelProto bytes = exported(module), real = exported(module, {.float_input = true});
  CHECK(bytes.graph().input(0).type().tensor_type().elem_type() == proto::TensorProto::UINT8);
  CHECK(
      nodes_of(bytes).ends_with("Cast(small) = x.Cast; Div(x.Cast, constant_255) = x.Div; "
                                "Sub(x.Div, x.mean) = x.Sub; Div(x.Sub, x.std) = x; Relu(x) = y"));
  CHECK(nodes_of(real) == "Relu(image) = y");
  CHECK(real.graph().input(0).type().tensor_type().elem_type() == proto::TensorProto::FLOAT);
  CHECK(real.graph().input(0).type().tensor_type().shape().dim(2).dim_value() == 4);
  CHECK(real.graph().input(0).doc_string() ==
        "normalised pixels: (pixel / 255 - mean) / std by channel; mean [0.5], std [0.25]");
}

TEST_CASE("what is not exported is told at once, each at its place") {
  const Module module = inference("", R"(    x : f32[N, 1, 4, 4] = input()
    p : f32[N, 1, 2, 2] = max_pool_select(x, x, kernel = 2, stride = 2)
    q : f32[N, 1, 4, 4] = max_pool_grad(p, x, kernel = 2, stride = 2)
    y : f32[N, 1, 4, 4] = relu(q)
    output y = y)");
  CHECK(error_of(module) ==
        "m.graph:6:5: error: p: max_pool_select cannot be exported to ONNX: ONNX has nothing like it\n"
        "    p : f32[N, 1, 2, 2] = max_pool_select(x, x, kernel = 2, stride = 2)\n"
        "    ^\n"
        "m.graph:7:5: error: q: max_pool_grad cannot be exported to ONNX: ONNX has nothing like it\n"
        "    q : f32[N, 1, 4, 4] = max_pool_grad(p, x, kernel = 2, stride = 2)\n"
        "    ^\n"
        "2 errors\n");
  const Module plain = inference("", "x : f32[N, 2] = input()\ny = relu(x)\noutput y = y");
  CHECK(error_of(plain, {.float_input = true}) == "error: --float-input: the model has no input of bytes\n");
  const Module slots = inference("parameter w : f32[2]\nslot m.w : f32[2]", R"(    x : f32[N, 2] = input()
    m.w : f32[2] = state()
    y : f32[N, 2] = add(x, m.w)
    output y = y)");
  try {
    rnc::onnx::export_model(slots, {}, {});
    FAIL("exported");
  } catch (const UserError& error) {
    CHECK(error.what() ==
          std::string("m.w is read in inference, and is neither a weight nor computed from weights: "
                      "there is no value of it to export"));
  }
  Module none = plain;
  none.entries.clear();
  CHECK(error_of(none) ==
        "error: the model m has no entry for inference to be exported: it predicts nothing, or --passes "
        "leave out "
        "derive_entries\n");
}
