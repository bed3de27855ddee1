#include "tests/support/random_network.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <vector>

#include "tests/support/network_text.h"
#include "tests/support/random_optimizer.h"

namespace rnc::test {
namespace {

// A tensor [N, K].
struct Features {
  std::string name;
  int64_t k;
};

class Writer {
 public:
  Writer(uint64_t seed, const NetworkOptions& options) : seed_(seed), t_{Random(seed), options.batchless} {}

  std::string write() {
    const std::string inputs = declare_inputs();
    Map x = stem();
    const int64_t stages = random().integer(1, 5);
    for (int64_t i = 0; i < stages; ++i) {
      maps_.push_back(x);
      x = stage(x);
    }
    const Map last = x;
    finish(features(x), last);
    return fmt::format("model random{}({}) {{\n{}}}\n", seed_, inputs, t_.text);
  }

 private:
  Random& random() { return t_.random; }
  int64_t width() { return random_width(random()); }

  // What comes before the first layer.

  std::string declare_inputs() {
    mixup_ = random().chance(0.15);
    raw_ = random().chance(0.5);
    image_ = {"image", random().integer(1, 4), random().integer(4, 12), random().integer(4, 12)};
    const std::string inputs = fmt::format("image: {}[N, {}, {}, {}], label: i32[N]", raw_ ? "u8" : "f32",
                                           image_.c, image_.h, image_.w);
    if (random().chance(0.2)) pixels_ = {"", 1, random().integer(1, 5), random().integer(1, 5)};
    const std::string labels =
        pixels_.c > 0 ? fmt::format(", labels: i32[N, {}, {}]", pixels_.h, pixels_.w) : std::string();
    return inputs + labels + (mixup_ ? ", label2: i32[N], lambda: f32[]" : "");
  }

  Map stem() {
    Map x = image_;
    if (random().chance(0.2)) {
      x.h = random().integer(5, 11), x.w = random().integer(5, 11);
      x = t_.map(x, "resize({}, size = [{}, {}])", x.name, x.h, x.w);
    }
    if (raw_) {
      std::vector<double> mean, std;
      for (int64_t c = 0; c < x.c; ++c) {
        mean.push_back(static_cast<double>(random().integer(3, 6)) / 10);
        std.push_back(static_cast<double>(random().integer(4, 6)) / 20);
      }
      x = t_.map(x, "normalize({}, mean = [{}], std = [{}])", x.name, fmt::join(mean, ", "),
                 fmt::join(std, ", "));
    }
    return random().chance(0.15) ? without_gradient(x) : x;
  }

  // Operations that have no gradient stand where nothing before them is trained.
  Map without_gradient(const Map& x) {
    switch (random().integer(0, 3)) {
      case 0:
        return t_.map(x, "{} - {}", x.name, t_.let("channel_mean({})", x.name));
      case 1: {
        const std::string variance = t_.let("channel_variance({})", x.name);
        return t_.map(x, "{} * {}", x.name, t_.let("rsqrt({})", t_.let("{} + 0.1", variance)));
      }
      case 2:
        return t_.map(x, "relu_grad({}, {})", x.name, t_.let("{} - 0.25", x.name));
      default: {
        const std::string count = t_.let("element_count({})", x.name);
        return t_.map(x, "{} - {}", x.name, t_.let("{} / {}", t_.let("channel_sum({})", x.name), count));
      }
    }
  }

  // Layers.

  Map stage(const Map& x) {
    switch (random().integer(0, 17)) {
      case 0:
      case 1:
        return constants(t_, x);
      case 2:
        return random().chance(0.5) ? spread(t_, x) : per_channel(t_, x);
      case 3:
        return pool(t_, random().chance(0.3) ? constants(t_, x) : x);
      case 4:
        return some_channels(x);
      case 5:
        return three_uses(x);
      case 6:
        return computed_conv(t_, x);
      case 7:
        return batch_norm(t_, random().chance(0.5) ? relu(t_, x) : x);
      case 8:
        return reshaped(x);
      case 9:
      case 10:
        return residual(x);
      case 11:
      case 12:
        return over_maps(t_, x);
      default:
        return layer(x);
    }
  }

  // A bias before a batch norm has a gradient of zero but for rounding, which an adaptive optimizer makes a
  // whole step of: there are few.
  Map layer(const Map& x) {
    const bool norm = random().chance(0.6);
    Map y = conv(t_, x, width(), norm ? 0.1 : 0.7);
    if (random().chance(0.3)) y = constants(t_, y);
    if (norm) y = batch_norm(t_, y);
    return random().chance(0.6) ? relu(t_, y) : y;
  }

