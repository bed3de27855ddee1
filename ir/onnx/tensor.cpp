#include "ir/onnx/tensor.h"

#include <fmt/format.h>

#include <array>
#include <bit>
#include <cstring>
#include <span>

#include "ir/graph/diagnostics.h"
#include "ir/onnx/external_data.h"
#include "runtime/contract/safetensors.h"

namespace rnc::onnx {
namespace {

static_assert(std::endian::native == std::endian::little, "raw_data is little-endian");

using contract::DType;
using proto::TensorProto;

struct ElementType {
  int32_t code;  // TensorProto::DataType
  DType dtype;
};
constexpr std::array kElementTypes = {
    ElementType{TensorProto::FLOAT, DType::f32},   ElementType{TensorProto::DOUBLE, DType::f64},
    ElementType{TensorProto::FLOAT16, DType::f16}, ElementType{TensorProto::BFLOAT16, DType::bf16},
    ElementType{TensorProto::INT64, DType::i64},   ElementType{TensorProto::UINT64, DType::u64},
    ElementType{TensorProto::INT32, DType::i32},   ElementType{TensorProto::UINT32, DType::u32},
    ElementType{TensorProto::INT16, DType::i16},   ElementType{TensorProto::UINT16, DType::u16},
    ElementType{TensorProto::INT8, DType::i8},     ElementType{TensorProto::UINT8, DType::u8},
    ElementType{TensorProto::BOOL, DType::boolean}};

[[noreturn]] void fail(const TensorProto& tensor, const std::string& why) {
  throw UserError({}, fmt::format("tensor '{}': {}", tensor.name(), why));
}

DType element_type(const TensorProto& tensor) {
  for (const ElementType& type : kElementTypes)
    if (type.code == tensor.data_type()) return type.dtype;
  fail(tensor,
       fmt::format("its elements are of type {}, which are no numbers that rnc knows", tensor.data_type()));
}

int64_t element_count(const TensorProto& tensor) {
  int64_t count = 1;
  for (const int64_t size : tensor.dims()) {
    if (size < 0) fail(tensor, fmt::format("a size is {}", size));
    if (__builtin_mul_overflow(count, size, &count) || count > kLargestSize)
      fail(tensor, "it is larger than any machine's memory");
  }
  return count;
}

// Of a field of the message with one element for each of the tensor, in its own type T.
template <class T, class Field>
std::string packed(const TensorProto& tensor, const Field& field, int64_t count) {
  if (field.size() != count)
    fail(tensor, fmt::format("it has {} numbers, and its shape takes {}", field.size(), count));
  std::string data(static_cast<size_t>(count) * sizeof(T), '\0');
  for (int i = 0; i < field.size(); ++i) {
    const auto value = static_cast<T>(field.Get(i));
    std::memcpy(data.data() + static_cast<size_t>(i) * sizeof(T), &value, sizeof(T));
  }
  return data;
}

// The elements as raw_data would have them, from the field that their type has (onnx.proto).
std::string from_field(const TensorProto& tensor, DType dtype, int64_t count) {
  if (dtype == DType::f32) return packed<float>(tensor, tensor.float_data(), count);
  if (dtype == DType::f64) return packed<double>(tensor, tensor.double_data(), count);
  if (dtype == DType::i64) return packed<int64_t>(tensor, tensor.int64_data(), count);
  if (dtype == DType::u64) return packed<uint64_t>(tensor, tensor.uint64_data(), count);
  if (dtype == DType::u32) return packed<uint32_t>(tensor, tensor.uint64_data(), count);
  if (contract::bytes(dtype) == 4) return packed<int32_t>(tensor, tensor.int32_data(), count);
  if (contract::bytes(dtype) == 2) return packed<uint16_t>(tensor, tensor.int32_data(), count);
  return packed<uint8_t>(tensor, tensor.int32_data(), count);
}

std::string bytes_of(const TensorProto& tensor, DType dtype, const std::string& directory) {
  const int64_t count = element_count(tensor), bytes = count * contract::bytes(dtype);
  if (tensor.data_location() == TensorProto::EXTERNAL) return read_external_data(tensor, directory, bytes);
  if (!tensor.has_raw_data()) return from_field(tensor, dtype, count);
  if (static_cast<int64_t>(tensor.raw_data().size()) != bytes)
    fail(tensor, fmt::format("it has {} bytes, and its shape takes {}", tensor.raw_data().size(), bytes));
  return tensor.raw_data();
}

template <class T>
Sizes whole(const std::string& data) {
  Sizes values(data.size() / sizeof(T));
  for (size_t i = 0; i < values.size(); ++i) {
    T value;
    std::memcpy(&value, data.data() + i * sizeof(T), sizeof(T));
    values[i].number = static_cast<int64_t>(value);
  }
  return values;
}

Sizes whole_of(DType dtype, const std::string& data) {
  switch (dtype) {
    case DType::i64:
    case DType::u64:
      return whole<int64_t>(data);
    case DType::i32:
      return whole<int32_t>(data);
    case DType::u32:
      return whole<uint32_t>(data);
    case DType::i16:
      return whole<int16_t>(data);
    case DType::u16:
      return whole<uint16_t>(data);
    case DType::i8:
      return whole<int8_t>(data);
    default:
      return whole<uint8_t>(data);
  }
}

}  // namespace

Constant read_tensor(const TensorProto& tensor, const std::string& directory) {
  const DType dtype = element_type(tensor);
  const std::string data = bytes_of(tensor, dtype, directory);
  std::vector<int64_t> shape(tensor.dims().begin(), tensor.dims().end());
  if (!contract::converts_to_f32(dtype)) return whole_numbers(std::move(shape), whole_of(dtype, data));
  try {
    std::vector<float> values =
        contract::to_f32({dtype, shape, std::as_bytes(std::span(data))}, tensor.name());
    return reals(std::move(shape), std::move(values));
  } catch (const contract::FormatError& error) {
    throw UserError({}, error.what());
  }
}

Constant zeros_like(const TensorProto& tensor) {
  return reals({tensor.dims().begin(), tensor.dims().end()},
               std::vector<float>(static_cast<size_t>(element_count(tensor))));
}

}  // namespace rnc::onnx
