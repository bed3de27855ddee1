// Writes the flat form. What it leaves out is what the reader fills in: attributes at their defaults, and the
// layer of a node that is called as its layer.
#include <fmt/format.h>

#include "ir/text/declarations.h"
#include "ir/text/lexer.h"
#include "ir/text/text.h"

namespace rnc {
namespace {

using text::quote_name;
using text::quote_string;

std::string print_attribute(const Attribute& value) {
  const auto* string = std::get_if<std::string>(&value);
  return string != nullptr ? quote_string(*string) : str(value);
}

// "(a, b, kernel = 3)": operands, then named arguments.
class ArgumentList {
 public:
  void add(std::string_view argument) { text_ += (text_.empty() ? "" : ", ") + std::string(argument); }
  void add(std::string_view name, std::string_view value) { add(fmt::format("{} = {}", name, value)); }
  std::string str() const { return fmt::format("({})", text_); }

 private:
  std::string text_;
};

template <class Map>
std::string print_arguments(const Map& values) {
  ArgumentList arguments;
  for (const auto& [name, value] : values) arguments.add(name, print_attribute(value));
  return arguments.str();
}

std::string print_call(const Graph& graph, const Node& node) {
  ArgumentList arguments;
  // Optional operands have their names unless all before them are there.
  const OpInfo& op = info(node.op);
  const bool named = (node.optional & (node.optional + 1)) != 0;
  const size_t positional = named ? static_cast<size_t>(op.min_inputs) : node.inputs.size();
  for (size_t i = 0; i < positional; ++i) arguments.add(quote_name(graph[node.inputs[i]].name));
  for (const std::string_view name : op.optional) {
    const ValueId value = operand(node, name);
    if (named && value != kNoValue) arguments.add(name, quote_name(graph[value].name));
  }
  for (const AttributeSpec& spec : info(node.op).attributes) {
    const Attribute& value = node.attributes.all().at(std::string(spec.name));
    if (spec.default_value && identical(*spec.default_value, value)) continue;
    arguments.add(spec.name, print_attribute(shortened(spec.kind, value)));
  }
  return fmt::format("{}{}", name(node.op), arguments.str());
}

class Printer {
 public:
  explicit Printer(const PrintOptions& options) : options_(options) {}

  std::string print(const Module& module) {
    line(0, fmt::format("model {} {{", quote_name(module.name)));
    print_metadata(module);
    if (!module.tensors.empty()) text_ += '\n';
    for (const Tensor& tensor : module.tensors) print_tensor(tensor);
    for (const Graph& entry : module.entries) {
      text_ += '\n';
      print_entry(entry);
    }
    line(0, "}");
    return std::move(text_);
  }

 private:
  void line(int depth, std::string_view text) {
    text_.append(static_cast<size_t>(depth) * 2, ' ');
    text_ += text;
    text_ += '\n';
  }

  // "  @ "resnet18.graph" 12:3", "in LAYER" where the layer is given, and "during PHASE" unless forward.
  std::string origin(const SourceLocation& location, const std::string* layer = nullptr,
                     Phase phase = Phase::forward) const {
    std::string text;
    if (options_.locations && location) {
      text = fmt::format(" {} {}:{}", quote_string(location.file->name), location.line, location.column);
    }
    if (layer != nullptr) text += fmt::format(" in {}", layer->empty() ? "\"\"" : quote_name(*layer));
    if (phase != Phase::forward) text += fmt::format(" during {}", name(phase));
    return text.empty() ? text : "  @" + text;
  }

  void print_metadata(const Module& module) {
    if (!module.classes.empty()) {
      std::string classes;
      for (const std::string& name : module.classes) {
        classes += (classes.empty() ? "" : ", ") + quote_string(name);
      }
      line(1, fmt::format("classes [{}]", classes));
    }
    if (!module.hash.empty()) line(1, fmt::format("hash {}", quote_string(module.hash)));
    if (!module.recipe.empty()) line(1, "recipe" + print_arguments(module.recipe));
    const Optimizer& optimizer = module.optimizer;
    if (!optimizer.name.empty()) {
      line(1, fmt::format("train {}{}{}", quote_name(optimizer.name), print_arguments(optimizer.hyper.all()),
                          origin(optimizer.location)));
    }
    if (!module.predict.empty()) line(1, fmt::format("predict {}", quote_name(module.predict)));
  }

  void print_tensor(const Tensor& tensor) {
    const std::string initializer = tensor.initializer == Initializer{}
                                        ? std::string()
                                        : fmt::format(" = {}{}", quote_name(tensor.initializer.name),
                                                      print_arguments(tensor.initializer.attributes.all()));
    const bool usual = tensor.of.empty() || tensor.of == text::usual_parameter(tensor.kind, tensor.name);
    const std::string of = usual ? std::string() : fmt::format(" of {}", quote_name(tensor.of));
    line(1, fmt::format("{} {}{} : {}{}{}", name(tensor.kind), quote_name(tensor.name), of, str(tensor.type),
                        initializer, origin(tensor.location)));
  }

  void print_entry(const Graph& graph) {
    const bool plain = graph.role == role_named(graph.name);
    line(1, fmt::format("entry {}{}{} {{", quote_name(graph.name), plain ? "" : " : ",
                        plain ? "" : name(graph.role)));
    int kernel = -1;
    for (const Node& node : graph.nodes) {
      if (node.kernel != kernel) {
        if (kernel >= 0) line(2, "}");
        kernel = node.kernel;
        if (kernel >= 0) {
          line(2, fmt::format("kernel {} {{", quote_name(graph.kernels[static_cast<size_t>(kernel)])));
        }
      }
      const bool is_own_layer = node.layer == text::usual_layer(node.op, node.name);
      line(kernel >= 0 ? 3 : 2,
           rnc::print(graph, node) + origin(node.location, is_own_layer ? nullptr : &node.layer, node.phase));
    }
    if (kernel >= 0) line(2, "}");
    for (const Output& output : graph.outputs) {
      const bool usual = output.role == usual_output_role(output.name);
      const std::string role = fmt::format(" : {}", name(output.role));
      line(2, fmt::format("output {}{} = {}", quote_name(output.name), usual ? "" : role,
                          quote_name(graph[output.value].name)));
    }
    for (const Assign& assign : graph.assigns) {
      line(2, fmt::format("assign {} = {}", quote_name(assign.tensor), quote_name(graph[assign.value].name)));
    }
    line(1, "}");
  }

  PrintOptions options_;
  std::string text_;
};

}  // namespace

std::string print(const Graph& graph, const Node& node) {
  return fmt::format("{} : {} = {}", quote_name(node.name), str(node.type), print_call(graph, node));
}

std::string print(const Module& module, const PrintOptions& options) {
  return Printer(options).print(module);
}

}  // namespace rnc