  Map some_channels(const Map& x) {
    if (random().chance(0.6)) return along_axis(x);
    if (x.c > 1 && random().chance(0.6)) {
      const int64_t begin = random().chance(0.5) ? 0 : random().integer(0, x.c - 1);
      const int64_t end = random().integer(begin + 1, x.c);
      return t_.map({"", end - begin, x.h, x.w}, "slice_channels({}, begin = {}, end = {})", x.name, begin,
                    end);
    }
    const int64_t before = random().integer(0, 9), after = random().integer(0, 9);
    return t_.map({"", x.c + before + after, x.h, x.w}, "pad_channels({}, before = {}, after = {})", x.name,
                  before, after);
  }

  // Put together with something made of it, cut, lengthened or turned, along any dimension.
  Map along_axis(const Map& x) {
    const int64_t axis = random().integer(1, 3), size = axis == 1 ? x.c : axis == 2 ? x.h : x.w;
    const auto with = [&](int64_t other) {
      Map result = x;
      (axis == 1 ? result.c : axis == 2 ? result.h : result.w) = other;
      return result;
    };
    if (random().chance(0.3) && x.elements() <= 2000) {
      const Map other = random().chance(0.5) ? activation(t_, x) : constants(t_, x);
      return t_.map(with(2 * size), "concat({}, {}, axis = {})", x.name, other.name, axis);
    }
    if (size > 1 && random().chance(0.4)) {
      const int64_t begin = random().integer(0, size - 1), end = random().integer(begin + 1, size);
      return t_.map(with(end - begin), "slice({}, axis = {}, begin = {}, end = {})", x.name, axis, begin,
                    end);
    }
    if (random().chance(0.5))
      return t_.map(x, "roll({}, axis = {}, shift = {})", x.name, axis,
                    random().integer(-2 * size, 2 * size));
    const int64_t before = random().integer(0, 2), after = random().integer(0, 2);
    return t_.map(with(size + before + after), "pad_axis({}, axis = {}, before = {}, after = {})", x.name,
                  axis, before, after);
  }

  // x enters three operations, as in gates and polynomials.
  Map three_uses(const Map& x) {
    const Map gate = random().chance(0.5) ? constants(t_, x) : same_conv(t_, x, 0.5);
    const Map share = t_.map(gate, "{} / {}", gate.name, bounded(t_, gate).name);
    const Map y = t_.map(x, "{} * {}", x.name, share.name);
    return t_.map(x, "{} + {}", y.name, random().chance(0.5) ? relu(t_, x).name : constants(t_, x).name);
  }

  Map residual(const Map& x) {
    if (t_.busy()) return relu(t_, x);
    Map y = batch_norm(t_, same_conv(t_, x, 0.1));
    if (random().chance(0.5)) y = relu(t_, batch_norm(t_, same_conv(t_, y, 0.1)));
    // Any earlier map of this shape will do for a shortcut.
    Map shortcut = x;
    for (const Map& other : maps_) {
      if (other.same_shape(y) && random().chance(0.3)) shortcut = other;
    }
    y = t_.map(y, "{} {} {}", y.name, random().one_of({"+", "-"}), shortcut.name);
    return random().chance(0.6) ? relu(t_, y) : y;
  }

  // Channels and places change roles.
  Map reshaped(const Map& x) {
    Map y{"", x.h, x.c, x.w};
    if (random().chance(0.4)) y = {"", x.elements(), 1, 1};
    if (y.c > 300 || t_.busy()) return constants(t_, x);
    return t_.map(y, "reshape({}, shape = [-1, {}, {}, {}])", x.name, y.c, y.h, y.w);
  }

  // From the last map to the loss.

  Features linear(const Features& x, int64_t out) {
    const auto with_weight = [&](const std::string& weight) -> Features {
      const std::string bias = random().chance(0.5) ? ", " + t_.parameter(fmt::format("{}", out)) : "";
      return {t_.let("linear({}, {}{})", x.name, weight, bias), out};
    };
    switch (random().integer(0, 8)) {
      case 0:
        return with_weight(computed_parameter(t_, {out, x.k}));
      case 1: {
        const int64_t rank = random().integer(1, 5);
        const std::string left = t_.parameter(fmt::format("{}, {}", out, rank));
        return with_weight(t_.let("matmul({}, {})", left, t_.parameter(fmt::format("{}, {}", rank, x.k))));
      }
      case 2:
        return {t_.let("matmul({}, {})", x.name, t_.parameter(fmt::format("{}, {}", x.k, out))), out};
      default:
        t_.layers.push_back(
            t_.let("linear({}, {}{})", x.name, out, random().chance(0.3) ? ", bias = false" : ""));
        return {t_.layers.back(), out};
    }
  }

