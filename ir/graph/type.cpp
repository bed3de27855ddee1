#include "ir/graph/type.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "ir/graph/diagnostics.h"

namespace rnc {

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

Type computed(Type type) {
  type.dtype = contract::compute_type(type.dtype);
  return type;
}

std::vector<int64_t> physical_dims(const Type& type) {
  return contract::physical_dims(type.shape, type.layout);
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
  if (type.layout.blocks.empty()) return found;
  Shape shape = type.shape;
  if (has_batch(shape)) shape[0] = batch;
  std::vector<bool> used(
      static_cast<size_t>(elements_per_sample(contract::physical_dims(shape, type.layout))));
  contract::Places(shape, type.layout).each([&](int64_t, int64_t place) {
    used[static_cast<size_t>(place)] = true;
  });
  for (size_t place = 0; place < used.size(); ++place)
    if (!used[place]) found.push_back(static_cast<int64_t>(place));
  return found;
}

}  // namespace rnc
