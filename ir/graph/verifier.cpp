#include "ir/graph/verifier.h"

#include <fmt/format.h>

#include <bit>
#include <cmath>
#include <set>
#include <unordered_set>

namespace rnc {
namespace {

// A broken rule travels as UserError, as do the errors of the shape rules that are checked again here.
[[noreturn]] void violate(const SourceLocation& location, std::string message) {
  throw UserError(location, std::move(message));
}

void check_name(std::unordered_set<std::string_view>& names, std::string_view name, std::string_view what,
                const SourceLocation& location) {
  if (name.empty()) violate(location, fmt::format("{} without a name", what));
  if (!names.insert(name).second) violate(location, fmt::format("the {} {} is defined twice", what, name));
}

void check_layout(const Type& type, std::string_view name, const SourceLocation& location) {
  const auto fail = [&](std::string_view why) {
    violate(location, fmt::format("the layout of {} {} {}", name, str(type), why));
  };
  if (type.layout.plain()) return;
  if (!contract::well_formed(type.layout, type.rank())) fail("does not fit its dimensions");
  for (const Layout::Block& block : type.layout.blocks) {
    if (type.shape[static_cast<size_t>(block.dim)] == kBatch) fail("blocks the batch");
    if (block.size < 2) fail("has a block of one element");
  }
}

void check_tensors(const Module& module) {
  std::unordered_set<std::string_view> names;
  for (const Tensor& tensor : module.tensors) {
    check_name(names, tensor.name, "tensor", tensor.location);
    const auto what = [&] { return fmt::format("the tensor {} {}", tensor.name, str(tensor.type)); };
    check_size(tensor.type, what, tensor.location);
    const bool stored = tensor.kind == TensorKind::prepared && is_stored_only(tensor.type);
    const bool real = contract::graph_use(tensor.type.dtype) == contract::GraphUse::real;
    if ((!real && !stored) || has_batch(tensor.type.shape)) {
      violate(tensor.location, fmt::format("{} must be {} without a batch", what(),
                                           contract::names(contract::GraphUse::real)));
    }
    check_layout(tensor.type, tensor.name, tensor.location);
  }
}

void check_operands(const Graph& graph, size_t position) {
  const Node& node = graph.nodes[position];
  const OpInfo& op = info(node.op);
  const auto count = static_cast<int>(node.inputs.size());
  if (count < op.min_inputs || count > op.max_inputs) {
    violate(node.location, fmt::format("{} {} has {} operands", op.name, node.name, count));
  }
  const int extra = op.optional.empty() ? 0 : count - op.min_inputs;
  if (std::popcount(node.optional) != extra || node.optional >> op.optional.size() != 0) {
    violate(node.location, fmt::format("{} {} does not say which operands it has", op.name, node.name));
  }
  for (const ValueId v : node.inputs) {
    if (v < 0 || static_cast<size_t>(v) >= position) {
      violate(node.location, fmt::format("{} uses a value that is not defined before it", node.name));
    }
  }
}

void check_type(const Graph& graph, const Node& node) {
  check_size(
      node.type, [&] { return fmt::format("{} {}", node.name, str(node.type)); }, node.location);
  check_layout(node.type, node.name, node.location);
  if (node.type.dtype == DType::f64 && node.type.rank() > 0) {
    violate(node.location, fmt::format("{} {} is f64 but no scalar", node.name, str(node.type)));
  }
  if (!is_complete(info(node.op), node.attributes)) {
    complete_attributes(info(node.op), node.attributes,
                        node.location);  // knows what is wrong, or it is missing
    violate(node.location, fmt::format("the attributes of {} are not complete", node.name));
  }
  std::vector<Type> types;
  for (const ValueId v : node.inputs) types.push_back(computed(graph[v].type));
  const Type inferred = info(node.op).infer(node, types);
  if (computed(inferred).dtype != computed(node.type).dtype || inferred.shape != node.type.shape) {
    violate(node.location,
            fmt::format("{} is {} but {} gives {}", node.name, str(node.type), name(node.op), str(inferred)));
  }
}

void check_source(TensorIndex& tensors, const Graph& graph, size_t position) {
  const Node& node = graph.nodes[position];
  const bool given = info(node.op).kind == OpKind::source && node.op != Op::state;
  if (is_stored_only(node.type) && (given || node.type.rank() == 0)) {
    violate(node.location, fmt::format("{} {} is no value between kernels", node.name, str(node.type)));
  }
  if (node.op == Op::input) {
    if (position > 0 && graph.nodes[position - 1].op != Op::input) {
      violate(node.location, fmt::format("the input {} comes after other values", node.name));
    }
    if (!node.type.layout.plain()) {
      violate(node.location, fmt::format("the input {} is not stored plainly", node.name));
    }
    const bool is_scalar = node.type.dtype == contract::kDefaultReal && node.type.rank() == 0;
    if (!is_scalar && !std::isnan(node.attributes.get<double>("default"))) {
      violate(node.location, fmt::format("the input {} {} has a default, which only f32[] can have",
                                         node.name, str(node.type)));
    }
  }
  if (node.op == Op::state) {
    const Tensor* tensor = tensors.find(node.name);
    if (tensor == nullptr) violate(node.location, fmt::format("there is no tensor {}", node.name));
    if (tensor->type != node.type) {
      violate(node.location,
              fmt::format("the tensor {} is {}, not {}", node.name, str(tensor->type), str(node.type)));
    }
  }
}

void check_kernels(const Graph& graph) {
  std::set<int> closed;
  int current = -1;
  for (const Node& node : graph.nodes) {
    if (node.kernel < -1 || node.kernel >= static_cast<int>(graph.kernels.size())) {
      violate(node.location, fmt::format("{} is in a kernel that does not exist", node.name));
    }
    if (node.kernel == current) continue;
    if (current != -1) closed.insert(current);
    current = node.kernel;
    if (closed.contains(current)) {
      violate(node.location, fmt::format("{} stands apart from its kernel {}", node.name,
                                         graph.kernels[static_cast<size_t>(current)]));
    }
  }
}

const Node& check_value(const Graph& graph, ValueId v, std::string_view what) {
  if (v < 0 || static_cast<size_t>(v) >= graph.nodes.size()) {
    violate({}, fmt::format("entry {}: {} is not a value of the entry", graph.name, what));
  }
  return graph[v];
}

void check_results(TensorIndex& tensors, const Graph& graph) {
  std::unordered_set<std::string_view> names;
  for (const Output& output : graph.outputs) {
    const Node& node = check_value(graph, output.value, "output " + output.name);
    check_name(names, output.name, "output", node.location);
    if (!node.type.layout.plain() || is_stored_only(node.type)) {
      violate(node.location, fmt::format("the output {} is not stored plainly", output.name));
    }
  }
  names.clear();
  for (const Assign& assign : graph.assigns) {
    const Node& node = check_value(graph, assign.value, "what is assigned to " + assign.tensor);
    check_name(names, assign.tensor, "assign", node.location);
    const Tensor* tensor = tensors.find(assign.tensor);
    if (tensor == nullptr) violate(node.location, fmt::format("there is no tensor {}", assign.tensor));
    if (tensor->type.dtype != node.type.dtype || tensor->type.shape != node.type.shape) {
      violate(node.location, fmt::format("the tensor {} {} is assigned the value {} {}", tensor->name,
                                         str(tensor->type), node.name, str(node.type)));
    }
  }
}

void check_entries(const Module& module) {
  std::unordered_set<std::string_view> names;
  for (const Graph& graph : module.entries) check_name(names, graph.name, "entry", {});
  if (module.find_entry(EntryRole::model) != nullptr && module.entries.size() > 1) {
    violate({}, "the entry model stands beside others");
  }
  if (module.find_entry(EntryRole::training) == nullptr) return;
  for (const EntryRole made : {EntryRole::backward, EntryRole::update, EntryRole::train_step}) {
    if (module.find_entry(made) != nullptr) {
      violate({}, fmt::format("the entry train stands beside {}, which is made of it", name(made)));
    }
  }
}

void check_module(const Module& module) {
  check_tensors(module);
  check_entries(module);
  TensorIndex tensors(module);
  for (const Graph& graph : module.entries) {
    std::unordered_set<std::string_view> names;
    for (size_t i = 0; i < graph.nodes.size(); ++i) {
      check_name(names, graph.nodes[i].name, "value", graph.nodes[i].location);
      check_operands(graph, i);
      check_type(graph, graph.nodes[i]);
      check_source(tensors, graph, i);
    }
    check_kernels(graph);
    check_results(tensors, graph);
  }
}

}  // namespace

std::optional<Diagnostic> find_violation(const Module& module) {
  try {
    check_module(module);
  } catch (const UserError& error) {
    return error.diagnostic();
  }
  return std::nullopt;
}

void verify(const Module& module) {
  if (const std::optional<Diagnostic> violation = find_violation(module)) {
    unreachable("the module breaks a rule of ir/graph/verifier.h\n" + violation->render());
  }
}

}  // namespace rnc
