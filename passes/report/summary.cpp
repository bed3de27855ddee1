#include "passes/report/summary.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <set>

namespace rnc {
namespace {

struct Costs {
  int64_t parameters = 0, buffers = 0, multiply_adds = 0;
};

// A line of a table.
template <size_t Columns>
using Row = std::array<std::string, Columns>;

// 1234567 as "1,234,567".
std::string grouped(int64_t number) {
  std::string text = fmt::to_string(number);
  for (auto i = static_cast<int64_t>(text.size()) - 3; i > 0; i -= 3)
    text.insert(static_cast<size_t>(i), 1, ',');
  return text;
}

// Nothing for 0, which would only fill the table.
std::string cell(int64_t number) { return number == 0 ? std::string() : grouped(number); }

// The first row is the head. The first `Text` columns are aligned to the left, the others, numbers, to the
// right.
template <size_t Text, size_t Columns>
std::string table(const std::vector<Row<Columns>>& rows) {
  std::array<size_t, Columns> widths{};
  size_t width = 2 * (Columns - 1);
  for (const auto& row : rows) {
    for (size_t i = 0; i < Columns; ++i) widths[i] = std::max(widths[i], row[i].size());
  }
  for (const size_t w : widths) width += w;
  std::string text;
  for (const auto& row : rows) {
    std::string line;
    for (size_t i = 0; i < Columns; ++i) {
      if (i > 0) line += "  ";
      line += i < Text ? fmt::format("{:<{}}", row[i], widths[i]) : fmt::format("{:>{}}", row[i], widths[i]);
    }
    line.erase(line.find_last_not_of(' ') + 1);
    text += line + "\n";
    if (&row == &rows.front()) text += std::string(width, '=') + "\n";
  }
  return std::string(width, '-') + "\n" + text + std::string(width, '=') + "\n";
}

double megabytes(int64_t bytes) { return static_cast<double>(bytes) * 1e-6; }

// What `node` costs; `counted` are the tensors that earlier nodes have read.
Costs costs_of(TensorIndex& tensors, const Graph& graph, const Node& node, std::set<std::string>& counted) {
  Costs costs{.multiply_adds = multiply_adds_per_sample(graph, node)};
  for (const ValueId input : node.inputs) {
    const Node& operand = graph[input];
    if (operand.op != Op::state || !counted.insert(operand.name).second) continue;
    const Tensor* tensor = tensors.find(operand.name);
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
    case Op::conv_transpose2d:  // each input gives one product per weight of its channel
      return elements_per_sample(shape(0)) * (elements_per_sample(shape(1)) / shape(1)[0]);
    case Op::matmul:
      return results * shape(0)[node.attributes.get<bool>("transpose_a") ? 0 : 1];
    default:
      return 0;
  }
}

namespace {

const Graph& forward(const Module& module) {
  const Graph* graph = module.find_entry(EntryRole::model);
  if (graph == nullptr) graph = module.find_entry(EntryRole::inference);
  if (graph == nullptr) throw UserError({}, "the model has no entry \"model\" or \"infer\" to summarise");
  return *graph;
}

bool is_layer(const Node& node) { return node.op != Op::state && node.op != Op::constant; }

// Elements of the parameters of batch norms, which some count apart.
int64_t batch_norm_parameters(const Module& module, const Graph& graph) {
  TensorIndex tensors(module);
  std::set<std::string> counted;
  int64_t sum = 0;
  for (const Node& node : graph.nodes) {
    if (node.op == Op::batch_norm) sum += costs_of(tensors, graph, node, counted).parameters;
  }
  return sum;
}

std::string totals(const Module& module, const Graph& graph, const Costs& total) {
  const auto size = [](int64_t numbers) { return megabytes(bytes(contract::kDefaultReal) * numbers); };
  std::string text =
      fmt::format("Total params: {} ({:.2f} MB)", grouped(total.parameters), size(total.parameters));
  const int64_t norms = batch_norm_parameters(module, graph);
  if (norms > 0) {
    text += fmt::format(": {} and {} of batch norm", grouped(total.parameters - norms), grouped(norms));
  }
  text += fmt::format("\nBuffers: {} ({:.2f} MB)\n", grouped(total.buffers), size(total.buffers));
  return text + fmt::format("Multiply-adds: {} per sample ({:.3f} GFLOP forward)\n",
                            grouped(total.multiply_adds), static_cast<double>(total.multiply_adds) * 2e-9);
}

}  // namespace

std::string summary(const Module& model) {
  const Graph& graph = forward(model);
  std::vector<Row<5>> rows = {{"Layer (operation)", "Output shape", "Params", "Buffers", "Multiply-adds"}};
  Costs total;
  TensorIndex tensors(model);
  std::set<std::string> counted;
  for (const Node& node : graph.nodes) {
    if (!is_layer(node)) continue;
    const Costs costs = costs_of(tensors, graph, node, counted);
    const std::string layer = node.name.substr(node.name.starts_with('%') ? 1 : 0);
    const std::string shape =
        node.type.dtype == contract::kDefaultReal ? str(node.type.shape) : str(node.type);
    rows.push_back({fmt::format("{} ({})", layer, name(node.op)), shape, cell(costs.parameters),
                    cell(costs.buffers), cell(costs.multiply_adds)});
    total.parameters += costs.parameters;
    total.buffers += costs.buffers;
    total.multiply_adds += costs.multiply_adds;
  }
  return fmt::format("Model: {}\n", model.name) + table<2>(rows) + totals(model, graph, total);
}

namespace {

// Results of all layers; with its padding, of a value in blocks.
int64_t activations(const Graph& graph, int64_t batch) {
  int64_t bytes = 0;
  for (const Node& node : graph.nodes) {
    if (!is_layer(node) || node.op == Op::input) continue;
    bytes += storage_bytes_per_sample(node.type) * (has_batch(node.type.shape) ? batch : 1);
  }
  return bytes;
}

}  // namespace

int64_t peak_bytes(const loops::EntryProgram& entry, int64_t batch) {
  int64_t bytes = entry.arena_bytes(batch);
  for (const loops::Buffer& buffer : entry.buffers) {
    const bool outside = buffer.region != loops::Region::arena && buffer.region != loops::Region::constant;
    if (outside) bytes += buffer.size.at(batch);
  }
  return bytes;
}

int64_t recipe_batch(const Module& model) {
  const auto entry = model.recipe.find("batch_size");
  if (entry == model.recipe.end()) return 64;
  const auto* batch = std::get_if<int64_t>(&entry->second);
  return batch != nullptr ? std::max<int64_t>(1, *batch) : 64;
}

std::string memory_summary(const Module& model, const loops::Program& program) {
  const int64_t batches[] = {1, recipe_batch(model)};
  std::vector<Row<3>> rows = {{"Memory (MB)"}};
  for (size_t i = 0; i < 2; ++i) rows[0][i + 1] = fmt::format("batch {}", batches[i]);
  const auto add = [&](std::string what, const auto& bytes) {
    Row<3> row = {std::move(what)};
    for (size_t i = 0; i < 2; ++i) row[i + 1] = fmt::format("{:.2f}", megabytes(bytes(batches[i])));
    rows.push_back(std::move(row));
  };
  add("activations (all results above)", [&](int64_t batch) { return activations(forward(model), batch); });
  for (const loops::EntryProgram& entry : program.entries) {
    const char* what = entry.role == EntryRole::inference ? "peak of inference" : "peak of a training step";
    if (entry.role != EntryRole::inference && entry.role != EntryRole::train_step) continue;
    add(what, [&](int64_t batch) { return peak_bytes(entry, batch); });
  }
  return table<1>(rows);
}

std::string conv_summary(const loops::Program& program) {
  std::vector<Row<5>> rows = {{"Algorithm", "inference", "forward", "input grad", "weight grad"}};
  const auto row_of = [&](const std::string& layer) -> Row<5>& {
    const auto found =
        std::find_if(rows.begin() + 1, rows.end(), [&](const auto& r) { return r[0] == layer; });
    return found != rows.end() ? *found : rows.emplace_back(Row<5>{layer});
  };
  for (const loops::EntryProgram& entry : program.entries) {
    if (entry.role != EntryRole::inference && entry.role != EntryRole::train_step) continue;
    for (const loops::Call& call : entry.calls) {
      const loops::Work& work = call.work;
      if (work.algorithm.empty()) continue;
      const size_t column = entry.role == EntryRole::inference ? 1
                            : work.direction == "forward"      ? 2
                            : work.direction == "input_grad"   ? 3
                                                               : 4;
      std::string& cell = row_of(call.label)[column];
      cell = work.algorithm;
      if (work.from_batch > 1) cell += fmt::format(" from batch {}", work.from_batch);
    }
  }
  return rows.size() > 1 ? table<5>(rows) : "";
}

namespace {

// The time a call should take, in bytes moved: as long as it computes or as long as it moves data.
double expected_time(const loops::Call& call, int64_t batch) {
  constexpr double kFlopsPerByte = 16;  // what a core computes while it moves a byte
  return std::max(static_cast<double>(call.work.flops.at(batch)) / kFlopsPerByte,
                  static_cast<double>(call.work.bytes.at(batch)));
}

double imbalance(const loops::Program& program, const loops::EntryProgram& entry, int64_t batch,
                 int64_t threads) {
  double largest = 0, mean = 0;
  for (const loops::Call& call : entry.calls) {
    const int64_t tasks = program.kernels.at(static_cast<size_t>(call.kernel)).tasks.at(batch);
    if (tasks == 0) continue;
    const double time = expected_time(call, batch);
    const int64_t most = (tasks + threads - 1) / threads;
    largest += time * static_cast<double>(most) / static_cast<double>(tasks);
    mean += time / static_cast<double>(threads);
  }
  return mean > 0 ? largest / mean : 1;
}

}  // namespace

std::string thread_summary(const Module& model, const loops::Program& program) {
  constexpr std::array<int64_t, 4> kThreads = {2, 8, 32, 64};
  const int64_t batch = recipe_batch(model);
  std::vector<Row<5>> rows = {{fmt::format("Largest share of a thread / mean, batch {}", batch)}};
  for (size_t i = 0; i < kThreads.size(); ++i) rows[0][i + 1] = fmt::format("{} threads", kThreads[i]);
  for (const loops::EntryProgram& entry : program.entries) {
    if (entry.role != EntryRole::inference && entry.role != EntryRole::train_step) continue;
    Row<5> row = {entry.role == EntryRole::inference ? "inference" : "training step"};
    for (size_t i = 0; i < kThreads.size(); ++i)
      row[i + 1] = fmt::format("{:.2f}", imbalance(program, entry, batch, kThreads[i]));
    rows.push_back(std::move(row));
  }
  return table<1>(rows);
}

}  // namespace rnc
