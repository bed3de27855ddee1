#include <algorithm>

#include "ir/text/text.h"

namespace rnc {
namespace {

bool equal(const Tensor& a, const Tensor& b) {
  return a.name == b.name && a.kind == b.kind && a.type == b.type && a.initializer == b.initializer &&
         a.of == b.of;
}

bool equal_recipes(const Module& a, const Module& b) {
  return std::ranges::equal(a.recipe, b.recipe, [](const auto& x, const auto& y) {
    return x.first == y.first && identical(x.second, y.second);
  });
}

bool equal(const Node& a, const Node& b) {
  return a.op == b.op && a.name == b.name && a.inputs == b.inputs && a.optional == b.optional &&
         a.phase == b.phase && a.type == b.type && a.layer == b.layer && a.attributes == b.attributes;
}

// Whether nodes i of both graphs are in kernels of the same name, and both or neither share that of node i - 1.
bool equal_kernels(const Graph& a, const Graph& b, size_t i) {
  const int x = a.nodes[i].kernel, y = b.nodes[i].kernel;
  if ((x < 0) != (y < 0)) return false;
  if (x >= 0 && a.kernels[static_cast<size_t>(x)] != b.kernels[static_cast<size_t>(y)]) return false;
  return i == 0 || (x == a.nodes[i - 1].kernel) == (y == b.nodes[i - 1].kernel);
}

bool equal(const Graph& a, const Graph& b) {
  const auto same_output = [](const Output& x, const Output& y) {
    return x.name == y.name && x.value == y.value && x.role == y.role;
  };
  const auto same_assign = [](const Assign& x, const Assign& y) {
    return x.tensor == y.tensor && x.value == y.value;
  };
  const auto same_node = [](const Node& x, const Node& y) { return equal(x, y); };
  if (a.name != b.name || a.role != b.role || !std::ranges::equal(a.nodes, b.nodes, same_node) ||
      !std::ranges::equal(a.outputs, b.outputs, same_output) ||
      !std::ranges::equal(a.assigns, b.assigns, same_assign)) {
    return false;
  }
  for (size_t i = 0; i < a.nodes.size(); ++i) {
    if (!equal_kernels(a, b, i)) return false;
  }
  return true;
}

}  // namespace

bool equal(const Module& a, const Module& b) {
  const auto same_tensor = [](const Tensor& x, const Tensor& y) { return equal(x, y); };
  const auto same_entry = [](const Graph& x, const Graph& y) { return equal(x, y); };
  return a.name == b.name && a.classes == b.classes && a.hash == b.hash && equal_recipes(a, b) &&
         a.optimizer.name == b.optimizer.name && a.optimizer.hyper == b.optimizer.hyper &&
         a.predict == b.predict && std::ranges::equal(a.tensors, b.tensors, same_tensor) &&
         std::ranges::equal(a.entries, b.entries, same_entry);
}

}  // namespace rnc
