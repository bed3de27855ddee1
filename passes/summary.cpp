#include "passes/summary.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <set>

namespace rnc {
namespace {

struct Costs {
  int64_t parameters = 0, buffers = 0, multiply_adds = 0;
};

// name, operation, result, parameters, buffers, multiply-adds
using Row = std::array<std::string, 6>;

// 1234567 as "1,234,567"; nothing for 0, which would only fill the table.
std::string grouped(int64_t number) {
  if (number == 0) return {};
  std::string text = fmt::to_string(number);
  for (auto i = static_cast<int64_t>(text.size()) - 3; i > 0; i -= 3)
    text.insert(static_cast<size_t>(i), 1, ',');
  return text;
}

Row row(std::string name, std::string operation, std::string result, const Costs& costs) {
  return {std::move(name),           std::move(operation),   std::move(result),
          grouped(costs.parameters), grouped(costs.buffers), grouped(costs.multiply_adds)};
}

std::string aligned(const std::vector<Row>& rows) {
  std::array<size_t, 6> widths{};
  for (const Row& row : rows) {
    for (size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], row[i].size());
  }
  std::string text;
  for (const Row& row : rows) {
    std::string line;
    for (size_t i = 0; i < row.size(); ++i) {
      if (i > 0) line += "  ";
      line += i < 3 ? fmt::format("{:<{}}", row[i], widths[i]) : fmt::format("{:>{}}", row[i], widths[i]);
    }
    line.erase(line.find_last_not_of(' ') + 1);
    text += line + "\n";
  }
  return text;
}

// What `node` costs; `counted` are the tensors that earlier nodes have read.
Costs costs_of(const Module& module, const Graph& graph, const Node& node, std::set<std::string>& counted) {
  Costs costs{.multiply_adds = multiply_adds_per_sample(graph, node)};
  for (const ValueId input : node.inputs) {
    const Node& operand = graph[input];
    if (operand.op != Op::state || !counted.insert(operand.name).second) continue;
    const Tensor* tensor = module.find_tensor(operand.name);
    check(tensor != nullptr, operand.name);
    if (tensor->kind == TensorKind::parameter) costs.parameters += elements_per_sample(tensor->type.shape);
    if (tensor->kind == TensorKind::buffer) costs.buffers += elements_per_sample(tensor->type.shape);
  }
  return costs;
}

}  // namespace

int64_t multiply_adds_per_sample(const Graph& graph, const Node& node) {
  const auto shape = [&](size_t i) -> const Shape& { return graph[node.inputs[i]].type.shape; };
  const int64_t results = elements_per_sample(node.type.shape);
  switch (node.op) {
    case Op::conv2d:
    case Op::linear:  // each output takes one product per weight of its output channel
      return results * (elements_per_sample(shape(1)) / shape(1)[0]);
    case Op::matmul:
      return results * shape(0)[node.attributes.get<bool>("transpose_a") ? 0 : 1];
    default:
      return 0;
  }
}

std::string summary(const Module& module) {
  const Graph* graph = module.find_entry("model");
  if (graph == nullptr) graph = module.find_entry("infer");
  if (graph == nullptr) throw UserError({}, "the model has no entry \"model\" or \"infer\" to summarise");
  std::vector<Row> rows = {{"layer", "operation", "result", "parameters", "buffers", "multiply-adds"}};
  Costs total;
  std::set<std::string> counted;
  for (const Node& node : graph->nodes) {
    if (node.op == Op::state || node.op == Op::constant) continue;
    const Costs costs = costs_of(module, *graph, node, counted);
    const bool generated = node.name.starts_with('%');
    rows.push_back(
        row(node.name.substr(generated ? 1 : 0), std::string(name(node.op)), str(node.type), costs));
    total.parameters += costs.parameters;
    total.buffers += costs.buffers;
    total.multiply_adds += costs.multiply_adds;
  }
  rows.push_back(row("total", "", "", total));
  return aligned(rows) + fmt::format("{}: {:.2f} MB of parameters, {:.3f} GFLOP per sample forward\n",
                                     module.name, static_cast<double>(total.parameters) * 4e-6,
                                     static_cast<double>(total.multiply_adds) * 2e-9);
}

}  // namespace rnc
