#include <doctest/doctest.h>

#include <algorithm>

#include "ir/graph/interpreter.h"
#include "ir/graph/verifier.h"
#include "passes/passes.h"
#include "tests/support/model_builder.h"

using namespace rnc;
using rnc::test::ModelBuilder;

namespace {

// A batch norm of x[N, 2, 1, 2], a linear layer, and a loss.
void build_model(ModelBuilder& m) {
  const ValueId x = m.input("x", DType::f32, {kBatch, 2, 1, 2});
  const ValueId label = m.input("label", DType::i32, {kBatch});
  const ValueId fc = m.linear("fc", m.op(Op::flatten, {m.batch_norm("bn", x)}), 3);
  m.output("fc", fc);
  m.output("loss", m.op(Op::cross_entropy, {fc, label}, {}, "%loss"));
  m.module.predict = "fc";
  m.module.optimizer.name = "sgd";
  m.module.optimizer.hyper.set("momentum", 0.9);
  m.module.optimizer.hyper.set("weight_decay", int64_t{0});
}

std::vector<std::string> names_of(const Graph& graph, Op op) {
  std::vector<std::string> names;
  for (const Node& node : graph.nodes) {
    if (node.op == op) names.push_back(node.name);
  }
  return names;
}

std::vector<std::string> outputs_of(const Graph& graph) {
  std::vector<std::string> names;
  for (const Output& output : graph.outputs) names.push_back(output.name);
  return names;
}

std::vector<std::string> assigned_in(const Graph& graph) {
  std::vector<std::string> names;
  for (const Assign& assign : graph.assigns) names.push_back(assign.tensor);
  std::ranges::sort(names);
  return names;
}

std::vector<std::string> entries_of(const Module& module) {
  std::vector<std::string> names;
  for (const Graph& graph : module.entries) names.push_back(graph.name);
  return names;
}

std::string message_of(Module& module, bool (*pass)(Module&)) {
  try {
    pass(module);
  } catch (const UserError& error) {
    return error.what();
  }
  return "no error";
}

using Names = std::vector<std::string>;

}  // namespace

TEST_CASE("entries of a trained model: their inputs, outputs and assigns") {
  ModelBuilder m;
  build_model(m);
  Module& module = m.module;
  CHECK(derive_entries(module));
  CHECK(entries_of(module) == Names{"infer", "loss", "train"});
  CHECK(differentiate(module));
  CHECK(entries_of(module) == Names{"infer", "loss", "backward", "update", "train_step"});
  verify(module);
  const auto entry = [&](const char* name) -> const Graph& { return *module.find_entry(name); };

  CHECK(names_of(entry("infer"), Op::input) == Names{"x"});
  CHECK(outputs_of(entry("infer")) == Names{"fc"});
  CHECK(names_of(entry("loss"), Op::input) == Names{"x", "label"});
  CHECK(outputs_of(entry("loss")) == Names{"fc", "loss"});
  CHECK(entry("infer").assigns.empty());
  CHECK(entry("loss").assigns.empty());

  const Names scalars = {"lr", "momentum", "weight_decay"};
  CHECK(names_of(entry("backward"), Op::input) == Names{"x", "label"});
  CHECK(names_of(entry("update"), Op::input) == scalars);
  CHECK(names_of(entry("train_step"), Op::input) == Names{"x", "label", "lr", "momentum", "weight_decay"});
  CHECK(outputs_of(entry("backward")) == Names{"fc", "loss"});
  CHECK(outputs_of(entry("update")).empty());
  CHECK(outputs_of(entry("train_step")) == Names{"fc", "loss"});

  const Names statistics = {"bn.running_mean", "bn.running_var"};
  const Names parameters = {"bn.bias", "bn.weight", "fc.bias", "fc.weight"};
  const auto joined = [](Names a, const Names& b, const std::string& prefix) {
    for (const std::string& name : b) a.push_back(prefix + name);
    std::ranges::sort(a);
    return a;
  };
  CHECK(assigned_in(entry("backward")) == joined(statistics, parameters, "grad."));
  CHECK(assigned_in(entry("update")) == joined(parameters, parameters, "momentum."));
  CHECK(assigned_in(entry("train_step")) ==
        joined(joined(statistics, parameters, ""), parameters, "momentum."));

  Names declared;
  for (const Tensor& tensor : module.tensors) {
    declared.push_back(std::string(name(tensor.kind)) + " " + tensor.name);
  }
  CHECK(declared == Names{"parameter bn.weight", "parameter bn.bias", "buffer bn.running_mean",
                          "buffer bn.running_var", "parameter fc.weight", "parameter fc.bias",
                          "gradient grad.bn.weight", "gradient grad.bn.bias", "gradient grad.fc.weight",
                          "gradient grad.fc.bias", "slot momentum.bn.weight", "slot momentum.bn.bias",
                          "slot momentum.fc.weight", "slot momentum.fc.bias"});
  CHECK(module.optimizer.hyper.get<double>("weight_decay") == 0.0);
}

