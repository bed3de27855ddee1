#include "tests/support/evaluate.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>

namespace rnc::test {

Tensors evaluate(const Module& module, std::string_view entry, int64_t batch, const Tensors& inputs,
                 Tensors tensors) {
  const Graph* prepare = module.find_entry("prepare");
  if (prepare != nullptr && entry != "prepare") {
    Interpretation prepared = interpret(*prepare, 1, {}, tensors);
    for (auto& [name, data] : prepared.assigned) tensors[name] = std::move(data);
  }
  const Graph* graph = module.find_entry(entry);
  check(graph != nullptr, entry);
  Interpretation result = interpret(*graph, batch, inputs, tensors);
  for (auto& [name, data] : result.assigned) result.outputs["assign." + name] = std::move(data);
  return std::move(result.outputs);
}

double relative_error(const TensorData& a, const TensorData& b, double floor) {
  constexpr double infinity = std::numeric_limits<double>::infinity();
  if (a.shape != b.shape || a.values.size() != b.values.size()) return infinity;
  double difference = 0, size = 0;
  for (size_t i = 0; i < a.values.size(); ++i) {
    if (a.values[i] == b.values[i] || (std::isnan(a.values[i]) && std::isnan(b.values[i]))) continue;
    if (!std::isfinite(a.values[i]) || !std::isfinite(b.values[i])) return infinity;
    difference += (a.values[i] - b.values[i]) * (a.values[i] - b.values[i]);
  }
  if (difference == 0) return 0;
  for (const double value : b.values) {
    if (std::isfinite(value)) size += value * value;
  }
  return std::sqrt(difference) / std::max(std::sqrt(size), floor);
}

double relative_error(const Tensors& a, const Tensors& b, std::string* worst, double floor) {
  constexpr double infinity = std::numeric_limits<double>::infinity();
  double largest = 0;
  const auto note = [&](const std::string& name, double error) {
    if (error <= largest) return;
    largest = error;
    if (worst != nullptr) *worst = name;
  };
  for (const auto& [name, data] : a) {
    const auto other = b.find(name);
    note(name, other == b.end() ? infinity : relative_error(data, other->second, floor));
  }
  for (const auto& [name, data] : b) {
    if (!a.contains(name)) note(name, infinity);
  }
  return largest;
}

bool same_bits(const Tensors& a, const Tensors& b) {
  const auto bits = [](double x) { return std::bit_cast<uint64_t>(x); };
  return std::ranges::equal(a, b, [&](const auto& x, const auto& y) {
    return x.first == y.first && std::ranges::equal(x.second.values, y.second.values, {}, bits, bits);
  });
}

}  // namespace rnc::test
