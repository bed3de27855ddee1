#include "runtime/contract/layout.h"

#include <algorithm>

namespace contract {

int64_t Layout::block(int dim) const {
  int64_t elements = 1;
  for (const Block& b : blocks) elements *= b.dim == dim ? b.size : 1;
  return elements;
}

int64_t Layout::step(size_t i) const {
  int64_t elements = 1;
  for (size_t later = i + 1; later < blocks.size(); ++later)
    elements *= blocks[later].dim == blocks[i].dim ? blocks[later].size : 1;
  return elements;
}

int Layout::dim_at(int place) const { return order.empty() ? place : order[static_cast<size_t>(place)]; }

bool well_formed(const Layout& layout, int rank) {
  std::vector<int> order = layout.order;
  std::ranges::sort(order);
  if (!order.empty() && static_cast<int>(order.size()) != rank) return false;
  for (size_t i = 0; i < order.size(); ++i)
    if (order[i] != static_cast<int>(i)) return false;
  if (layout.blocks.size() > kMostBlocks) return false;
  std::vector<int64_t> elements(static_cast<size_t>(rank), 1);
  for (const Layout::Block& b : layout.blocks) {
    if (b.dim < 0 || b.dim >= rank || b.size < 1 || b.size > kLargestBlock) return false;
    int64_t& all = elements[static_cast<size_t>(b.dim)];
    all *= b.size;
    if (all > kLargestBlock) return false;
  }
  return true;
}

std::vector<int64_t> physical_dims(std::span<const int64_t> shape, const Layout& layout) {
  std::vector<int64_t> dims;
  for (int i = 0; i < static_cast<int>(shape.size()); ++i) {
    const int dim = layout.dim_at(i);
    const int64_t size = shape[static_cast<size_t>(dim)], block = layout.block(dim);
    dims.push_back(size < 0 ? size : size / block + (size % block != 0 ? 1 : 0));
  }
  for (const Layout::Block& b : layout.blocks) dims.push_back(b.size);
  return dims;
}

Places::Places(std::span<const int64_t> shape, const Layout& layout) {
  const std::vector<int64_t> dims = physical_dims(shape, layout);
  std::vector<int64_t> strides(dims.size(), 1);
  for (size_t d = dims.size(); d-- > 1;) strides[d - 1] = strides[d] * dims[d];
  const size_t rank = shape.size();
  offsets_.resize(rank);
  for (size_t place = 0; place < rank; ++place) {
    const int dim = layout.dim_at(static_cast<int>(place));
    for (int64_t i = 0; i < shape[static_cast<size_t>(dim)]; ++i) {
      int64_t offset = i / layout.block(dim) * strides[place];
      for (size_t b = 0; b < layout.blocks.size(); ++b) {
        if (layout.blocks[b].dim == dim)
          offset += i / layout.step(b) % layout.blocks[b].size * strides[rank + b];
      }
      offsets_[static_cast<size_t>(dim)].push_back(offset);
    }
  }
}

}  // namespace contract
