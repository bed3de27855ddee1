#include "passes/lower/conv/winograd/winograd.h"

#include <fmt/format.h>

#include <algorithm>

#include "passes/lower/conv/winograd/input.h"
#include "passes/lower/conv/winograd/output.h"
#include "passes/lower/conv/winograd/products.h"
#include "passes/lower/conv/winograd/tiling.h"
#include "passes/lower/conv/winograd/weights.h"
#include "passes/lower/rules.h"

namespace rnc {

using loops::Access;
using loops::Expr;
using loops::Extent;
using loops::MemoryRef;
using loops::Scalar;

namespace {

constexpr int64_t kTiles = 28;         // of a task: enough to use each transformed weight often
constexpr int64_t kStride2Tiles = 14;  // the same at stride 2, where several positions use it
constexpr int64_t kSharedTiles = 72;   // the same where all panels share the transformed input
constexpr int64_t kManyTasks = 8;  // so many tasks without splitting the panels are enough for all threads
// Transformed weights larger than this many times the second-level cache would not stay in the last level.
constexpr int64_t kLastLevel = 12;

// Of each position of transformed weights: one more than there are channels, as positions a power of two
// apart would fall on the same cache lines.
int64_t padded_rows(int64_t channels) { return channels + 1; }

// Two schemes. Where the transformed input V of a task and its products stay in the second-level cache, a
// task transforms its tiles and multiplies them with the weights of all panels of output channels. Otherwise
// (many channels), a kernel of its own transforms the input of all maps into memory, and a task is one panel
// for some of the tiles, so that its weights come from memory once. Weights too large for the last-level
// cache when transformed are transformed by the task, some channels at a time.
class WinogradKernel {
 public:
  WinogradKernel(Lowering& lowering, const Group& group, const DirectConv& conv, const Winograd& how)
      : lowering_(lowering),
        conv_(conv),
        how_(how),
        f_(how.filtering),
        positions_(f_.positions() * f_.positions()),
        weights_(f_.weights() * f_.weights()),
        lanes_(lowering.lanes()),
        panels_(ceil_div(conv.out_channels, lanes_ * conv.vectors)),
        blocks_(ceil_div(conv.in_channels, lanes_)),
        register_tile_(
            std::max<int64_t>((lowering.target().vector_registers - 1 - conv.vectors) / conv.vectors, 1)),
        multiplication_({conv.vectors, lanes_, blocks_, register_tile_, sums_more_exactly()}),
        shared_(kFloatBytes * positions_ * blocks_ * lanes_ * tiles_wanted() >
                lowering.target().l2_bytes * 3 / 4),
        tiling_(tile_maps(ceil_div(conv.out_h, how.out_size()), ceil_div(conv.out_w, how.out_size()),
                          shared_ ? kSharedTiles : tiles_wanted(), register_tile_)),
        kernel_(fmt::format("{}_{}_{}_{}x{}", kernel_prefix(f_), conv.in_channels, conv.out_channels,
                            conv.out_h, conv.out_w)),
        group_(group),
        input_(lowering, group_, conv_, how_, tiling_, shared_),
        output_(lowering, kernel_, group, conv, how,
                {shared_ ? panels_ : 1, {0, tiling_.row_parts}, (shared_ ? 1 : panels_) * conv.vectors}) {}

