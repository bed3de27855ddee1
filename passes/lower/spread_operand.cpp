#include "passes/lower/spread_operand.h"

#include <algorithm>

namespace rnc {

using loops::Expr;
using loops::Extent;

namespace {

Extent times(const Extent& a, const Extent& b) {
  check(a.per_sample == 0 || b.per_sample == 0, "one dimension grows with the batch");
  if (a.per_sample != 0) return {a.fixed * b.fixed, a.per_sample * b.fixed};
  return {a.fixed * b.fixed, a.fixed * b.per_sample};
}

}  // namespace

Expr element_numbers(const Type& domain, const std::vector<Extent>& view, const Point& point) {
  const auto lane_dim = static_cast<size_t>(std::max(point.lane_dim, 0));
  Expr first = 0;
  int64_t step = 1;
  if (domain.layout.plain()) {
    for (size_t i = view.size(), stride = 1; i-- > 0; stride *= static_cast<size_t>(view[i].fixed)) {
      first = first + point.index[i] * static_cast<int64_t>(stride);
      if (i == lane_dim) step = static_cast<int64_t>(stride);
    }
  } else {
    const int64_t block = domain.layout.block(1),
                  pixels = elements_per_sample(domain.shape) / domain.shape[1];
    check(domain.layout == Layout{{}, {{1, block}}} && lane_dim + 1 == view.size() && view.size() >= 4,
          "channel blocks, whose channels are the last dimension of the view");
    const Expr channel = point.index[1] * block + point.index.back();
    Expr pixel = 0;
    for (size_t i = 2; i + 1 < view.size(); ++i) pixel = pixel * view[i].fixed + point.index[i];
    first = (point.index[0] * domain.shape[1] + channel) * pixels + pixel;
    step = pixels;
  }
  return loops::ramp(loops::cast(first, loops::Scalar::i32), step, point.lanes);
}

SpreadOperand::SpreadOperand(Lowering& lowering, KernelBuilder& kernel, ValueId v, const Type& domain,
                             const std::vector<Extent>& view)
    : dims_(view.size()) {
  const Type& type = lowering.type(v);
  const bool channels = domain.layout.plain() || type.shape[1] == domain.shape[1];
  check(type.layout == (channels ? domain.layout : Layout{}), "an operand that spreads lies as it is read");
  const std::vector<Extent> whole = physical_extents(domain);
  std::vector<Extent> own = physical_extents(type);
  own.resize(whole.size(), {1, 0});  // blocks of channels
  size_t d = 0;
  for (size_t i = 0; i < view.size(); ++i) {
    Extent seen{1, 0};
    const bool last = i + 1 == view.size();
    for (; d < whole.size() && (last || !(seen == view[i])); ++d) {
      seen = times(seen, whole[d]);
      dims_[i].push_back({whole[d], !(own[d] == whole[d])});
    }
    check(seen == view[i], "the view is made of the domain's dimensions");
  }
  std::vector<Extent> memory_dims;
  for (const std::vector<Part>& parts : dims_) {
    Extent size{1, 0};
    for (const Part& part : parts)
      if (!part.is_spread) size = times(size, part.size);
    memory_dims.push_back(size);
  }
  memory_ = lowering.view(kernel, "spread", v, memory_dims, loops::Access::read);
}

Expr SpreadOperand::index(const std::vector<Part>& parts, const Expr& i) const {
  if (std::ranges::all_of(parts, &Part::stays)) return 0;
  if (std::ranges::none_of(parts, &Part::is_spread)) return i;
  Expr rest = i, place = 0;
  int64_t stride = 1;
  for (size_t k = parts.size(); k-- > 0;) {
    const bool outermost = k == 0;
    check(outermost || parts[k].size.per_sample == 0, "the batch is the outermost part");
    const int64_t size = parts[k].size.fixed;
    if (!parts[k].is_spread) {
      place = place + (outermost ? rest : rest % size) * stride;
      stride *= size;
    }
    if (!outermost) rest = rest / size;
  }
  return place;
}

Expr SpreadOperand::load(const Point& point) const {
  std::vector<Expr> at;
  for (size_t i = 0; i < dims_.size(); ++i) at.push_back(index(dims_[i], point.index[i]));
  if (point.lanes == 1) return loaded(memory_, std::move(at));
  const std::vector<Part>& lanes = dims_[static_cast<size_t>(point.lane_dim)];
  if (std::ranges::all_of(lanes, &Part::stays))
    return loops::broadcast(loaded(memory_, std::move(at)), point.lanes);
  check(std::ranges::none_of(lanes, &Part::is_spread), "lanes run along a dimension, or do not");
  return loaded(memory_, std::move(at), point.lanes, point.lane_dim, point.valid);
}

}  // namespace rnc
