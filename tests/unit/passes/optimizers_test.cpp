// Optimizer steps against values computed with torch.optim (PyTorch 1.13, float64) and by hand.
#include "passes/graph/optimizers.h"

#include <doctest/doctest.h>

#include "ir/graph/interpreter.h"

using namespace rnc;

namespace {

// The parameter after each of three steps from 1.0 with gradients 0.5, -0.25, 2.0.
std::vector<double> three_steps(Optimizer optimizer, double lr) {
  optimizer = complete_optimizer(optimizer);
  Module module;
  const Type type{DType::f32, {1}, {}};
  module.tensors.push_back({"p", TensorKind::parameter, type, {}, {}});
  module.tensors.push_back({"grad.p", TensorKind::gradient, type, {}, {}});
  for (const std::string& slot : slot_tensors(optimizer, "p")) {
    module.tensors.push_back({slot, TensorKind::slot, type, {}, {}});
  }
  Graph graph;
  GraphBuilder b(module, graph);
  std::map<std::string, ValueId> inputs;
  Tensors arguments;
  for (const auto& [name, role] : update_inputs(optimizer)) {
    inputs[name] = b.input(name, {DType::f64, {}, {}});
    if (optimizer.hyper.has(name)) arguments[name] = {{}, {optimizer.hyper.get<double>(name)}};
  }
  arguments["lr"] = {{}, {lr}};
  graph.assigns = emit_update(b, optimizer, inputs, "p", false, b.state("grad.p"));

  Tensors tensors;
  for (const Tensor& tensor : module.tensors) tensors[tensor.name] = {{1}, {0}};
  tensors["p"].values[0] = 1;
  std::vector<double> result;
  double step = 0;
  for (const double gradient : {0.5, -0.25, 2.0}) {
    tensors["grad.p"].values[0] = gradient;
    arguments["step"] = {{}, {++step}};
    for (auto& [name, value] : interpret(graph, 1, arguments, tensors).assigned) tensors[name] = value;
    result.push_back(tensors["p"].values[0]);
  }
  return result;
}

Optimizer optimizer(std::string name, std::vector<std::pair<std::string, Attribute>> hyper) {
  Optimizer result{.name = std::move(name)};
  for (auto& [key, value] : hyper) result.hyper.set(key, value);
  return result;
}

void check_close(const std::vector<double>& values, const std::vector<double>& expected) {
  REQUIRE(values.size() == expected.size());
  for (size_t i = 0; i < values.size(); ++i) CHECK(values[i] == doctest::Approx(expected[i]).epsilon(1e-12));
}

std::string message_of(const Optimizer& optimizer) {
  try {
    complete_optimizer(optimizer);
  } catch (const UserError& error) {
    return error.what();
  }
  return "no error";
}

}  // namespace

TEST_CASE("plain sgd") { check_close(three_steps(optimizer("sgd", {}), 0.1), {0.95, 0.975, 0.775}); }

TEST_CASE("sgd with momentum") {
  // v: 0.5, 0.2, 2.18
  check_close(three_steps(optimizer("sgd", {{"momentum", 0.9}}), 0.1), {0.95, 0.93, 0.712});
}

TEST_CASE("sgd with weight decay, momentum and nesterov") {
  check_close(
      three_steps(optimizer("sgd", {{"momentum", 0.9}, {"weight_decay", 0.1}, {"nesterov", true}}), 0.1),
      {0.886, 0.868066, 0.44090614599999994});
}

TEST_CASE("sgd with dampening, which spares the first step") {
  check_close(three_steps(optimizer("sgd", {{"momentum", 0.9}, {"dampening", 0.25}}), 0.1),
              {0.95, 0.92375, 0.7501249999999999});
}

TEST_CASE("sgd without momentum is not damped") {
  check_close(three_steps(optimizer("sgd", {{"momentum", 0.0}, {"dampening", 0.5}}), 0.1),
              {0.95, 0.975, 0.775});
}

TEST_CASE("adam") {
  check_close(three_steps(optimizer("adam", {}), 0.05),
              {0.950000001, 0.9366831493539233, 0.9031507672645767});
}

TEST_CASE("adam with its own betas, eps and weight decay") {
  check_close(
      three_steps(optimizer("adam", {{"beta1", 0.8}, {"beta2", 0.95}, {"eps", 0.01}, {"weight_decay", 0.2}}),
                  0.05),
      {0.9507042253521126, 0.9229444128226958, 0.8840712594678863});
}

TEST_CASE("adamw") {
  check_close(three_steps(optimizer("adamw", {}), 0.05),
              {0.9495000010000001, 0.9357083993534234, 0.9017081630644002});
  check_close(
      three_steps(optimizer("adamw", {{"beta1", 0.8}, {"beta2", 0.95}, {"eps", 0.01}, {"weight_decay", 0.2}}),
                  0.05),
      {0.9409803921568627, 0.9212117309914339, 0.8768415930252622});
}

