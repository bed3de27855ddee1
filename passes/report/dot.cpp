#include "passes/report/dot.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>

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

// Nodes drawn as one box, a line each: what follows the first only passes its value on.
using Box = std::vector<ValueId>;

// A frame of the drawing: boxes, and the frames within it by name.
struct Frame {
  std::vector<size_t> boxes;
  std::map<std::string, Frame> frames;
};

std::string_view path_of(const Node& node) {
  return node.layer.empty() ? std::string_view(node.name) : node.layer;
}

// "layer1.0." of "layer1.0.conv1".
std::string_view scope_of(std::string_view path) { return path.substr(0, path.rfind('.') + 1); }

// Where a node stands: "layer1.0.conv1" in frame 0 of frame layer1, and there in its kernel's, if any.
Frame& frame_of(Frame& root, const Graph& graph, const Node& node) {
  Frame* frame = &root;
  std::string_view path = path_of(node);
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

// What it computes, as papers write it: "conv2d 3x3, 128, /2".
std::string description(const Graph& graph, const Node& node) {
  std::string text(name(node.op));
  const auto pair = [&](std::string_view attribute) -> const std::vector<int64_t>& {
    return node.attributes.get<std::vector<int64_t>>(attribute);
  };
  const bool convolves = node.op == Op::conv2d, pools = node.op == Op::max_pool || node.op == Op::avg_pool;
  if (convolves) {
    const Shape& weight = graph[node.inputs[1]].type.shape;
    text += fmt::format(" {}x{}, {}", weight[2], weight[3], weight[0]);
  }
  if (pools) text += fmt::format(" {}x{}", pair("kernel")[0], pair("kernel")[1]);
  if (node.op == Op::linear) text += fmt::format(", {}", node.type.shape.back());
  if (convolves || pools) {
    const std::vector<int64_t>& stride = pair("stride");
    if (stride[0] != stride[1]) text += fmt::format(", /{}x{}", stride[0], stride[1]);
    if (stride[0] == stride[1] && stride[0] > 1) text += fmt::format(", /{}", stride[0]);
  }
  if (convolves && node.attributes.get<int64_t>("groups") > 1) {
    text += fmt::format(", {} groups", node.attributes.get<int64_t>("groups"));
  }
  return text;
}

class Drawing {
 public:
  Drawing(const Graph& graph, std::string prefix)
      : graph_(graph), prefix_(std::move(prefix)), box_of_(graph.nodes.size()) {
    count_uses();
    for (ValueId v = 0; v < static_cast<ValueId>(graph.nodes.size()); ++v) {
      if (!is_inline(graph[v])) place(v);
    }
  }

  std::string draw() {
    Frame root;
    for (size_t i = 0; i < boxes_.size(); ++i) {
      frame_of(root, graph_, graph_[boxes_[i].front()]).boxes.push_back(i);
    }
    draw_frame(root, graph_.name, "", 1);
    for (size_t i = 0; i < boxes_.size(); ++i) {
      std::set<std::string> drawn;
      for (const ValueId input : graph_[boxes_[i].front()].inputs) draw_edge(input, id(i), drawn);
    }
    for (const Output& output : graph_.outputs) {
      const std::string end = fmt::format("{}_output_{}", prefix_, &output - graph_.outputs.data());
      text_ += fmt::format("  \"{}\" [label=\"{}\", shape=oval, fillcolor=\"white\"];\n", end,
                           escaped(output.name));
      std::set<std::string> drawn;
      draw_edge(output.value, end, drawn);
    }
    return text_;
  }

 private:
  void count_uses() {
    uses_.resize(graph_.nodes.size());
    for (const Node& node : graph_.nodes) {
      for (const ValueId u : node.inputs) ++uses_[static_cast<size_t>(u)];
    }
    for (const Output& output : graph_.outputs) ++uses_[static_cast<size_t>(output.value)];
  }

  // The value that `node` only passes on, changed: its one operand beside tensors, that nothing else reads.
  ValueId continued(const Node& node) const {
    const OpKind kind = info(node.op).kind;
    if (kind != OpKind::elementwise && kind != OpKind::movement && node.op != Op::batch_norm) return kNoValue;
    ValueId only = kNoValue;
    for (const ValueId u : node.inputs) {
      if (is_inline(graph_[u])) continue;
      if (only != kNoValue) return kNoValue;
      only = u;
    }
    if (only == kNoValue || graph_[only].op == Op::input) return kNoValue;
    return uses_[static_cast<size_t>(only)] == 1 && graph_[only].kernel == node.kernel ? only : kNoValue;
  }

  // Whether `v` stands in the frame of the box that ends in `before`, or is the result of that frame's block.
  bool same_frame(ValueId before, ValueId v) const {
    const std::string_view path = path_of(graph_[v]);
    const std::string_view frame =
        scope_of(path_of(graph_[boxes_[box_of_[static_cast<size_t>(before)]].front()]));
    return scope_of(path) == frame || (frame.starts_with(path) && frame.size() == path.size() + 1);
  }

  void place(ValueId v) {
    ValueId before = continued(graph_[v]);
    if (before != kNoValue && !same_frame(before, v)) before = kNoValue;
    if (before == kNoValue) boxes_.emplace_back();
    const size_t box = before == kNoValue ? boxes_.size() - 1 : box_of_[static_cast<size_t>(before)];
    boxes_[box].push_back(v);
    box_of_[static_cast<size_t>(v)] = box;
  }

  std::string id(size_t box) const { return fmt::format("{}_{}", prefix_, box); }

  // `scope` is the prefix of the names in the frame.
  void draw_frame(const Frame& frame, std::string_view name, const std::string& scope, size_t depth) {
    const std::string indent(2 * depth, ' ');
    text_ += fmt::format("{}subgraph \"cluster_{}_{}\" {{\n{}  label=\"{}\";\n", indent, prefix_, frames_++,
                         indent, escaped(name));
    for (const size_t box : frame.boxes) text_ += fmt::format("{}  {}\n", indent, draw_box(box, scope));
    for (const auto& [inner_name, inner] : frame.frames) {
      const bool is_kernel = inner_name.find(' ') != std::string::npos;
      const std::string path = scope + inner_name;
      draw_frame(inner, is_kernel ? inner_name : path, is_kernel ? scope : path + ".", depth + 1);
    }
    text_ += indent + "}\n";
  }

  std::string draw_box(size_t box, const std::string& scope) const {
    const Node& first = graph_[boxes_[box].front()];
    std::string label;
    for (const ValueId v : boxes_[box]) {
      if (!label.empty()) label += "\\n";
      label += escaped(line(graph_[v], scope));
      for (const Assign& assign : graph_.assigns) {
        if (assign.value == v) label += "\\nassigned to " + escaped(assign.tensor);
      }
    }
    const Type& type = graph_[boxes_[box].back()].type;
    if (first.inputs.empty() || !(graph_[first.inputs[0]].type == type)) label += "\\n" + escaped(str(type));
    return fmt::format("\"{}\" [label=\"{}\", shape={}, fillcolor=\"{}\"];", id(box), label,
                       first.op == Op::input ? "oval" : "box", colour(first));
  }

  // "conv1: conv2d 7x7, 64, /2", where the layer has a name that says more than the operation does and is not
  // that of the frame around, as it is for the result of a block. Tensors are named unless they are the
  // layer's own.
  std::string line(const Node& node, const std::string& scope) const {
    if (node.op == Op::input) return node.name;
    const std::string_view path = path_of(node);
    std::string text = description(graph_, node);
    if (path.starts_with(scope)) {
      const std::string_view local = path.substr(scope.size());
      const bool says_more = !local.starts_with(name(node.op)) && !local.starts_with('%');
      if (says_more && local.find('.') == std::string_view::npos) text = fmt::format("{}: {}", local, text);
    }
    for (const ValueId input : node.inputs) {
      const Node& operand = graph_[input];
      if (operand.op == Op::constant) text += " " + str(Attribute(operand.attributes.get<double>("value")));
      if (operand.op == Op::state && !operand.name.starts_with(fmt::format("{}.", path))) {
        text += fmt::format(" {} {}", operand.name, str(operand.type.shape));
      }
    }
    return text;
  }

  void draw_edge(ValueId from, const std::string& to, std::set<std::string>& drawn) {
    if (is_inline(graph_[from])) return;
    const std::string start = id(box_of_[static_cast<size_t>(from)]);
    if (drawn.insert(start).second) text_ += fmt::format("  \"{}\" -> \"{}\";\n", start, to);
  }

  const Graph& graph_;
  std::string prefix_;  // of the ids, which are common to all entries
  std::vector<int> uses_;
  std::vector<Box> boxes_;
  std::vector<size_t> box_of_;  // by node
  std::string text_;
  int frames_ = 0;
};

}  // namespace

std::string dot(const Module& module) {
  std::string text = fmt::format("digraph \"{}\" {{\n", escaped(module.name));
  text += "  node [style=\"filled,rounded\", color=\"#666666\", fontname=\"sans-serif\", fontsize=11];\n";
  text += "  edge [color=\"#444444\", arrowsize=0.7];\n";
  text +=
      "  graph [ranksep=0.3, nodesep=0.3, style=rounded, labeljust=l, color=\"#999999\", "
      "fontname=\"sans-serif\", "
      "fontsize=12];\n";
  for (const Graph& graph : module.entries) text += Drawing(graph, graph.name).draw();
  return text + "}\n";
}

}  // namespace rnc