  void lower() {
    int weights = how_.transformed;
    if (weights < 0 && transforms_panel()) {
      const int64_t panel = conv_.vectors * lanes_;
      w_ = kernel_.param("w", conv_.weight, Scalar::f32,
                         winograd_weight_dims(panels_, blocks_, lanes_, panel, how_.forward_panel),
                         Access::read);
    } else if (weights < 0) {
      weights = lowering_.temporary("transformed weights", {kFloatBytes * u_floats(), 0});
      transform_weights(lowering_,
                        {conv_.weight, weights, panels_, blocks_, conv_.vectors * lanes_, u_rows(),
                         how_.forward_panel, how_.input_grad},
                        f_, conv_.out, conv_.work.direction);
    }
    if (!w_) transformed_weights_ = kernel_.param("u", weights, Scalar::f32, u_dims(), Access::read);
    input_.bind(kernel_);
    Body body(kernel_.names());
    Extent tasks{0, tiling_.row_parts * (shared_ || split_panels() ? panels_ : 1)};
    if (how_.from_batch == 1) {
      task(body, loops::task());
    } else {
      check(!output_.sums(), "batches small and large are summed alike");
      const DirectPart direct = direct_part(lowering_, group_, conv_, kernel_);
      const auto within = [&](Extent tasks) {
        return loops::less(loops::task(), lowering_.images() * tasks.per_sample);
      };
      body.comment("few images: direct");
      body.when(both(loops::less(lowering_.images(), how_.from_batch), within(direct.tasks)),
                [&](Body& b) { direct.code(b, loops::task()); });
      body.comment("more images: Winograd");
      body.when(both(loops::less_equal(how_.from_batch, lowering_.images()), within(tasks)),
                [&](Body& b) { task(b, loops::task()); });
      tasks.per_sample = std::max(tasks.per_sample, direct.tasks.per_sample);
    }
    loops::Work work = conv_.work;
    count_winograd(work, f_, conv_.in_channels * conv_.out_channels, tiling_.map_tiles());
    work.bytes.per_sample =
        conv_.out_channels * conv_.out_h * conv_.out_w * output_.code().bytes_per_element() +
        input_.bytes_per_sample();
    work.bytes.fixed = kFloatBytes * weights_ * conv_.in_channels * conv_.out_channels;
    work.from_batch = how_.from_batch;
    work.direct_bytes = {kFloatBytes * 9 * conv_.in_channels * conv_.out_channels, work.bytes.per_sample};
    lowering_.call(kernel_, tasks, body, conv_.out, work, output_.code().in_place(input_.operands()));
    output_.finish();
  }

 private:
  std::vector<Extent> u_dims() const {
    return {{panels_, 0}, {weights_, 0}, {u_rows(), 0}, {conv_.vectors * lanes_, 0}};
  }
  int64_t u_floats() const { return panels_ * weights_ * u_rows() * conv_.vectors * lanes_; }
  int64_t u_rows() const { return how_.transformed < 0 ? padded_rows(blocks_ * lanes_) : blocks_ * lanes_; }
  int64_t tiles_wanted() const { return f_.stride == 1 ? kTiles : kStride2Tiles; }
  // So many rectified inputs with the largest tile would be more than three times as far off as when summed
  // directly.
  bool sums_more_exactly() const {
    return f_ == Filtering{4, 1} && !how_.input_grad && conv_.in_channels >= 512;
  }
  // Whether every task transforms the weights of its panel itself, as those of all panels are too many.
  bool transforms_panel() const {
    return shared_ && kFloatBytes * u_floats() > kLastLevel * lowering_.target().l2_bytes;
  }

  int64_t products_plane() const { return (conv_.vectors * tiling_.tiles() + 1) * lanes_; }
  Expr product_at(const Expr& x, const Expr& o, const Expr& t) const {
    return x * products_plane() + (o * tiling_.tiles() + t) * lanes_;
  }

  // Whether a task may have a part of the panels only: for few images, so that all threads have work.
  bool split_panels() const { return !shared_ && !output_.sums() && panels_ > 1; }

