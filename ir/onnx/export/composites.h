// Several operations of the graph for which ONNX has one operator: what blocks of the language spell out, such as
// group_norm and pixel_shuffle (ir/text/std.graph).
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <vector>

#include "ir/onnx/export/operation.h"

namespace rnc::onnx {

struct Composite {
  std::vector<ValueId> parts;             // before the last operation; they serve nothing else
  std::function<void(Operation&)> write;  // as an exporter's function, of the last operation
};

// By their last operations.
std::map<ValueId, Composite> find_composites(const Graph& graph, int64_t opset);

// --- For recognisers, which look from a value backwards and note what they pass.
class Trail {
 public:
  explicit Trail(const Graph& graph) : graph_(graph) {}

  const Graph& graph() const { return graph_; }
  // The node of v, noted as a part, if it is this operation; else null.
  const Node* step(ValueId v, Op op) {
    if (v == kNoValue || graph_[v].op != op) return nullptr;
    parts_.push_back(v);
    return &graph_[v];
  }
  // The number that v is.
  std::optional<double> number(ValueId v) const {
    if (graph_[v].op != Op::constant) return {};
    return graph_[v].attributes.get<double>("value");
  }
  const Shape& shape(ValueId v) const { return graph_[v].type.shape; }
  const std::vector<ValueId>& parts() const { return parts_; }

 private:
  const Graph& graph_;
  std::vector<ValueId> parts_;  // the last operation is the first
};

// What ends with v, if anything does.
using Recogniser = std::optional<std::function<void(Operation&)>> (*)(Trail& trail, ValueId v, int64_t opset);
std::optional<std::function<void(Operation&)>> recognise_norm(Trail& trail, ValueId v, int64_t opset);
std::optional<std::function<void(Operation&)>> recognise_shuffle(Trail& trail, ValueId v, int64_t opset);

}  // namespace rnc::onnx
