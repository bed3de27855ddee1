// An operation of the graph as its row's function sees it: operands, attributes, and how to add nodes to the file.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "ir/onnx/export/written.h"

namespace rnc::onnx {

// Why an operation cannot be exported: "its statistics are the batch's".
struct NotExported {
  std::string why;
};

// The operands and attributes of an operator that reduces dimensions.
struct Reduction {
  std::vector<std::string> inputs;
  NodeAttributes attributes;
};

class Operation {
 public:
  // `as`: the operator that its row names.
  Operation(Written& written, ValueId v, std::string_view as) : written_(written), v_(v), as_(as) {}

  const Node& node() const { return written_.graph()[v_]; }
  std::string as() const { return std::string(as_); }
  int64_t opset() const { return writer().opset(); }
  [[noreturn]] void refuse(const std::string& why) const { throw NotExported{why}; }

  // --- Operands, by their place among the inputs
  size_t count() const { return node().inputs.size(); }
  const Type& type(size_t i) const { return written_.graph()[node().inputs[i]].type; }
  const Shape& shape(size_t i) const { return type(i).shape; }
  std::string operand(size_t i) { return written_.name(node().inputs[i]); }
  // As ONNX spreads it over the result: a vector stands for the channels, not for the last dimension.
  std::string spread(size_t i);
  std::vector<std::string> spread_all();
  // What a comparison has said; empty if the operand is no comparison's result.
  const std::string& truth(size_t i) const { return written_.truth(node().inputs[i]); }
  bool is_fixed(size_t i) const { return written_.is_fixed(node().inputs[i]); }
  // A layer's weight or bias: LAYER.part, if it is computed from others.
  std::string weight(size_t i, std::string_view part);
  // A matrix with its rows as columns.
  std::string transposed(size_t i, std::string_view part);

  // --- Any value before it, for what several operations are together
  std::string value(ValueId v) { return written_.name(v); }
  const Shape& shape_of(ValueId v) const { return written_.graph()[v].type.shape; }
  // A fixed value under another shape.
  std::string fixed(ValueId v, const Shape& shape) { return written_.shaped(v, shape); }

  // --- Attributes
  template <class T>
  const T& attribute(std::string_view name) const {
    return node().attributes.get<T>(name);
  }
  const std::vector<int64_t>& integers(std::string_view name) const {
    return attribute<std::vector<int64_t>>(name);
  }
  float real(std::string_view name) const { return static_cast<float>(attribute<double>(name)); }

  // --- Nodes. A name for the result is returned.
  std::string emit(std::string_view op, std::vector<std::string> inputs,
                   const NodeAttributes& attributes = {});
  // The node that the operation stands for: it has its name.
  void result(std::string_view op, std::vector<std::string> inputs, const NodeAttributes& attributes = {});
  // One that stands for several, whose results are its own, in this order.
  void results(std::string_view op, std::vector<std::string> inputs, const std::vector<ValueId>& values,
               const NodeAttributes& attributes);
  // The operation changes nothing of this tensor.
  void same_as(std::string tensor) { written_.set_name(v_, std::move(tensor)); }
  // The result is a comparison's.
  void says(std::string truth) { written_.set_truth(v_, std::move(truth)); }

  std::string scalar(double value) { return writer().scalar(value); }
  std::string integers_of(std::string_view what, const std::vector<int64_t>& values) {
    return writer().integers(what, values);
  }
  std::string numbers(std::string_view what, DType type, const Shape& shape,
                      const std::vector<double>& values);
  // The axes are an input of ReduceSum from opset 13 on, of the others from 18.
  Reduction reduction(std::string_view as, std::string operand, const std::vector<int64_t>& axes,
                      bool keepdims);
  std::string as_float(std::string tensor) {
    return emit("Cast", {std::move(tensor)}, {{"to", int64_t{proto::TensorProto::FLOAT}}});
  }

 private:
  Writer& writer() const { return written_.writer(); }
  std::string label() const { return plain(node().name); }
  Written& written_;
  ValueId v_;
  std::string_view as_;
};

}  // namespace rnc::onnx