  // One task of the convolution itself.
  void task(Body& body, Expr task) {
    products_ = body.alloc("products", Scalar::f32, {positions_ * products_plane()}, loops::Space::scratch);
    input_.begin_task(body);
    if (w_) {
      transformed_weights_ = body.alloc(
          "u", Scalar::f32, {1, weights_, padded_rows(weight_blocks() * lanes_), conv_.vectors * lanes_},
          loops::Space::scratch);
    }
    output_.begin_task(body);
    Expr part, first_panel, end_panel;
    Expr active = one_of(body, task, part, first_panel, end_panel);
    n0_ = body.let("n", part / tiling_.row_parts);
    row0_ = body.let("row0", part % tiling_.row_parts * tiling_.tile_rows());
    // Several images share a task where maps are small: the task of the first of them does the work.
    if (tiling_.images > 1) {
      const Expr first = loops::binary(loops::Binary::eq, n0_ % tiling_.images, 0);
      active = active ? both(active, first) : first;
    }
    body.when(active, [&](Body& b) {
      units_ = tiling_.images == 1
                   ? Expr(1)
                   : b.let("units", loops::min(tiling_.units(),
                                               (lowering_.images() - n0_ + (tiling_.unit_images - 1)) /
                                                   tiling_.unit_images));
      if (!shared_) {
        b.comment("input transform");
        b.loop("cb", 0, blocks_, 1, [&](Body& c, Expr cb) {
          input_.channels(c, cb);
          each_place(c, cb, [&](Body& d, TilePlace at, const TilePlace& ahead, Expr unit, Expr t) {
            at.n = loops::min(at.n, lowering_.images() - 1);
            input_.tile(d, at, ahead, unit, t);
          });
        });
      }
      const auto panel = [&](Body& c, Expr p) {
        if (w_) {
          panel_by_parts(c, p);
        } else {
          c.comment("products");
          products(c, p, {0, blocks_, 0, true});
        }
        c.comment("output transform");
        for (int o = 0; o < conv_.vectors; ++o) output(c, p, o);
      };
      shared_ ? panel(b, first_panel) : b.loop("panel", first_panel, end_panel, 1, panel);
    });
    output_.end_task(body, task);
  }

  // Blocks of input channels whose transformed weights for one panel leave room for the products and the
  // inputs in the second-level cache.
  int64_t weight_blocks() const {
    const int64_t fits =
        lowering_.target().l2_bytes / 3 / (kFloatBytes * weights_ * conv_.vectors * lanes_ * lanes_);
    const int64_t step = multiplication_.summed_blocks();
    return std::min(std::max(fits / step, int64_t{1}) * step, blocks_);
  }

  // The products of one panel, whose weights are transformed part by part just before their use.
  void panel_by_parts(Body& body, Expr panel) {
    const int64_t step = weight_blocks();
    body.loop("from", 0, blocks_, step, [&](Body& b, Expr from) {
      const Expr end = b.let("to", loops::min(from + step, blocks_));
      b.comment("weight transform");
      b.loop("cb", from, end, 1, [&](Body& c, Expr cb) {
        transform_block(
            c, {w_, transformed_weights_, conv_.vectors * lanes_, how_.forward_panel > 0, how_.input_grad},
            f_, panel, 0, cb, cb - from);
      });
      b.comment("products");
      products(b, 0, {from, end, from, false});
    });
  }

  void products(Body& body, Expr panel, const Blocks& blocks) {
    body.loop("x", 0, positions_, 1, [&](Body& b, Expr x) {
      b.loop("unit", 0, units_, 1, [&](Body& c, Expr unit) {
        const Expr v_unit = shared_ ? n0_ / tiling_.unit_images + unit : unit;
        const Expr v_first = shared_ ? row0_ * tiling_.tiles_w : Expr(0);
        const auto v_of = [&](const Expr& x, const Expr& cb, const Expr& t, const Expr& lane) {
          return input_.at(v_unit, x, cb, v_first + t, lane);
        };
        const auto result_at = [&](const Expr& x, int o, const Expr& t) {
          return product_at(x, o, unit * tiling_.unit_tiles() + t);
        };
        multiplication_.multiply(
            c, {transformed_weights_, f_, input_.transformed(), v_of, products_, result_at, shared_, unit},
            panel, x, tiling_.unit_tiles(), blocks);
      });
    });
  }

