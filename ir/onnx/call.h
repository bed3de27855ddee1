// A node of a model as its operator's function sees it: operands, attributes, and how to add operations to the graph.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "ir/onnx/context.h"
#include "ir/onnx/proto.h"

namespace rnc::onnx {

// Why a node cannot be read: "dilations of a pool".
struct Unsupported {
  std::string why;
};

class Call {
 public:
  // `inputs`: known, or not given.
  Call(Context& context, const proto::NodeProto& node, Values inputs);

  Context& context() { return context_; }
  const proto::NodeProto& node() const { return node_; }
  const std::string& layer() const { return layer_; }
  int64_t opset() const { return context_.opset; }
  int64_t exported_batch() const { return context_.exported_batch; }
  [[noreturn]] void refuse(const std::string& why) const { throw Unsupported{why}; }

  // --- Operands, by their place in the operator's definition
  size_t count() const { return inputs_.size(); }
  bool has(size_t i) const { return i < inputs_.size() && inputs_[i].is_known(); }
  // Null unless it is known while the model is read.
  const Constant* constant(size_t i) const;
  const Constant& known(size_t i, std::string_view what) const;         // or Unsupported
  Sizes sizes(size_t i, std::string_view what) const;                   // whole numbers, or Unsupported
  std::vector<int64_t> numbers(size_t i, std::string_view what) const;  // without the batch in them
  double scalar(size_t i, std::string_view what) const;
  // The operand as a value of the graph: an initializer of several real numbers is a parameter, or a buffer.
  ValueId value(size_t i, TensorKind kind = TensorKind::buffer);
  // A layer's parameter: a constant becomes one, called LAYER.part if it has no name. The initialiser is for who trains
  // the graph from nothing.
  ValueId weight(size_t i, std::string_view part, Initializer initializer = {});
  const Type& type(ValueId v) { return context_.graph()[v].type; }
  Sizes shape(size_t i);  // of any operand
  // Of an operand whose batch is not its first dimension, which `value` refuses (ir/onnx/view.h).
  bool is_moved(size_t i) const { return i < inputs_.size() && !inputs_[i].groups.empty(); }
  const Value& moved(size_t i) const { return inputs_.at(i); }
  // The first operand's groups, where it is moved; it counts as its node from now on.
  Groups take_groups();

  // --- Attributes
  bool has_attribute(std::string_view name) const { return find(name) != nullptr; }
  int64_t integer(std::string_view name, int64_t otherwise) const;
  double real(std::string_view name, double otherwise) const;
  std::string string(std::string_view name, const std::string& otherwise) const;
  std::vector<int64_t> integers(std::string_view name, std::vector<int64_t> otherwise = {}) const;
  std::vector<double> reals(std::string_view name) const;
  const proto::AttributeProto* find(std::string_view name) const;
  // An attribute that has become an input in a later opset: the operand `i` if it is given, else the attribute.
  std::vector<int64_t> integers_of(size_t i, std::string_view name) const;
  // The axis of a rank, counted from its end if negative; Unsupported outside.
  int64_t axis(int64_t given, int64_t rank) const;

  // --- Operations of the graph
  ValueId emit(Op op, std::vector<ValueId> inputs, Attributes attributes = {});
  // The one that the node stands for: it is called after its layer.
  ValueId result(Op op, std::vector<ValueId> inputs, Attributes attributes = {});
  ValueId number(double value) { return context_.builder().constant(value); }
  // The same elements under another shape; nothing is added where it is the same. Unsupported unless the batch stays
  // first.
  ValueId reshaped(ValueId v, const Sizes& sizes);
  ValueId permuted(ValueId v, std::vector<int64_t> order);
  ValueId sliced(ValueId v, int64_t axis, int64_t begin, int64_t end);
  // Along any dimension but the batch. It has the layer's name if it is the result.
  ValueId concatenated(std::vector<ValueId> values, int64_t axis);
  ValueId reduced(Op op, ValueId v, std::vector<int64_t> axes, bool keepdims = true);

 private:
  Context& context_;
  const proto::NodeProto& node_;
  Values inputs_;
  std::string layer_;
  bool is_named_ = false;  // an operation has the layer's name
};

inline Values one(ValueId v) { return {Value{.node = v}}; }
inline Values one(Constant constant) { return {Value{.constant = std::move(constant)}}; }

// The attributes of an operation, in the order of writing: attributes({{"axis", 1}}).
Attributes attributes(std::initializer_list<std::pair<const char*, Attribute>> list);

inline Initializer constant_initializer(double value) { return {"constant", attributes({{"value", value}})}; }
// Of a part of a layer with these sizes, as every front end has it (ir/ops/layers.h). `given`: attributes and settings.
Initializer layer_initializer(Op layer, std::string_view part, const Type& x, int64_t outputs,
                              const Attributes& given);

// The decimal number that a file's f32 stands for: 1e-05, not 9.999999747378752e-06.
double shortest(float value);

// How the author calls the layer that a node is: after its weight, which may be none, or after the scopes in the node's
// name, or as it.
std::string layer_name(const proto::NodeProto& node, std::string_view weight);

}  // namespace rnc::onnx
