#include "ir/onnx/export/export.h"

#include <fmt/format.h>

#include "ir/onnx/class_names.h"
#include "ir/onnx/export/composites.h"
#include "ir/onnx/export/exporters.h"
#include "ir/onnx/export/files.h"
#include "ir/onnx/export/inputs.h"
#include "ir/onnx/export/splits.h"

namespace rnc::onnx {
namespace {

constexpr size_t kShown = 20;  // of mistakes

bool is_source(Op op) { return info(op).kind == OpKind::source || op == Op::constants; }

// What is written as one node, by the operation at which it is: its last of composites, its first of parts.
struct Together {
  std::map<ValueId, Composite> composites;
  std::map<ValueId, std::vector<ValueId>> splits;
};

void write(Written& written, ValueId v, const Together& together) {
  const auto composite = together.composites.find(v);
  const auto split = together.splits.find(v);
  const Node& node = written.graph()[v];
  const Exporter* row = find_exporter(node.op);
  const OpInfo& op = info(node.op);
  Operation operation(written, v, row == nullptr ? std::string_view() : row->as);
  if (composite != together.composites.end()) return composite->second.write(operation);
  if (split != together.splits.end()) return write_split(operation, split->second);
  if (row != nullptr) return row->write(operation);
  if (op.formula || op.formula_with != nullptr) return write_formula(operation);
  operation.refuse("ONNX has nothing like it");
}

// All nodes that compute the outputs; throws for those that cannot be written.
void write_nodes(Written& written, std::vector<bool> is_written) {
  Together together{find_composites(written.graph(), written.writer().opset()), {}};
  for (const auto& [last, composite] : together.composites)
    for (const ValueId part : composite.parts) is_written[static_cast<size_t>(part)] = true;
  together.splits = find_splits(written.graph(), is_written);
  std::vector<Diagnostic> first;
  size_t count = 0;
  const Graph& graph = written.graph();
  for (size_t i = 0; i < graph.nodes.size(); ++i) {
    const Node& node = graph.nodes[i];
    const auto v = static_cast<ValueId>(i);
    if (is_source(node.op) || is_written[i] || !written.name(v).empty()) continue;
    try {
      write(written, v, together);
    } catch (const NotExported& error) {
      if (++count <= kShown)
        first.push_back(
            {node.location,
             fmt::format("{}: {} cannot be exported to ONNX: {}", plain(node.name), name(node.op), error.why),
             {}});
    }
  }
  if (count > 0) throw UserError(first, count);
}

// A value that is not the result of a node of its own, or has several names, is given each of them by an Identity.
void write_outputs(Written& written, Writer& writer) {
  for (const Output& output : written.graph().outputs) {
    const std::string tensor = written.name(output.value);
    if (tensor != output.name) writer.add_node("Identity", {tensor}, {output.name}, output.name, {});
    writer.add_output(output.name, written.graph()[output.value].type);
  }
}

// What entry prepare computes, by the names of tensors.
Tensors prepared(const Module& module, const Graph& infer, const Tensors& weights) {
  const Graph* prepare = module.find_entry(EntryRole::prepare);
  Tensors tensors;
  if (prepare != nullptr) tensors = interpret(*prepare, 1, {}, weights).assigned;
  for (const Node& node : infer.nodes) {
    if (node.op != Op::state || tensors.contains(node.name) || weights.contains(node.name)) continue;
    throw UserError(node.location,
                    fmt::format("{} is read in inference, and is neither a weight nor computed from "
                                "weights: there is no value of it to export",
                                node.name));
  }
  return tensors;
}

void describe(proto::ModelProto& model, const Module& module, const ExportOptions& options) {
  model.set_producer_name(kProducer);
  model.set_producer_version(options.producer_version);
  model.set_doc_string(fmt::format("The model {}, for inference.", module.name));
  model.mutable_graph()->set_name(module.name);
  set_class_names(model, module.classes);
}

}  // namespace

ExportedFiles export_model(const Module& module, const Tensors& weights, const ExportOptions& options) {
  const Graph* infer = module.find_entry(EntryRole::inference);
  if (infer == nullptr)
    throw UserError(
        {}, fmt::format("the model {} has no entry for inference to be exported: it predicts nothing, or "
                        "--passes leave out derive_entries",
                        module.name));
  Writer writer(options.opset);
  describe(writer.model(), module, options);
  const FileInputs inputs = file_inputs(*infer, options.float_input);
  for (const Output& output : infer->outputs) writer.reserve(output.name);
  const Tensors computed = prepared(module, *infer, weights);
  Written written(module, *infer, weights, computed, writer);
  for (const FileInput& input : inputs.inputs) {
    const std::string& name = (*infer)[input.argument].name;
    if (!writer.reserve(name))
      throw UserError(
          (*infer)[input.argument].location,
          fmt::format("an input and an output are both called {}; in ONNX names are unique", name));
    writer.add_input(name, (*infer)[input.value].type, input.doc);
    written.set_name(input.value, name);
  }
  write_nodes(written, inputs.is_outside);
  write_outputs(written, writer);
  return files_of(writer.model(), writer.take_data(), options);
}

}  // namespace rnc::onnx
