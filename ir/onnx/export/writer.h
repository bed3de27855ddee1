// A model file while it is made: nodes, initializers, and names that are free.
#pragma once

#include <map>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "ir/graph/type.h"
#include "ir/graph/unique_names.h"
#include "ir/onnx/proto.h"

namespace rnc::onnx {

// An attribute of a node of the file.
struct NodeAttribute {
  const char* name;
  std::variant<int64_t, float, std::string, std::vector<int64_t>> value;
};
using NodeAttributes = std::vector<NodeAttribute>;

class Writer {
 public:
  explicit Writer(int64_t opset);

  int64_t opset() const { return opset_; }
  proto::ModelProto& model() { return model_; }

  // --- Names of tensors
  // Whether it was free.
  bool reserve(const std::string& name) { return tensors_.take(name); }
  // `wanted`, or that with a number if it is taken. Takes it.
  std::string free_name(const std::string& wanted);

  // --- Nodes. `name`: of the node, which gets a number if another has it. Empty inputs are not given.
  void add_node(std::string_view op, std::vector<std::string> inputs, const std::vector<std::string>& outputs,
                const std::string& name, const NodeAttributes& attributes);

  // --- Initializers
  // `name`: one that was taken for it. Row-major; the elements become the type's.
  void initializer(const std::string& name, DType type, const Shape& shape, std::span<const double> elements);
  // A scalar of f32, a vector of i64: each is written once. The name is returned.
  std::string scalar(double value);
  std::string integers(std::string_view what, const std::vector<int64_t>& values);

  // The bytes of their elements, in the order in which they were added.
  std::vector<std::string> take_data() { return std::move(data_); }

  void add_input(const std::string& name, const Type& type, const std::string& doc);
  void add_output(const std::string& name, const Type& type);

 private:
  void add_initializer(const std::string& name, int type, const Shape& shape, std::string data);
  int64_t opset_;
  proto::ModelProto model_;
  UniqueNames tensors_, nodes_;
  std::map<std::vector<int64_t>, std::string> integers_;
  std::map<float, std::string> scalars_;
  std::vector<std::string> data_;  // of the initializers
};

// TensorProto's number of a type that files have: f32, u8, i32.
int element_type(DType type);

}  // namespace rnc::onnx
