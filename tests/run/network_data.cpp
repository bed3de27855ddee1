#include "tests/run/network_data.h"

#include <algorithm>

#include "tests/support/random.h"

namespace rnc::test {
namespace {

TensorData filled(const Shape& shape, int64_t batch, const auto& next) {
  TensorData data{concrete(shape, batch), {}};
  const int64_t count = elements_per_sample(data.shape);
  for (int64_t i = 0; i < count; ++i) data.values.push_back(next());
  return data;
}

double f32(double value) { return static_cast<double>(static_cast<float>(value)); }

// Of the logits, whose gradients' labels must be theirs.
int64_t classes(const Graph& entry) {
  for (const Node& node : entry.nodes) {
    if (node.op == Op::cross_entropy) return entry[node.inputs[0]].type.shape[1];
  }
  return 1;
}

// A learning rate at which three steps change parameters visibly and keep what must be positive so.
double learning_rate(const Optimizer& optimizer) { return optimizer.name == "sgd" ? 0.0625 : 0.0078125; }

double scalar(const Module& module, const std::string& name) {
  if (name == "lr") return learning_rate(module.optimizer);
  if (name == "step") return 1;
  if (name == "seed") return 20161;
  if (module.optimizer.hyper.has(name)) return module.optimizer.hyper.get<double>(name);
  return 0.3125;  // lambda
}

bool positive(const std::string& name) {
  return name.ends_with(".positive") || name.ends_with("running_var");
}

// Deviation that keeps activations about as large as they are.
double weight_scale(const Shape& shape) {
  if (shape.size() < 2) return 0.3;
  return 1.2 / std::sqrt(static_cast<double>(elements_per_sample(shape) / shape[0]));
}

}  // namespace

Tensors network_inputs(const Module& module, const Graph& entry, int64_t batch, uint64_t seed) {
  Random random(seed);
  const int64_t labels = classes(entry);
  Tensors inputs;
  for (const Node& node : entry.nodes) {
    if (node.op != Op::input) continue;
    inputs[node.name] = filled(node.type.shape, batch, [&]() -> double {
      if (node.type.dtype == DType::u8) return static_cast<double>(random.integer(0, 255));
      if (node.type.dtype == DType::i32) return static_cast<double>(random.integer(0, labels - 1));
      return node.type.shape.empty() ? scalar(module, node.name) : f32(random.normal());
    });
  }
  return inputs;
}

Tensors network_tensors(const Module& module, uint64_t seed) {
  Random random(seed);
  Tensors tensors;
  for (const Tensor& tensor : module.tensors) {
    if (tensor.kind == TensorKind::prepared) continue;
    const bool scale = tensor.name.ends_with(".weight") && tensor.type.rank() == 1;
    const double deviation = weight_scale(tensor.type.shape);
    tensors[tensor.name] = filled(tensor.type.shape, 1, [&]() -> double {
      if (tensor.kind == TensorKind::slot) return 0;
      return f32(scale || positive(tensor.name) ? random.uniform(0.5, 1.5) : random.normal(0, deviation));
    });
  }
  return tensors;
}

}  // namespace rnc::test