  // Which tiles (`part`: image and part of its rows) and panels task number `task` has; returns the condition
  // under which it has any, if there is one.
  Expr one_of(Body& body, Expr task, Expr& part, Expr& first_panel, Expr& end_panel) {
    if (shared_) {
      const Expr parts = body.let("parts", lowering_.images() * tiling_.row_parts);
      part = body.let("part", task % parts);
      first_panel = body.let("panel", task / parts);
      return {};
    }
    if (!split_panels()) {
      part = task, first_panel = 0, end_panel = panels_;
      return {};
    }
    // Many images: all panels in the task of the first.
    part = body.let("part", task / panels_);
    const Expr own = body.let("own", task % panels_);
    const Expr many = body.let("many", loops::cast(loops::less_equal(kManyTasks * tiling_.images,
                                                                     lowering_.images() * tiling_.row_parts),
                                                   Scalar::i64));
    first_panel = own;
    end_panel =
        body.let("end", loops::select(loops::binary(loops::Binary::eq, many, 1), Expr(panels_), own + 1));
    return loops::binary(loops::Binary::eq, many * own, 0);
  }

  // Visits the task's tiles: place (the image may lie past the batch's end where units have several), the
  // place some tiles later, unit, and number in the unit as V counts it in this task.
  using VisitPlace =
      std::function<void(Body&, const TilePlace& at, const TilePlace& ahead, Expr unit, Expr t)>;
  void each_place(Body& body, Expr block, const VisitPlace& visit) {
    const auto rows = [&](Body& b, Expr unit, Expr image) {
      const Expr n = tiling_.images == 1 ? n0_ : b.let("image", n0_ + unit * tiling_.unit_images + image);
      each_tile(b, tiling_.tile_rows(), tiling_.tiles_w, [&](Body& c, Expr th, Expr tw, const Ahead& ahead) {
        TilePlace later{n, block, row0_ + ahead.row, tw};
        Expr& next = tiling_.images == 1 ? later.cb : later.n;
        next = next + ahead.maps;
        const Expr tile = c.let("tile", (image * tiling_.tile_rows() + th) * tiling_.tiles_w + tw);
        visit(c, {n, block, row0_ + th, tw}, later, unit, tile);
      });
    };
    const auto images = [&](Body& b, Expr unit) {
      tiling_.unit_images == 1
          ? rows(b, unit, 0)
          : b.loop("g", 0, tiling_.unit_images, 1, [&](Body& c, Expr g) { rows(c, unit, g); });
    };
    tiling_.units() == 1 ? images(body, 0) : body.loop("unit", 0, units_, 1, images);
  }

  // The output of every tile of one vector of output channels.
  void output(Body& body, Expr panel, int o) {
    const Expr block = body.let("block", panel * conv_.vectors + o);
    const WinogradOutput::Channels channels = output_.channels(body, block, shared_ ? Expr(o) : block);
    each_place(body, block, [&](Body& b, const TilePlace& at, const TilePlace& ahead, Expr unit, Expr t) {
      const Expr exists = tiling_.unit_images > 1 ? loops::less(at.n, lowering_.images()) : Expr();
      const auto product = [&](int x) {
        const Expr place = product_at(x, o, unit * tiling_.unit_tiles() + t);
        return loaded(products_, {place}, lanes_, 0);
      };
      output_.tile(b, channels, product, at, ahead, exists);
    });
  }

  Lowering& lowering_;
  const DirectConv& conv_;
  const Winograd& how_;
  Filtering f_;
  int positions_, weights_;
  int lanes_;
  int64_t panels_, blocks_, register_tile_;
  WinogradProducts multiplication_;
  bool shared_;
  Tiling tiling_;
  KernelBuilder kernel_;
  const Group& group_;
  WinogradInput input_;
  WinogradOutput output_;
  MemoryRef w_, transformed_weights_, products_;
  Expr n0_, row0_, units_;
};

}  // namespace

void lower_winograd(Lowering& lowering, const Group& group, const DirectConv& conv, const Winograd& how) {
  WinogradKernel(lowering, group, conv, how).lower();
}

}  // namespace rnc