TEST_CASE("gradients carry the location and layer of the forward node") {
  ModelBuilder m;
  build_model(m);
  const auto file = std::make_shared<const SourceFile>(SourceFile{"m.graph", ""});
  int line = 0;
  for (Node& node : m.graph().nodes) node.location = {file, ++line, 1};
  std::map<std::string, int> line_of;
  for (const Node& node : m.graph().nodes) line_of[node.name] = node.location.line;
  derive_entries(m.module);
  differentiate(m.module);
  const Graph& graph = *m.module.find_entry("backward");
  for (const Assign& assign : graph.assigns) {
    const Node& node = graph[assign.value];
    const std::string layer = assign.tensor.find("fc.") != std::string::npos ? "fc" : "bn";
    CAPTURE(assign.tensor);
    CHECK(node.layer == layer);
    CHECK(node.location.line == line_of.at(layer));
  }
}

TEST_CASE("running statistics move towards the batch's, the variance unbiased") {
  ModelBuilder m;
  build_model(m);
  derive_entries(m.module);
  Tensors tensors;
  for (const Tensor& tensor : m.module.tensors) {
    tensors[tensor.name] = {
        tensor.type.shape,
        std::vector<double>(static_cast<size_t>(elements_per_sample(tensor.type.shape)), 1)};
  }
  const Tensors inputs = {{"x", {{2, 2, 1, 2}, {1, 3, 0, 0, 5, 7, 0, 4}}}, {"label", {{2}, {0, 1}}}};
  const Interpretation run = interpret(*m.module.find_entry("train"), 2, inputs, tensors);
  // Channel 0 holds 1, 3, 5, 7: mean 4, unbiased variance 20 / 3; channel 1 0, 0, 0, 4: mean 1, variance 4.
  const std::vector<double>& mean = run.assigned.at("bn.running_mean").values;
  const std::vector<double>& variance = run.assigned.at("bn.running_var").values;
  CHECK(mean[0] == doctest::Approx(0.9 + 0.1 * 4));
  CHECK(mean[1] == doctest::Approx(1.0));
  CHECK(variance[0] == doctest::Approx(0.9 + 0.1 * 20 / 3));
  CHECK(variance[1] == doctest::Approx(0.9 + 0.1 * 4));
}

TEST_CASE("a batch of one element per channel keeps the running statistics finite") {
  ModelBuilder m;
  const ValueId x = m.input("x", DType::f32, {kBatch, 1});
  const ValueId label = m.input("label", DType::i32, {kBatch});
  const ValueId fc = m.linear("fc", m.batch_norm("bn", x), 2);
  m.output("loss", m.op(Op::cross_entropy, {fc, label}));
  m.module.optimizer.name = "sgd";
  derive_entries(m.module);
  const Tensors tensors = {{"bn.weight", {{1}, {1}}},       {"bn.bias", {{1}, {0}}},
                           {"bn.running_mean", {{1}, {0}}}, {"bn.running_var", {{1}, {1}}},
                           {"fc.weight", {{2, 1}, {1, 2}}}, {"fc.bias", {{2}, {0, 0}}}};
  const Interpretation run =
      interpret(*m.module.find_entry("train"), 1, {{"x", {{1, 1}, {3}}}, {"label", {{1}, {1}}}}, tensors);
  CHECK(run.assigned.at("bn.running_mean").values[0] == doctest::Approx(0.3));
  CHECK(run.assigned.at("bn.running_var").values[0] == doctest::Approx(0.9));
}

TEST_CASE("a model without an optimizer has no training entries, one without a loss only infer") {
  ModelBuilder m;
  build_model(m);
  m.module.optimizer = {};
  derive_entries(m.module);
  CHECK(entries_of(m.module) == Names{"infer", "loss"});
  CHECK_FALSE(differentiate(m.module));

  ModelBuilder n;
  build_model(n);
  n.graph().outputs.pop_back();
  derive_entries(n.module);
  CHECK(entries_of(n.module) == Names{"infer"});
}

TEST_CASE("a parameter the loss does not depend on gets no gradient and no step") {
  ModelBuilder m;
  build_model(m);
  m.output("other", m.linear("other", m.op(Op::flatten, {0}), 2));
  derive_entries(m.module);
  differentiate(m.module);
  verify(m.module);
  CHECK(m.module.find_tensor("other.weight") != nullptr);
  CHECK(m.module.find_tensor("grad.other.weight") == nullptr);
  CHECK(m.module.find_tensor("momentum.other.weight") == nullptr);
}