TEST_CASE("rmsprop, plain, with momentum, and centered") {
  check_close(three_steps(optimizer("rmsprop", {}), 0.05),
              {0.5000000999999803, 0.7245066872108754, 0.24265033898487753});
  check_close(
      three_steps(
          optimizer("rmsprop", {{"alpha", 0.9}, {"eps", 0.0316}, {"momentum", 0.9}, {"weight_decay", 0.1}}),
          0.05),
      {0.8644598682710459, 0.7798347769899011, 0.557810335725607});
  check_close(
      three_steps(
          optimizer("rmsprop", {{"alpha", 0.9}, {"eps", 0.01}, {"momentum", 0.5}, {"centered", true}}), 0.05),
      {0.84375, 0.8357022488516935, 0.6717045911872606});
}

TEST_CASE("inputs and slots follow from what the model names") {
  using Names = std::vector<std::string>;
  const auto names = [](const std::vector<UpdateInput>& inputs) {
    Names result;
    for (const UpdateInput& input : inputs) result.push_back(input.name);
    return result;
  };
  const auto inputs = [&](const Optimizer& o) { return names(update_inputs(complete_optimizer(o))); };
  CHECK(inputs(optimizer("sgd", {})) == Names{"lr"});
  CHECK(slot_tensors(optimizer("sgd", {}), "w") == Names{});
  CHECK(inputs(optimizer("sgd", {{"nesterov", true}, {"momentum", 0.9}, {"dampening", 0.0}})) ==
        Names{"lr", "momentum"});
  CHECK(inputs(optimizer("sgd", {{"weight_decay", 1e-4}, {"momentum", 0.9}, {"nesterov", true}})) ==
        Names{"lr", "momentum", "weight_decay"});
  CHECK(slot_tensors(optimizer("sgd", {{"momentum", 0.9}}), "w") == Names{"momentum.w"});
  CHECK(inputs(optimizer("sgd", {{"momentum", 0.9}, {"dampening", 0.1}})) ==
        Names{"lr", "momentum", "dampening", "step"});
  CHECK(inputs(optimizer("adam", {})) == Names{"lr", "beta1", "beta2", "eps", "step"});
  CHECK(slot_tensors(optimizer("adam", {}), "w") == Names{"exp_avg.w", "exp_avg_sq.w"});
  CHECK(inputs(optimizer("adamw", {{"norm_weight_decay", 0.0}})) ==
        Names{"lr", "beta1", "beta2", "eps", "weight_decay", "norm_weight_decay", "step"});
  CHECK(inputs(optimizer("lion", {{"weight_decay", 0.1}})) == Names{"lr", "beta1", "beta2", "weight_decay"});
  CHECK(slot_tensors(optimizer("lion", {}), "w") == Names{"exp_avg.w"});
  CHECK(inputs(optimizer("lamb", {})) == Names{"lr", "beta1", "beta2", "eps", "step"});
  CHECK(slot_tensors(optimizer("lamb", {}), "w") == Names{"exp_avg.w", "exp_avg_sq.w"});
  CHECK(inputs(optimizer("lars", {{"momentum", 0.9}})) ==
        Names{"lr", "momentum", "trust_coefficient", "eps"});
  CHECK(slot_tensors(optimizer("lars", {}), "w") == Names{});
  const Optimizer rmsprop = complete_optimizer(optimizer("rmsprop", {{"momentum", 0.9}, {"centered", true}}));
  CHECK(names(update_inputs(rmsprop)) == Names{"lr", "alpha", "eps", "momentum"});
  CHECK(slot_tensors(rmsprop, "w") == Names{"square_avg.w", "grad_avg.w", "momentum.w"});
}

TEST_CASE("a wrong optimizer is an error that says what is wrong") {
  CHECK(message_of(optimizer("sdg", {})) ==
        "there is no optimizer sdg; there are sgd, adam, adamw, rmsprop, lion, lamb, lars; did you mean "
        "'sgd'?");
  CHECK(message_of(optimizer("NAdam", {})) ==
        "there is no optimizer NAdam; there are sgd, adam, adamw, rmsprop, lion, lamb, lars; rnc has no such "
        "optimizer yet");
  CHECK(message_of(optimizer("sgd", {{"lr", 0.1}})) ==
        "sgd: there is no attribute lr; it is the recipe's: recipe(lr = ...)");
  CHECK(message_of(optimizer("sgd", {{"beta1", 0.9}})) == "sgd: there is no attribute beta1");
  CHECK(message_of(optimizer("sgd", {{"momentum", std::string("high")}})) ==
        "sgd: momentum must be a number, not \"high\"");
  CHECK(message_of(optimizer("sgd", {{"momentum", -0.5}})) ==
        "sgd: momentum must be a number of at least 0, not -0.5");
  CHECK(message_of(optimizer("adam", {{"beta2", int64_t{1}}})) == "adam: beta2 must be less than 1, not 1.0");
  CHECK(message_of(optimizer("sgd", {{"nesterov", true}})) ==
        "sgd: nesterov needs momentum and no dampening");
  CHECK(message_of(optimizer("sgd", {{"nesterov", true}, {"momentum", 0.9}, {"dampening", 0.1}})) ==
        "sgd: nesterov needs momentum and no dampening");
}
