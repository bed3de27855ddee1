// Builds modules for tests without going through text: parameters and operations with short calls.
#pragma once

#include <initializer_list>
#include <string>
#include <utility>

#include "ir/graph/graph.h"

namespace rnc::test {

inline Attributes attributes(std::initializer_list<std::pair<std::string, Attribute>> list) {
  Attributes result;
  for (const auto& [name, value] : list) result.set(name, value);
  return result;
}

// A module with one entry in the making.
class ModelBuilder {
 public:
  explicit ModelBuilder(std::string entry = "model") {
    module.name = "test";
    module.entries.push_back({.name = entry, .role = role_named(entry)});
  }
  ModelBuilder(const ModelBuilder&) = delete;
  ModelBuilder& operator=(const ModelBuilder&) = delete;

  ValueId input(std::string name, DType dtype, Shape shape) {
    return builder().input(std::move(name), {dtype, std::move(shape), {}});
  }
  ValueId tensor(const std::string& name, Shape shape, TensorKind kind = TensorKind::parameter) {
    module.tensors.push_back({name, kind, {DType::f32, std::move(shape), {}}, {}, {}});
    return builder().state(name);
  }
  ValueId op(Op op, std::vector<ValueId> inputs,
             std::initializer_list<std::pair<std::string, Attribute>> list = {},
             const std::string& name = "") {
    GraphBuilder b = builder();
    b.set_origin({}, name);
    return b.emit(op, std::move(inputs), attributes(list), name);
  }
  ValueId constant(double value) { return builder().constant(value); }
  void output(const std::string& name, ValueId value) {
    graph().outputs.push_back({name, value, usual_output_role(name)});
  }

  // Layers of a network, with the parameters PyTorch gives them.
  ValueId conv(const std::string& name, ValueId x, int64_t out, int64_t kernel, int64_t stride = 1,
               int64_t pad = 0) {
    const ValueId w = tensor(name + ".weight", {out, channels(x), kernel, kernel});
    return op(Op::conv2d, {x, w}, {{"stride", stride}, {"pad", pad}}, name);
  }
  ValueId batch_norm(const std::string& name, ValueId x) {
    const Shape shape{channels(x)};
    const ValueId weight = tensor(name + ".weight", shape);
    const ValueId bias = tensor(name + ".bias", shape);
    const ValueId mean = tensor(name + ".running_mean", shape, TensorKind::buffer);
    const ValueId variance = tensor(name + ".running_var", shape, TensorKind::buffer);
    return op(Op::batch_norm, {x, weight, bias, mean, variance}, {}, name);
  }
  ValueId linear(const std::string& name, ValueId x, int64_t out) {
    const ValueId weight = tensor(name + ".weight", {out, channels(x)});
    const ValueId bias = tensor(name + ".bias", {out});
    return op(Op::linear, {x, weight, bias}, {}, name);
  }

  // The end of a network that trains: "fc" on rank-2 `features`, predicted, and its loss.
  void classifier(ValueId features, ValueId label) {
    const ValueId fc = linear("fc", features, 5);
    output("fc", fc);
    output("loss", op(Op::cross_entropy, {fc, label}, {}, "cross_entropy"));
    module.predict = "fc";
    module.optimizer.name = "sgd";
  }

  int64_t channels(ValueId v) { return graph()[v].type.shape[1]; }
  Graph& graph() { return module.entries.back(); }
  GraphBuilder builder() { return {module, graph()}; }

  Module module;
};

}  // namespace rnc::test