TEST_CASE(
    "a batch norm that is called twice moves its statistics twice, the second time from where the first left "
    "them") {
  ModelBuilder m;
  build_model(m);
  Graph& graph = m.graph();
  const auto norm = std::ranges::find(graph.nodes, Op::batch_norm, &Node::op);
  const std::vector<ValueId> in(norm->inputs.begin(), norm->inputs.end());  // the graph's nodes move
  const auto place = static_cast<ValueId>(norm - graph.nodes.begin());
  const ValueId again = m.op(Op::batch_norm, {m.op(Op::relu, {place}), in[1], in[2], in[3], in[4]});
  m.output("again", again);
  derive_entries(m.module);
  const Graph* train = m.module.find_entry(EntryRole::training);
  REQUIRE(train != nullptr);
  CHECK(assigned_in(*train) == Names{"bn.running_mean", "bn.running_var"});
  const auto mean = std::ranges::find(train->assigns, "bn.running_mean", &Assign::tensor);
  const Node& second = (*train)[mean->value];  // 0.9 (0.9 old + 0.1 first) + 0.1 second
  const Node& kept = (*train)[second.inputs[0]];
  CHECK((*train)[kept.inputs[0]].op == Op::add);
  CHECK((*train)[(*train)[second.inputs[1]].inputs[0]].op == Op::channel_mean);
}

TEST_CASE("what cannot be trained is an error that says why") {
  SUBCASE("no gradient rule") {
    ModelBuilder m("train");
    const ValueId label = m.input("label", DType::i32, {3});
    const ValueId w = m.tensor("w", {3, 3});
    const ValueId logits = m.op(Op::relu_grad, {w, w}, {}, "logits");
    m.output("loss", m.op(Op::cross_entropy, {logits, label}));
    m.module.optimizer.name = "sgd";
    CHECK(message_of(m.module, differentiate) ==
          "relu_grad: has no gradient, but logits depends on a parameter");
  }
  SUBCASE("batch norm of one value per channel") {
    ModelBuilder m;
    const ValueId label = m.input("label", DType::i32, {1});
    m.classifier(m.batch_norm("bn", m.tensor("w", {1, 3})), label);
    CHECK(message_of(m.module, derive_entries) ==
          "batch_norm: f32[1, 3] has one value per channel, on which it cannot be trained: freeze \"bn\", or "
          "leave out `train`");
  }
  SUBCASE("no parameter") {
    ModelBuilder m("train");
    const ValueId label = m.input("label", DType::i32, {kBatch});
    const ValueId x = m.input("x", DType::f32, {kBatch, 3});
    m.output("loss", m.op(Op::cross_entropy, {x, label}));
    m.module.optimizer.name = "sgd";
    CHECK(message_of(m.module, differentiate) == "the loss depends on no parameter");
  }
  SUBCASE("a loss that is not a scalar") {
    ModelBuilder m("train");
    m.output("loss", m.tensor("w", {3, 3}));
    m.module.optimizer.name = "sgd";
    CHECK(message_of(m.module, differentiate) == "the loss must be f32[], not f32[3, 3]");
  }
  SUBCASE("no loss") {
    ModelBuilder m("train");
    m.module.optimizer.name = "sgd";
    CHECK(message_of(m.module, differentiate) == "the entry train has no loss");
  }
  SUBCASE("an input called as the learning rate") {
    ModelBuilder m("train");
    const ValueId label = m.input("lr", DType::i32, {kBatch});
    const ValueId fc = m.linear("fc", m.input("x", DType::f32, {kBatch, 2}), 2);
    m.output("loss", m.op(Op::cross_entropy, {fc, label}));
    m.module.optimizer.name = "sgd";
    CHECK(message_of(m.module, differentiate) ==
          "training with sgd has an input lr of its own, beside the model's; the model's needs another name");
  }
  SUBCASE("a tensor called as the learning rate") {
    ModelBuilder m;
    build_model(m);
    m.tensor("lr", {1});
    derive_entries(m.module);
    CHECK(message_of(m.module, differentiate) ==
          "training with sgd has an input lr; the parameter of the model needs another name");
  }
  SUBCASE("a tensor called as the seed of dropout") {
    ModelBuilder m;
    build_model(m);
    m.tensor("seed", {1});
    for (Output& output : m.graph().outputs)
      if (output.role == OutputRole::prediction) output.value = m.op(Op::dropout, {output.value});
    CHECK(message_of(m.module, derive_entries) ==
          "training with dropout has an input seed; the parameter of the model needs another name");
  }
  SUBCASE("a tensor called as a gradient") {
    ModelBuilder m;
    build_model(m);
    m.tensor("grad.fc.weight", {1});
    derive_entries(m.module);
    CHECK(message_of(m.module, differentiate) ==
          "training fc.weight needs the name grad.fc.weight, which is taken");
  }
  SUBCASE("running statistics that are computed, or the same") {
    ModelBuilder m;
    build_model(m);
    Node& bn = *std::ranges::find(m.graph().nodes, Op::batch_norm, &Node::op);
    bn.inputs[4] = bn.inputs[3];
    CHECK(message_of(m.module, derive_entries) ==
          "batch_norm: its running mean and variance are both bn.running_mean");
    const ValueId mean = bn.inputs[3];
    m.graph()[mean].op = Op::constant;
    m.graph()[mean].name = "ones";
    CHECK(message_of(m.module, derive_entries) ==
          "batch_norm: to be trained, its running statistics must be tensors of the model; ones is a "
          "computed value");
  }
}