  Features elementwise(const Features& x) {
    const Map map{x.name, x.k, 1, 1};
    return {(random().chance(0.7) ? constants(t_, map) : per_channel(t_, map)).name, x.k};
  }

  Features hidden(Features x) {
    x = linear(x, std::min<int64_t>(width(), 33));
    if (random().chance(0.5)) x = elementwise(x);
    switch (random().integer(0, 3)) {
      case 0:
        return {t_.let("softmax({})", x.name), x.k};
      case 1:
        return {batch_norm(t_, {x.name, x.k, 1, 1}).name, x.k};
      case 2: {  // products of features with each other, summed over the batch
        const std::string gram = t_.let("matmul({0}, {0}, transpose_a = true)", x.name);
        return {t_.let("linear({}, {})", x.name, t_.let("{} * 0.05", gram)), x.k};
      }
      default:
        return {t_.let("relu({})", x.name), x.k};
    }
  }

  Features features(Map x) {
    if (x.elements() > 600 || random().chance(0.6)) {
      x = t_.map({"", x.c, 1, 1}, "global_avg_pool({})", x.name);
      if (random().chance(0.3)) x = constants(t_, x);
      if (random().chance(0.2)) x = conv(t_, x, width(), 0.5);
    }
    Features features{t_.let("flatten({})", x.name), x.elements()};
    if (random().chance(0.2)) features = elementwise(features);
    return random().chance(0.3) ? hidden(features) : features;
  }

  // A class for each pixel, weighted, or one of all ignored.
  std::string pixel_loss(const Map& last, int64_t classes) {
    const Map scores = conv(t_, last, classes, 0.5);
    if (scores.c != classes) return "";
    const std::string resized = t_.let("resize({}, size = [{}, {}])", scores.name, pixels_.h, pixels_.w);
    std::string options = random().chance(0.3) ? ", label_smoothing = 0.1" : "";
    if (random().chance(0.3)) options += ", ignore_index = 255";
    if (random().chance(0.4)) {
      std::vector<double> weights;
      for (int64_t k = 0; k < classes; ++k)
        weights.push_back(static_cast<double>(random().integer(1, 4)) / 2);
      options = ", " + t_.let("constants(values = [{}])", fmt::join(weights, ", ")) + options;
    }
    if (random().chance(0.2)) {
      const std::string target = t_.let("softmax({})", t_.let("{} * 0.5", resized));
      return fmt::format(" + 0.5 * cross_entropy({}, {})", resized, target);
    }
    return fmt::format(" + cross_entropy({}, labels{})", resized, options);
  }

  void finish(const Features& x, const Map& last) {
    const int64_t classes = random().chance(0.7) ? random().integer(2, 12) : random().integer(13, 50);
    const std::string logits = linear(x, classes).name;
    t_.line("predict " + logits);
    const std::string smoothing =
        random().chance(0.3) ? fmt::format(", label_smoothing = {}", random().one_of({"0.1", "0.3"})) : "";
    const auto loss = [&](const std::string& of, const char* label) {
      return fmt::format("cross_entropy({}, {}{})", of, label, smoothing);
    };
    if (mixup_) {
      t_.line(
          fmt::format("loss lambda * {} + (1 - lambda) * {}", loss(logits, "label"), loss(logits, "label2")));
    } else if (random().chance(0.15)) {
      const std::string other = linear(x, classes).name;
      t_.line(fmt::format("loss {} + 0.3 * {}", loss(logits, "label"), loss(other, "label")));
    } else {
      const std::string more = pixels_.c > 0 ? pixel_loss(last, classes) : "";
      t_.line("loss " + loss(logits, "label") + more);
    }
    t_.line("train " + random_optimizer(random()));
    if (t_.layers.size() < 2 || !random().chance(0.2)) return;
    const auto most = static_cast<int64_t>(t_.layers.size()) - 1;
    t_.line(fmt::format("freeze \"{}\"", t_.layers[static_cast<size_t>(random().integer(0, most))]));
  }

  uint64_t seed_;
  NetworkText t_;
  bool mixup_ = false, raw_ = false;
  Map image_, pixels_;  // pixels: where each has a label, of one channel
  std::vector<Map> maps_;
};

}  // namespace

std::string random_network(uint64_t seed, const NetworkOptions& options) {
  return Writer(seed, options).write();
}

}  // namespace rnc::test
