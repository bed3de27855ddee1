#include "ir/graph/type.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "ir/graph/diagnostics.h"

namespace rnc {

std::string_view name(DType dtype) {
  switch (dtype) {
    case DType::f32:
      return "f32";
    case DType::u8:
      return "u8";
    case DType::i32:
      return "i32";
    case DType::f64:
      return "f64";
  }
  unreachable("dtype");
}

int64_t bytes(DType dtype) { return dtype == DType::u8 ? 1 : dtype == DType::f64 ? 8 : 4; }

std::string str(const Shape& shape) {
  std::string text = "[";
  for (size_t i = 0; i < shape.size(); ++i) {
    if (i > 0) text += ", ";
    text += shape[i] == kBatch ? "N" : fmt::to_string(shape[i]);
  }
  return text + "]";
}

bool has_batch(const Shape& shape) { return !shape.empty() && shape[0] == kBatch; }

int64_t elements_per_sample(const Shape& shape) {
  int64_t count = 1;
  for (const int64_t dim : shape) {
    if (dim != kBatch) count *= dim;
  }
  return count;
}

int64_t Layout::block(int dim) const {
  for (const Block& b : blocks) {
    if (b.dim == dim) return b.size;
  }
  return 1;
}

std::string str(const Type& type) {
  std::string text = fmt::format("{}{}", name(type.dtype), str(type.shape));
  if (type.layout.plain()) return text;
  text.pop_back();
  text += " |";
  if (!type.layout.order.empty()) {
    text += fmt::format(" order {}", fmt::join(type.layout.order, " "));
    if (!type.layout.blocks.empty()) text += ",";
  }
  for (size_t i = 0; i < type.layout.blocks.size(); ++i) {
    text += fmt::format("{} {}:{}", i > 0 ? "," : "", type.layout.blocks[i].dim, type.layout.blocks[i].size);
  }
  return text + "]";
}

std::vector<int64_t> physical_dims(const Type& type) {
  std::vector<int64_t> dims;
  for (int i = 0; i < type.rank(); ++i) {
    const int dim = type.layout.order.empty() ? i : type.layout.order[static_cast<size_t>(i)];
    const int64_t size = type.shape[static_cast<size_t>(dim)];
    const int64_t block = type.layout.block(dim);
    dims.push_back(size == kBatch ? kBatch : size / block + (size % block != 0 ? 1 : 0));
  }
  for (const Layout::Block& b : type.layout.blocks) dims.push_back(b.size);
  return dims;
}

int64_t storage_bytes_per_sample(const Type& type) {
  return elements_per_sample(physical_dims(type)) * bytes(type.dtype);
}

std::vector<int64_t> padding_elements(const Type& type, int64_t batch, int64_t lanes) {
  std::vector<int64_t> found;
  if (type.rank() == 1 && !has_batch(type.shape) && type.layout.plain()) {
    for (int64_t i = type.shape[0]; i % lanes != 0; ++i) found.push_back(i);
    return found;
  }
  std::vector<int64_t> dims = physical_dims(type);
  int64_t count = 1;
  for (int64_t& dim : dims) count *= dim = dim == kBatch ? batch : dim;
  const auto rank = static_cast<size_t>(type.rank());
  std::vector<int64_t> at(dims.size());
  const auto is_padding = [&](size_t block) {
    const Layout::Block& b = type.layout.blocks[block];
    const auto dim = std::ranges::find(type.layout.order, b.dim) - type.layout.order.begin();
    const auto outer = static_cast<size_t>(type.layout.order.empty() ? b.dim : dim);
    return at[outer] * b.size + at[rank + block] >= type.shape[static_cast<size_t>(b.dim)];
  };
  for (int64_t place = 0; place < count && !type.layout.blocks.empty(); ++place) {
    for (size_t d = dims.size(), rest = static_cast<size_t>(place); d-- > 0;) {
      at[d] = static_cast<int64_t>(rest) % dims[d];
      rest /= static_cast<size_t>(dims[d]);
    }
    bool padding = false;
    for (size_t b = 0; b < type.layout.blocks.size(); ++b) padding = padding || is_padding(b);
    if (padding) found.push_back(place);
  }
  return found;
}

}  // namespace rnc
