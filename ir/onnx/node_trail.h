// Looks from a node of a file backwards, and notes what it passes.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "ir/onnx/constant.h"
#include "ir/onnx/proto.h"

namespace rnc::onnx {

class NodeTrail {
 public:
  // Both are used while it is. `directory`: of external data.
  NodeTrail(const proto::GraphProto& graph, const std::string& directory);

  void begin() { parts_.clear(); }
  // Those passed since, by their places in the graph.
  const std::vector<int>& parts() const { return parts_; }

  // The node that makes a value for one reader alone; null where it is of another operator.
  const proto::NodeProto* maker(const std::string& value, std::string_view op);
  // The initializer that a value is; null where it is none of this element type.
  const proto::TensorProto* initializer(const std::string& value, int type) const;
  // None where it cannot be read: that is told where it is an operand.
  std::optional<Constant> read(const proto::TensorProto& tensor) const;
  bool is_number(const std::string& value, int type, double number) const;

 private:
  const proto::GraphProto& graph_;
  const std::string& directory_;
  std::unordered_map<std::string, const proto::TensorProto*> initializers_;
  std::unordered_map<std::string, int> readers_, makers_;
  std::vector<int> parts_;
};

// The type that a Cast makes; UNDEFINED of other nodes.
int64_t type_of_cast(const proto::NodeProto& node);

}  // namespace rnc::onnx
