#include "ir/type.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "ir/diagnostics.h"

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

}  // namespace rnc
