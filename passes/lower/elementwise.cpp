// Groups of elementwise operations and channel reductions that are not part of a convolution or a matrix product.
#include <algorithm>
#include <functional>

#include "passes/lower/channel_reductions.h"
#include "passes/lower/fused.h"
#include "passes/lower/image_sums.h"
#include "passes/lower/padding_lanes.h"

namespace rnc {

using loops::Expr;
using loops::Extent;

namespace {

// The node that a group's kernel is labelled after: its first that belongs to a layer.
ValueId label_of(const Lowering& lowering, const Group& group) {
  const auto found = std::ranges::find_if(group, [&](ValueId v) { return !lowering.node(v).layer.empty(); });
  return found == group.end() ? group.front() : *found;
}

constexpr int64_t kFlatChunk = 16384;  // elements per task: 64 KiB of each operand

// The type of the values that the group iterates over: the largest it computes or reduces.
Type domain_of(const Lowering& lowering, const Group& group) {
  Type domain;
  for (const ValueId v : group) {
    const Node& node = lowering.node(v);
    const Type& type = is_reduction(node) ? lowering.type(node.inputs[0]) : node.type;
    if (type.rank() >= domain.rank()) domain = type;
  }
  return domain;
}

bool varies_by_channel(const Lowering& lowering, const Group& group, const Type& domain) {
  return std::any_of(group.begin(), group.end(), [&](ValueId v) {
    const std::vector<ValueId>& in = lowering.node(v).inputs;
    return is_reduction(lowering.node(v)) || std::any_of(in.begin(), in.end(), [&](ValueId u) {
             return lowering.type(u).rank() == 1 && domain.rank() > 1;
           });
  });
}

bool has_spread_operands(const Lowering& lowering, const Group& group, const Type& domain) {
  return std::ranges::any_of(group, [&](ValueId v) {
    const Node& node = lowering.node(v);
    return !info(node.op).reads_shape_only && std::ranges::any_of(node.inputs, [&](ValueId u) {
      const Type& type = lowering.type(u);
      return type.rank() == domain.rank() && domain.rank() > 1 && type.shape != domain.shape;
    });
  });
}

loops::Work work_of(const FusedCode& code, const Type& domain, const Group& group) {
  const Extent count = elements(domain);
  const auto ops = static_cast<int64_t>(group.size());
  const int64_t bytes = code.bytes_per_element();
  return {.flops = count * ops, .bytes = count * bytes};
}

// Values in channel blocks, [N, C, H, W | 1:V]: a task is one block of channels of one image.
void lower_blocked(Lowering& lowering, const Group& group, const Type& domain) {
  const int lanes = lowering.lanes();
  const std::vector<int64_t> dims = physical_dims(domain);  // [N, C/V, H, W, V]
  const int64_t blocks = dims[1], height = dims[2], width = dims[3];
  KernelBuilder kernel("elementwise");
  FusedCode code(lowering, kernel, group, kNoValue, domain,
                 {extent_of(dims[0]), {blocks, 0}, {height * width, 0}, {lanes, 0}});
  const bool batched = dims[0] == kBatch;
  const Extent images = batched ? Extent{0, 1} : Extent{dims[0], 0};
  const Expr count = batched ? loops::batch() : Expr(dims[0]);
  ChannelReductions reductions(lowering, kernel, group, blocks, images, 1, loops::Space::registers);
  ImageSums image_sums(lowering, kernel, group);

  Body body(kernel.names());
  const Expr block = body.let("cb", loops::task() / count), n = body.let("n", loops::task() % count);
  const FusedCode::Values channels = code.channels(body, block * lanes, lanes, true);
  const auto point = [&](Expr p) { return Point{{n, block, p, 0}, lanes, 3, {}}; };
  reductions.begin_task(body);
  image_sums.begin_task(body);
  const int64_t chunk = reductions.empty() && image_sums.empty() ? height * width : width;
  body.loop("row", 0, height * width, chunk, [&](Body& b, Expr row) {
    FusedCode::Values first = channels;
    if (reductions.needs_first()) code.at(b, point(row), first, false);
    reductions.begin_chunk(b, first);
    image_sums.begin_row(b);
    b.loop("p", row, row + chunk, 1, [&](Body& inner, Expr p) {
      FusedCode::Values values = channels;
      code.at(inner, point(p), values);
      reductions.add(inner, values);
      image_sums.add(inner, values);
    });
    reductions.end_chunk(b, 0, chunk);
    image_sums.end_row(b);
  });
  reductions.end_task(body);
  image_sums.end_task(body, n, block);
  lowering.call(kernel, images * blocks, body, label_of(lowering, group), work_of(code, domain, group),
                code.in_place());
  reductions.finish();
}

// Rank-2 values with channels along the lanes, [N, C]: a task is one vector of channels of the whole batch.
void lower_rows(Lowering& lowering, const Group& group, const Type& domain) {
  const int lanes = lowering.lanes();
  const int64_t channels = domain.shape[1], blocks = ceil_div(channels, lanes);
  KernelBuilder kernel("rows");
  FusedCode code(lowering, kernel, group, kNoValue, domain, physical_extents(domain));
  ChannelReductions reductions(lowering, kernel, group, blocks, {1, 0}, 1, loops::Space::registers);
  Body body(kernel.names());
  const Expr channel = body.let("c", loops::task() * lanes);
  const Expr valid =
      channels % lanes == 0 ? Expr() : body.let("valid", loops::min(lanes, channels - channel));
  const FusedCode::Values shared = code.channels(body, channel, lanes, true, valid);
  const auto point = [&](Expr n) { return Point{{n, channel}, lanes, 1, valid}; };
  const Expr rows = domain.shape[0] == kBatch ? loops::batch() : Expr(domain.shape[0]);
  reductions.begin_task(body);
  FusedCode::Values first = shared;
  if (reductions.needs_first()) code.at(body, point(0), first, false);
  reductions.begin_chunk(body, first);
  body.loop("n", 0, rows, 1, [&](Body& b, Expr n) {
    FusedCode::Values values = shared;
    code.at(b, point(n), values);
    reductions.add(b, values);
  });
  reductions.end_chunk(body, 0, rows);
  reductions.end_task(body);
  lowering.call(kernel, {blocks, 0}, body, label_of(lowering, group), work_of(code, domain, group),
                code.in_place());
  reductions.finish();
}

// Plain values of rank >= 3 with something per channel: a task is one channel of one image, lanes along the
// rest.
void lower_planes(Lowering& lowering, const Group& group, const Type& domain) {
  const int lanes = lowering.lanes();
  const int64_t channels = domain.shape[1];
  const int64_t plane =
      elements_per_sample(domain.shape) / channels / (has_batch(domain.shape) ? 1 : domain.shape[0]);
  KernelBuilder kernel("planes");
  const Extent images = extent_of(domain.shape[0]);
  FusedCode code(lowering, kernel, group, kNoValue, domain, {images, {channels, 0}, {plane, 0}});
  Body body(kernel.names());
  const Expr n = body.let("n", loops::task() / channels), c = body.let("c", loops::task() % channels);
  const FusedCode::Values shared = code.channels(body, c, lanes, false);
  body.loop("p", 0, plane, lanes, [&](Body& b, Expr p) {
    FusedCode::Values values = shared;
    const Expr valid = plane % lanes == 0 ? Expr() : b.let("valid", loops::min(lanes, plane - p));
    code.at(b, {{n, c, p}, lanes, 2, valid}, values);
  });
  lowering.call(kernel, images * channels, body, label_of(lowering, group), work_of(code, domain, group),
                code.in_place());
}

// Plain values beside some that spread over them: a task has one index of the first dimension, and of the second where
// lanes do not run along it; they run along the last one that has more than one element.
void lower_spread(Lowering& lowering, const Group& group, const Type& domain) {
  const int lanes = lowering.lanes();
  auto last = domain.shape.size() - 1;
  while (last > 1 && domain.shape[last] == 1) --last;
  KernelBuilder kernel("spread");
  FusedCode code(lowering, kernel, group, kNoValue, domain, physical_extents(domain));
  Body body(kernel.names());
  std::vector<Expr> at(domain.shape.size(), Expr(0));
  Extent tasks = extent_of(domain.shape[0]);
  FusedCode::Values shared;
  at[0] = loops::task();
  if (last > 1) {
    const int64_t channels = domain.shape[1];
    at[0] = body.let("n", loops::task() / channels);
    at[1] = body.let("c", loops::task() % channels);
    tasks = tasks * channels;
    shared = code.channels(body, at[1], lanes, false);
  }
  const std::function<void(Body&, size_t)> loop = [&](Body& outer, size_t d) {
    const int64_t size = domain.shape[d];
    outer.loop("i", 0, size, d == last ? lanes : 1, [&](Body& inner, Expr i) {
      at[d] = i;
      if (d < last) return loop(inner, d + 1);
      const Expr valid = size % lanes == 0 ? Expr() : inner.let("valid", loops::min(lanes, size - i));
      FusedCode::Values values = last > 1 ? shared : code.channels(inner, i, lanes, true, valid);
      code.at(inner, {at, lanes, static_cast<int>(last), valid}, values);
    });
  };
  loop(body, std::min<size_t>(last, 2));
  lowering.call(kernel, tasks, body, label_of(lowering, group), work_of(code, domain, group),
                code.in_place());
}

// Values without a batch in blocks, where some are to be masked: a task has one index of the outermost
// dimension, and vectors run along the last block.
void lower_packed(Lowering& lowering, const Group& group, const Type& domain) {
  const int lanes = lowering.lanes(), rank = domain.rank();
  const std::vector<Extent> dims = physical_extents(domain);
  KernelBuilder kernel("packed");
  FusedCode code(lowering, kernel, group, kNoValue, domain, dims);
  Body body(kernel.names());
  const FusedCode::Values shared = code.channels(body, 0, lanes, false);
  const std::vector<Layout::Block>& blocks = domain.layout.blocks;
  check(blocks.back().size % lanes == 0, "the last block is whole vectors");

  // How many lanes from `at` on lie inside all dimensions.
  const auto room = [&](const std::vector<Expr>& at) {
    Expr left = lanes;
    for (size_t last = 0; last < blocks.size(); ++last) {
      const int dim = blocks[last].dim;
      const int64_t size = domain.shape[static_cast<size_t>(dim)], block = domain.layout.block(dim);
      if (size % block == 0 || domain.layout.step(last) > 1) continue;
      const auto place = std::ranges::find(domain.layout.order, dim) - domain.layout.order.begin();
      const auto outer = static_cast<size_t>(domain.layout.order.empty() ? dim : place);
      Expr element = at[outer] * block;
      for (size_t b = 0; b <= last; ++b) {
        if (blocks[b].dim == dim)
          element = element + at[static_cast<size_t>(rank) + b] * domain.layout.step(b);
      }
      const bool along_lanes = last + 1 == blocks.size();
      left = along_lanes ? loops::min(left, size - element)
                         : loops::select(loops::less(element, size), left, Expr(0));
    }
    return left;
  };
  std::vector<Expr> at = {loops::task()};
  const std::function<void(Body&)> loop = [&](Body& outer) {
    const size_t d = at.size();
    const bool last = d + 1 == dims.size();
    outer.loop(last ? "v" : "i", 0, dims[d].fixed, last ? lanes : 1, [&](Body& inner, Expr i) {
      at.push_back(i);
      if (last) {
        FusedCode::Values values = shared;
        values.room = inner.let("room", room(at));
        code.at(inner, {at, lanes, static_cast<int>(d), {}}, values);
      } else {
        loop(inner);
      }
      at.pop_back();
    });
  };
  loop(body);
  lowering.call(kernel, dims[0], body, label_of(lowering, group), work_of(code, domain, group),
                code.in_place());
}

// Values that are all of one shape and layout (or scalars): one run of memory.
void lower_flat(Lowering& lowering, const Group& group, const Type& domain) {
  const bool batched = has_batch(domain.shape);
  const int64_t stored = elements_per_sample(physical_dims(domain));
  const int64_t count = domain.rank() == 1 && !batched ? round_up(stored, lowering.lanes()) : stored;
  const int lanes = count == 1 ? 1 : lowering.lanes();
  const int64_t chunk = batched ? count : std::min(count, kFlatChunk);
  KernelBuilder kernel("flat");
  std::vector<Extent> view = {domain.rank() == 1 ? channel_extent(stored, lowering.lanes())
                                                 : Extent{count, 0}};
  if (batched) view = {{0, 1}, {count, 0}};
  FusedCode code(lowering, kernel, group, kNoValue, domain, view);
  Body body(kernel.names());
  const FusedCode::Values shared = code.channels(body, 0, lanes, false);
  if (code.masks() && has_padding_lanes(domain)) return lower_packed(lowering, group, domain);
  const Expr begin = batched ? Expr(0) : body.let("begin", loops::task() * chunk);
  const Expr end = batched ? Expr(count) : body.let("end", loops::min(begin + chunk, count));
  body.loop("i", begin, end, lanes, [&](Body& b, Expr i) {
    FusedCode::Values values = shared;
    const Expr valid = count % lanes == 0 ? Expr() : b.let("valid", loops::min(lanes, Expr(count) - i));
    if (code.masks()) values.room = b.let("room", loops::min(lanes, stored - i));
    const std::vector<Expr> index = batched ? std::vector<Expr>{loops::task(), i} : std::vector<Expr>{i};
    code.at(b, {index, lanes, lanes == 1 ? -1 : batched ? 1 : 0, valid}, values);
  });
  const Extent tasks = batched ? Extent{0, 1} : Extent{ceil_div(count, chunk), 0};
  lowering.call(kernel, tasks, body, label_of(lowering, group), work_of(code, domain, group),
                code.in_place());
}

}  // namespace

void lower_elementwise(Lowering& lowering, const Group& group) {
  const Type domain = domain_of(lowering, group);
  const bool blocked = domain.rank() == 4 && domain.layout == Layout{{}, {{1, lowering.lanes()}}};
  if (blocked) return lower_blocked(lowering, group, domain);
  if (domain.rank() > 2 && has_spread_operands(lowering, group, domain))
    return lower_spread(lowering, group, domain);
  const bool rows = domain.rank() == 2 && has_spread_operands(lowering, group, domain);
  if (!rows && !varies_by_channel(lowering, group, domain)) return lower_flat(lowering, group, domain);
  check(domain.layout.plain(), "values with something per channel are plain or in channel blocks");
  domain.rank() == 2 ? lower_rows(lowering, group, domain) : lower_planes(lowering, group, domain);
}

}  // namespace rnc
