#include "ir/onnx/export/writer.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <bit>
#include <cstring>

#include "ir/graph/diagnostics.h"

namespace rnc::onnx {
namespace {

// The version of the format that an opset came with (ONNX: Versioning).
int64_t ir_version(int64_t opset) { return opset >= 21 ? 10 : opset >= 19 ? 9 : opset >= 15 ? 8 : 7; }

template <class T>
std::string bytes_of(std::span<const double> elements) {
  static_assert(std::endian::native == std::endian::little, "as raw_data is");
  std::string bytes(elements.size() * sizeof(T), '\0');
  for (size_t i = 0; i < elements.size(); ++i) {
    const T value = static_cast<T>(elements[i]);
    std::memcpy(bytes.data() + i * sizeof(T), &value, sizeof(T));
  }
  return bytes;
}

void set(proto::AttributeProto& to, const NodeAttribute& attribute) {
  to.set_name(attribute.name);
  if (const auto* integer = std::get_if<int64_t>(&attribute.value)) {
    to.set_type(proto::AttributeProto::INT);
    to.set_i(*integer);
  } else if (const auto* real = std::get_if<float>(&attribute.value)) {
    to.set_type(proto::AttributeProto::FLOAT);
    to.set_f(*real);
  } else if (const auto* text = std::get_if<std::string>(&attribute.value)) {
    to.set_type(proto::AttributeProto::STRING);
    to.set_s(*text);
  } else {
    to.set_type(proto::AttributeProto::INTS);
    for (const int64_t i : std::get<std::vector<int64_t>>(attribute.value)) to.add_ints(i);
  }
}

void set_type(proto::ValueInfoProto& value, const Type& type) {
  auto* tensor = value.mutable_type()->mutable_tensor_type();
  tensor->set_elem_type(element_type(type.dtype));
  tensor->mutable_shape();  // of a scalar: there, and empty
  for (const int64_t size : type.shape) {
    auto* dimension = tensor->mutable_shape()->add_dim();
    if (size == kBatch)
      dimension->set_dim_param("N");
    else
      dimension->set_dim_value(size);
  }
}

}  // namespace

int element_type(DType type) {
  if (type == DType::u8) return proto::TensorProto::UINT8;
  if (type == DType::i32) return proto::TensorProto::INT32;
  check(type == DType::f32, "a type that files have");
  return proto::TensorProto::FLOAT;
}

Writer::Writer(int64_t opset) : opset_(opset) {
  model_.set_ir_version(ir_version(opset));
  proto::OperatorSetIdProto* set = model_.add_opset_import();
  set->set_domain("");
  set->set_version(opset);
}

std::string Writer::free_name(const std::string& wanted) {
  return tensors_.take(wanted) ? wanted : tensors_.numbered(wanted + "_", 2);
}

void Writer::add_node(std::string_view op, std::vector<std::string> inputs,
                      const std::vector<std::string>& outputs, const std::string& name,
                      const NodeAttributes& attributes) {
  proto::NodeProto* node = model_.mutable_graph()->add_node();
  node->set_op_type(std::string(op));
  node->set_name(nodes_.take(name) ? name : nodes_.numbered(name + "_", 2));
  while (!inputs.empty() && inputs.back().empty()) inputs.pop_back();
  for (std::string& input : inputs) node->add_input(std::move(input));
  for (const std::string& output : outputs) node->add_output(output);
  for (const NodeAttribute& attribute : attributes) set(*node->add_attribute(), attribute);
}

void Writer::add_initializer(const std::string& name, int type, const Shape& shape, std::string data) {
  proto::TensorProto* tensor = model_.mutable_graph()->add_initializer();
  tensor->set_name(name);
  tensor->set_data_type(type);
  for (const int64_t size : shape) tensor->add_dims(size);
  data_.push_back(std::move(data));
}

void Writer::initializer(const std::string& name, DType type, const Shape& shape,
                         std::span<const double> elements) {
  add_initializer(name, element_type(type), shape,
                  type == DType::u8    ? bytes_of<uint8_t>(elements)
                  : type == DType::i32 ? bytes_of<int32_t>(elements)
                                       : bytes_of<float>(elements));
}

std::string Writer::scalar(double value) {
  const auto single = static_cast<float>(value);
  const auto found = scalars_.find(single);
  if (found != scalars_.end()) return found->second;
  const std::string name = free_name(fmt::format("constant_{}", single));
  initializer(name, DType::f32, {}, {&value, size_t{1}});
  scalars_[single] = name;
  return name;
}

std::string Writer::integers(std::string_view what, const std::vector<int64_t>& values) {
  constexpr size_t kSpelledOut = 8;
  const auto found = integers_.find(values);
  if (found != integers_.end()) return found->second;
  const std::string name = free_name(
      values.size() > kSpelledOut ? std::string(what) : fmt::format("{}_{}", what, fmt::join(values, "_")));
  std::string bytes(values.size() * sizeof(int64_t), '\0');
  if (!values.empty()) std::memcpy(bytes.data(), values.data(), bytes.size());
  add_initializer(name, proto::TensorProto::INT64, {static_cast<int64_t>(values.size())}, std::move(bytes));
  integers_[values] = name;
  return name;
}

void Writer::add_input(const std::string& name, const Type& type, const std::string& doc) {
  proto::ValueInfoProto* input = model_.mutable_graph()->add_input();
  input->set_name(name);
  set_type(*input, type);
  if (!doc.empty()) input->set_doc_string(doc);
}

void Writer::add_output(const std::string& name, const Type& type) {
  proto::ValueInfoProto* output = model_.mutable_graph()->add_output();
  output->set_name(name);
  set_type(*output, type);
}

}  // namespace rnc::onnx
