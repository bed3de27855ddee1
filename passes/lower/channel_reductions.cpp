#include "passes/lower/channel_reductions.h"

#include <algorithm>

namespace rnc {

using loops::Access;
using loops::Expr;
using loops::Extent;
using loops::MemoryRef;
using loops::Scalar;

namespace {

Expr number(Extent e, const Expr& images) {
  return e.per_sample == 0 ? Expr(e.fixed) : images * e.per_sample + e.fixed;
}
Expr widen(Expr value) { return loops::cast(std::move(value), Scalar::f64); }

}  // namespace

ChannelReductions::ChannelReductions(Lowering& lowering, KernelBuilder& kernel, const Group& group,
                                     int64_t panels, Extent tasks_per_panel, int64_t blocks,
                                     loops::Space space)
    : lowering_(lowering),
      kernel_(kernel),
      panels_(panels),
      tasks_per_panel_(tasks_per_panel),
      blocks_(blocks),
      space_(space),
      lanes_(lowering.lanes()) {
  for (const ValueId v : group) {
    const Node& node = lowering.node(v);
    if (info(node.op).kind != OpKind::reduction) continue;
    const bool moments = node.op != Op::channel_sum;
    auto it = std::find_if(reductions_.begin(), reductions_.end(), [&](const Reduction& r) {
      return r.source == node.inputs[0] && r.moments == moments;
    });
    if (it == reductions_.end()) {
      reductions_.push_back({});
      it = std::prev(reductions_.end());
      it->source = node.inputs[0];
      it->moments = moments;
    }
    (node.op == Op::channel_sum ? it->sum : node.op == Op::channel_mean ? it->mean : it->variance) = v;
  }
  const Extent tasks = tasks_per_panel * panels;
  for (Reduction& r : reductions_) {
    const int64_t row = blocks * r.slots() * lanes_;
    r.buffer = lowering.temporary("partial sums", tasks * (row * 8));
    r.partial = kernel.param("partial", r.buffer, Scalar::f64,
                             {tasks, {blocks, 0}, {r.slots(), 0}, {lanes_, 0}}, Access::write);
  }
}

bool ChannelReductions::needs_first() const {
  return std::any_of(reductions_.begin(), reductions_.end(), [](const Reduction& r) { return r.moments; });
}

void ChannelReductions::begin_task(Body& body) {
  for (Reduction& r : reductions_) {
    r.totals = body.alloc("totals", Scalar::f64, {blocks_, r.slots(), lanes_}, space_);
    for (int64_t b = 0; b < blocks_; ++b) {
      for (int64_t s = 0; s < r.slots(); ++s) {
        body.store(r.totals, {b, s, 0}, loops::constant(Scalar::f64, 0, lanes_), 2);
      }
    }
  }
}

void ChannelReductions::hold_chunk(Body& body) {
  for (Reduction& r : reductions_)
    r.chunk = body.alloc("chunk", Scalar::f32, {r.moments ? 3 : 1, lanes_}, loops::Space::registers);
}

void ChannelReductions::begin_chunk(Body& body, const FusedCode::Values& first) {
  hold_chunk(body);
  start_chunk(body, first);
}

void ChannelReductions::start_chunk(Body& body, const FusedCode::Values& first) {
  for (const Reduction& r : reductions_) {
    if (r.moments) body.store(r.chunk, {0, 0}, first.at(r.source), 1);
    for (int64_t s = r.moments ? 1 : 0; s < (r.moments ? 3 : 1); ++s) {
      body.store(r.chunk, {s, 0}, zeros(lanes_), 1);
    }
  }
}

void ChannelReductions::add(Body& body, const FusedCode::Values& values) {
  for (const Reduction& r : reductions_) {
    const Expr& value = values.at(r.source);
    if (!r.moments) {
      body.accumulate(r.chunk, {0, 0}, value, 1);
      continue;
    }
    const Expr d = body.let("d", value - loaded(r.chunk, {0, 0}, lanes_, 1));
    body.accumulate(r.chunk, {1, 0}, d, 1);
    body.store(r.chunk, {2, 0}, loops::fma(d, d, loaded(r.chunk, {2, 0}, lanes_, 1)), 1);
  }
}

void ChannelReductions::end_chunk(Body& body, Expr block, Expr count) {
  for (const Reduction& r : reductions_) {
    const auto chunk = [&](int s) { return widen(loaded(r.chunk, {s, 0}, lanes_, 1)); };
    if (!r.moments) {
      body.accumulate(r.totals, {block, 0, 0}, chunk(0), 2);
      continue;
    }
    // sum x = n f + s and sum x^2 = q + 2 f s + n f^2, where s and q are sums of d and d^2, d = x - f.
    const Expr n = loops::broadcast(loops::cast(count, Scalar::f64), lanes_);
    const Expr f = body.let("f", chunk(0)), s = body.let("s", chunk(1)), nf = body.let("nf", n * f);
    body.accumulate(r.totals, {block, 0, 0}, nf + s, 2);
    body.accumulate(r.totals, {block, 1, 0}, chunk(2) + f * (s + s + nf), 2);
  }
}

void ChannelReductions::end_task(Body& body, Expr row) {
  for (const Reduction& r : reductions_) {
    for (int64_t b = 0; b < blocks_; ++b) {
      for (int64_t s = 0; s < r.slots(); ++s) {
        body.store(r.partial, {row, b, s, 0}, loaded(r.totals, {b, s, 0}, lanes_, 2), 3);
      }
    }
  }
}

void ChannelReductions::finish() {
  for (const Reduction& r : reductions_) finish_one(r);
}

void ChannelReductions::finish_one(const Reduction& r) {
  KernelBuilder kernel(r.moments ? "channel_moments_finish" : "channel_sum_finish");
  const Extent rows = tasks_per_panel_ * panels_;
  const auto partial = kernel.param("partial", r.buffer, Scalar::f64,
                                    {rows, {blocks_, 0}, {r.slots(), 0}, {lanes_, 0}}, Access::read);
  const Type& source = lowering_.type(r.source);
  const int64_t channels = source.shape[1];
  Body body(kernel.names());
  const Expr panel = body.let("panel", loops::task() / blocks_),
             block = body.let("block", loops::task() % blocks_);
  const Expr rows_per_panel = body.let("rows", number(tasks_per_panel_, lowering_.images()));
  const auto sums = body.alloc("sums", Scalar::f64, {r.slots(), lanes_}, loops::Space::registers);
  for (int64_t s = 0; s < r.slots(); ++s)
    body.store(sums, {s, 0}, loops::constant(Scalar::f64, 0, lanes_), 1);
  body.loop("row", panel * rows_per_panel, (panel + 1) * rows_per_panel, 1, [&](Body& b, Expr row) {
    for (int64_t s = 0; s < r.slots(); ++s) {
      b.accumulate(sums, {s, 0}, loaded(partial, {row, block, s, 0}, lanes_, 3), 1);
    }
  });
  const auto store = [&](ValueId v, const char* name, Expr value) {
    if (v == kNoValue || !lowering_.stored(v)) return;
    const auto memory = lowering_.view(kernel, name, v, {channel_extent(channels, lanes_)}, Access::write);
    body.store(memory, {loops::task() * lanes_}, loops::cast(std::move(value), Scalar::f32), 0);
  };
  const auto sum = [&](int s) { return loaded(sums, {s, 0}, lanes_, 1); };
  if (r.moments) {
    const Expr count = lowering_.elements_per_channel(source);
    const Expr n = body.let("n", loops::broadcast(loops::cast(count, Scalar::f64), lanes_));
    const Expr mean = body.let("m", sum(0) / n);
    store(r.mean, "mean", mean);
    const Expr variance = sum(1) / n - mean * mean;
    store(r.variance, "variance", loops::max(variance, loops::constant(Scalar::f64, 0, lanes_)));
  } else {
    store(r.sum, "sum", sum(0));
  }
  const int64_t row_bytes = blocks_ * r.slots() * lanes_ * 8;
  lowering_.call(kernel, {panels_ * blocks_, 0}, body, r.source, {.bytes = rows * row_bytes});
}

}  // namespace rnc
