#include "passes/dot.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

namespace rnc {
namespace {

std::string escaped(std::string_view text) {
  std::string result;
  for (const char c : text) {
    if (c == '"' || c == '\\') result += '\\';
    result += c;
  }
  return result;
}

// A frame of the drawing: nodes by id, and the frames within it by name.
struct Frame {
  std::vector<ValueId> nodes;
  std::map<std::string, Frame> frames;
};

// Where a node stands: "layer1.0.conv1" in frame 0 of frame layer1, and there in its kernel's, if any.
Frame& frame_of(Frame& root, const Graph& graph, const Node& node) {
  Frame* frame = &root;
  std::string_view path = node.layer.empty() ? std::string_view(node.name) : node.layer;
  for (size_t dot = path.find('.'); dot != std::string_view::npos; dot = path.find('.')) {
    frame = &frame->frames[std::string(path.substr(0, dot))];
    path.remove_prefix(dot + 1);
  }
  if (node.kernel < 0) return *frame;
  return frame->frames["kernel " + graph.kernels[static_cast<size_t>(node.kernel)]];
}

// Tensors and constants are written into the operations that read them: as boxes they would crowd the
// drawing.
bool is_inline(const Node& node) { return node.op == Op::state || node.op == Op::constant; }

std::string_view colour(const Node& node) {
  switch (info(node.op).kind) {
    case OpKind::source:
      return "white";
    case OpKind::contraction:
      return "#cfe2f3";
    case OpKind::window:
      return "#d9ead3";
    case OpKind::reduction:
      return "#fce5cd";
    case OpKind::elementwise:
    case OpKind::movement:
    case OpKind::other:
      return "#f3f3f3";
  }
  unreachable("operation kind");
}

class Drawing {
 public:
  Drawing(const Graph& graph, std::string prefix) : graph_(graph), prefix_(std::move(prefix)) {}

  std::string draw() {
    Frame root;
    for (ValueId v = 0; v < static_cast<ValueId>(graph_.nodes.size()); ++v) {
      if (!is_inline(graph_[v])) frame_of(root, graph_, graph_[v]).nodes.push_back(v);
    }
    draw_frame(root, graph_.name, 1);
    for (ValueId v = 0; v < static_cast<ValueId>(graph_.nodes.size()); ++v) {
      for (const ValueId input : graph_[v].inputs) draw_edge(input, id(v));
    }
    for (const Output& output : graph_.outputs) {
      const std::string end = fmt::format("{}_output_{}", prefix_, &output - graph_.outputs.data());
      text_ += fmt::format("  \"{}\" [label=\"{}\", shape=oval];\n", end, escaped(output.name));
      draw_edge(output.value, end);
    }
    return text_;
  }

 private:
  std::string id(ValueId v) const { return fmt::format("{}_{}", prefix_, v); }

  void draw_frame(const Frame& frame, std::string_view name, size_t depth) {
    const std::string indent(2 * depth, ' ');
    text_ += fmt::format("{}subgraph \"cluster_{}_{}\" {{\n{}  label=\"{}\";\n", indent, prefix_, frames_++,
                         indent, escaped(name));
    for (const ValueId v : frame.nodes) text_ += fmt::format("{}  {}\n", indent, box(v));
    for (const auto& [inner_name, inner] : frame.frames) draw_frame(inner, inner_name, depth + 1);
    text_ += indent + "}\n";
  }

  std::string box(ValueId v) const {
    const Node& node = graph_[v];
    std::string label =
        escaped(node.op == Op::input ? node.name : fmt::format("{}: {}", node.name, name(node.op)));
    for (const ValueId input : node.inputs) {
      if (is_inline(graph_[input])) label += "\\n" + escaped(operand(graph_[input]));
    }
    for (const Assign& assign : graph_.assigns) {
      if (assign.value == v) label += "\\nassigned to " + escaped(assign.tensor);
    }
    return fmt::format("\"{}\" [label=\"{}\", shape={}, fillcolor=\"{}\"];", id(v), label,
                       node.op == Op::input ? "oval" : "box", colour(node));
  }

  static std::string operand(const Node& node) {
    if (node.op == Op::constant) return str(Attribute(node.attributes.get<double>("value")));
    return fmt::format("{} {}", node.name, str(node.type.shape));
  }

  void draw_edge(ValueId from, const std::string& to) {
    if (is_inline(graph_[from])) return;
    text_ +=
        fmt::format("  \"{}\" -> \"{}\" [label=\"{}\"];\n", id(from), to, escaped(str(graph_[from].type)));
  }

  const Graph& graph_;
  std::string prefix_;  // of the ids, which are common to all entries
  std::string text_;
  int frames_ = 0;
};

}  // namespace

std::string dot(const Module& module) {
  std::string text = fmt::format("digraph \"{}\" {{\n", escaped(module.name));
  text += "  node [style=filled, fontname=\"sans-serif\", fontsize=11];\n";
  text += "  edge [fontname=\"sans-serif\", fontsize=9];\n  graph [fontname=\"sans-serif\", fontsize=12];\n";
  for (const Graph& graph : module.entries) text += Drawing(graph, graph.name).draw();
  return text + "}\n";
}

}  // namespace rnc
