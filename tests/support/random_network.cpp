#include "tests/support/random_network.h"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "tests/support/random.h"
#include "tests/support/random_optimizer.h"

namespace rnc::test {
namespace {

constexpr int64_t kWork = 150'000;  // multiplications per sample, about: the interpreter has to do them, too

// A tensor [N, C, H, W].
struct Map {
  std::string name;
  int64_t c = 0, h = 0, w = 0;
  int64_t elements() const { return c * h * w; }
  bool same_shape(const Map& other) const { return c == other.c && h == other.h && w == other.w; }
};

class Writer {
 public:
  Writer(uint64_t seed, const NetworkOptions& options) : random_(seed), options_(options), seed_(seed) {}

  std::string write() {
    const std::string inputs = declare_inputs();
    Map x = stem();
    const int64_t stages = random_.integer(2, 6);
    for (int64_t i = 0; i < stages; ++i) {
      maps_.push_back(x);
      x = stage(x);
    }
    head(x);
    line("train " + random_optimizer(random_));
    freeze();
    return fmt::format("model random{}({}) {{\n{}}}\n", seed_, inputs, text_);
  }

 private:
  // Lines of the text.

  void line(const std::string& statement) { text_ += "  " + statement + "\n"; }

  std::string let(const std::string& expression) {
    std::string name = fmt::format("v{}", ++values_);
    line(name + " = " + expression);
    return name;
  }
  template <class... T>
  Map map(const Map& shape, fmt::format_string<T...> expression, T&&... arguments) {
    return {let(fmt::format(expression, std::forward<T>(arguments)...)), shape.c, shape.h, shape.w};
  }

  std::string parameter(const std::string& shape, bool positive = false) {
    std::string name = fmt::format("p{}{}", ++values_, positive ? ".positive" : "");
    const char* initializer = positive ? "constant(1.0)" : "normal(std = 0.3)";
    line(fmt::format("{} {} : f32[{}] = {}", layers_.empty() || random_.chance(0.9) ? "parameter" : "buffer",
                     name, shape, initializer));
    return name;
  }

  double number() { return random_.one_of({0.25, 0.5, 1.0, 1.5, 2.0, 0.3}); }
  double sign() { return random_.chance(0.5) ? 1 : -1; }
  int64_t width() {
    return random_.chance(0.3) ? random_.integer(1, 40)
                               : random_.one_of<int64_t>({3, 4, 5, 7, 8, 9, 10, 12, 15, 16, 17, 24, 31, 33});
  }

  // What comes before the first layer.

  std::string declare_inputs() {
    mixup_ = random_.chance(0.15);
    raw_ = random_.chance(0.5);
    image_ = {"image", random_.integer(1, 4), random_.integer(4, 12), random_.integer(4, 12)};
    std::string inputs = fmt::format("image: {}[N, {}, {}, {}], label: i32[N]", raw_ ? "u8" : "f32", image_.c,
                                     image_.h, image_.w);
    if (mixup_) inputs += ", label2: i32[N], lambda: f32[]";
    return inputs;
  }

  Map stem() {
    Map x = image_;
    if (random_.chance(0.2)) {
      x.h = random_.integer(5, 11), x.w = random_.integer(5, 11);
      x = map(x, "resize({}, size = [{}, {}])", x.name, x.h, x.w);
    }
    if (raw_) {
      std::vector<double> mean, std;
      for (int64_t c = 0; c < x.c; ++c) {
        mean.push_back(static_cast<double>(random_.integer(3, 6)) / 10);
        std.push_back(static_cast<double>(random_.integer(4, 6)) / 20);
      }
      x = map(x, "normalize({}, mean = {}, std = {})", x.name, list(mean), list(std));
    }
    return random_.chance(0.15) ? without_gradient(x) : x;
  }

  // Operations that have no gradient stand where nothing before them is trained.
  Map without_gradient(const Map& x) {
    switch (random_.integer(0, 3)) {
      case 0:
        return map(x, "sub({}, {})", x.name, let(fmt::format("channel_mean({})", x.name)));
      case 1: {
        const std::string variance = let(fmt::format("channel_variance({})", x.name));
        return map(x, "mul({}, {})", x.name, let(fmt::format("rsqrt({})", let(variance + " + 0.1"))));
      }
      case 2:
        return map(x, "relu_grad({}, {})", x.name, let(fmt::format("sub({}, 0.25)", x.name)));
      default: {
        const std::string count = let(fmt::format("element_count({})", x.name));
        return map(x, "sub({}, {})", x.name,
                   let(fmt::format("div({}, {})", let(fmt::format("channel_sum({})", x.name)), count)));
      }
    }
  }

  // Layers.

  Map stage(const Map& x) {
    switch (random_.integer(0, 15)) {
      case 0:
      case 1:
        return constants(x);
      case 2:
        return per_channel(x);
      case 3:
        return pool(x);
      case 4:
        return some_channels(x);
      case 5:
        return three_uses(x);
      case 6:
        return computed_weight(x);
      case 7:
        return batch_norm(random_.chance(0.5) ? relu(x) : x);
      case 8:
        return reshaped(x);
      case 9:
      case 10:
        return residual(x);
      default:
        return layer(x);
    }
  }

  Map relu(const Map& x) { return map(x, "relu({})", x.name); }

  Map batch_norm(const Map& x) {
    const Map y = map(x, "batch_norm({}, eps = {}, momentum = {})", x.name,
                      random_.one_of({"1e-5", "1e-3", "1e-7"}), random_.one_of({"0.1", "0.25"}));
    layers_.push_back(y.name);
    return y;
  }

  // A bias before a batch norm has a gradient of zero but for rounding, which an adaptive optimizer makes a
  // whole step of: there are few.
  Map layer(const Map& x) {
    const bool norm = random_.chance(0.6);
    Map y = conv(x, width(), norm ? 0.1 : 0.7);
    if (random_.chance(0.3)) y = constants(y);
    if (norm) y = batch_norm(y);
    return random_.chance(0.6) ? relu(y) : y;
  }

  struct Window {
    int64_t kernel[2], stride[2], pad[2], dilation[2], h, w;
  };
  // A window that fits.
  Window window(const Map& x, int64_t largest, bool pool, bool same_size = false) {
    for (;;) {
      const int64_t k = random_.chance(0.5) ? std::min<int64_t>(3, largest) : random_.integer(1, largest);
      Window w{{k, k}, {1, 1}, {0, 0}, {1, 1}, 0, 0};
      if (random_.chance(0.15)) w.kernel[1] = random_.integer(1, largest);
      if (!same_size && random_.chance(0.35)) w.stride[0] = w.stride[1] = 2;
      if (!same_size && random_.chance(0.1)) w.stride[1] = random_.integer(1, 3);
      if (!pool && random_.chance(0.1)) w.dilation[0] = w.dilation[1] = 2;
      bool fits = true;
      for (int d = 0; d < 2; ++d) {
        const int64_t reach = w.dilation[d] * (w.kernel[d] - 1);
        w.pad[d] = same_size || random_.chance(0.7) ? reach / 2 : random_.integer(0, w.kernel[d] / 2);
        const int64_t room = (d == 0 ? x.h : x.w) + 2 * w.pad[d] - reach - 1;
        (d == 0 ? w.h : w.w) = room < 0 ? 0 : room / w.stride[d] + 1;
        fits = fits && room >= 0 && (!same_size || reach % 2 == 0);
      }
      if (fits) return w;
    }
  }
  static std::string pair(const int64_t (&p)[2]) {
    return p[0] == p[1] ? fmt::format("{}", p[0]) : fmt::format("[{}, {}]", p[0], p[1]);
  }
  static std::string list(const std::vector<double>& values) {
    std::string text;
    for (const double value : values) text += fmt::format("{}{}", text.empty() ? "" : ", ", value);
    return "[" + text + "]";
  }
  static std::string attributes(const Window& w) {
    std::string text;
    if (w.stride[0] != 1 || w.stride[1] != 1) text += ", stride = " + pair(w.stride);
    if (w.pad[0] != 0 || w.pad[1] != 0) text += ", pad = " + pair(w.pad);
    if (w.dilation[0] != 1 || w.dilation[1] != 1) text += ", dilation = " + pair(w.dilation);
    return text;
  }

  int64_t groups_of(int64_t channels) {
    if (random_.chance(0.65)) return 1;
    if (random_.chance(0.4)) return channels;
    std::vector<int64_t> divisors;
    for (int64_t g = 1; g <= channels; ++g) {
      if (channels % g == 0) divisors.push_back(g);
    }
    return divisors[static_cast<size_t>(random_.integer(0, static_cast<int64_t>(divisors.size()) - 1))];
  }

  // The number of outputs that the work left allows.
  int64_t affordable(int64_t outputs, int64_t groups, int64_t work_per_output) {
    const int64_t most = std::max<int64_t>((kWork - work_) / std::max<int64_t>(work_per_output, 1), 1);
    outputs = std::min(outputs, most);
    outputs = std::max<int64_t>(outputs / groups, 1) * groups;
    work_ += outputs * work_per_output;
    return outputs;
  }

  Map conv(const Map& x, int64_t outputs, double bias) {
    const Window w = window(x, work_ > kWork / 2 ? 1 : random_.chance(0.15) ? 5 : 3, false);
    const int64_t groups = groups_of(x.c);
    if (groups > 1) outputs = groups * random_.integer(1, std::max<int64_t>(40 / groups, 1));
    outputs = affordable(outputs, groups, w.h * w.w * w.kernel[0] * w.kernel[1] * x.c / groups);
    return conv(x, outputs, w, groups, bias);
  }
  // One that keeps the shape.
  Map same_conv(const Map& x, double bias) {
    const Window w = window(x, work_ > kWork / 2 ? 1 : 3, false, true);
    work_ += x.elements() * w.kernel[0] * w.kernel[1] * x.c;
    return conv(x, x.c, w, 1, bias);
  }
  Map conv(const Map& x, int64_t outputs, const Window& w, int64_t groups, double bias) {
    const Map y = map({"", outputs, w.h, w.w}, "conv2d({}, {}, kernel = {}{}{}{})", x.name, outputs,
                      pair(w.kernel), attributes(w), groups > 1 ? fmt::format(", groups = {}", groups) : "",
                      random_.chance(bias) ? "" : ", bias = false");
    layers_.push_back(y.name);
    return y;
  }

  // Functions that map zero to something else, and others.
  Map constants(const Map& x) {
    const double c = number();
    switch (random_.integer(0, 10)) {
      case 0:
        return map(x, "{} + {}", x.name, c * sign());
      case 1:
        return map(x, "{} - {}", x.name, c);
      case 2:
        return map(x, "{} - {}", c, x.name);
      case 3:
        return map(x, "{} * {}", x.name, c * sign());
      case 4:
        return map(x, "{} / {}", x.name, c);
      case 5:
        return map(x, "{} / {}", c, square_plus(x, 1).name);
      case 6:
        return map(x, "sqrt({})", square_plus(x, c).name);
      case 7:
        return map(x, "rsqrt({})", square_plus(x, c).name);
      case 8:
        return relu(map(x, "{} + {}", x.name, c));
      case 9:
        return map(x, "-{}", x.name);
      default:
        return map(x, "{} / {}", x.name, square_plus(x, 1).name);
    }
  }
  // x x + c
  Map square_plus(const Map& x, double c) { return map(x, "{} + {}", map(x, "{0} * {0}", x.name).name, c); }

  // A parameter for each channel, or one for all.
  Map per_channel(const Map& x) {
    const std::string shape = random_.chance(0.8) ? fmt::format("{}", x.c) : "";
    switch (random_.integer(0, 5)) {
      case 0:
        return map(x, "{} + {}", x.name, parameter(shape));
      case 1:
        return map(x, "{} - {}", parameter(shape), x.name);
      case 2:
        return map(x, "{} * {}", x.name, parameter(shape));
      case 3:
        return map(x, "{} / {}", x.name, parameter(shape, true));
      case 4:
        return map(x, "{} / {}", parameter(shape), square_plus(x, 0.5).name);
      default: {
        const std::string p = parameter(shape);
        const std::string denominator = let(fmt::format("{} + 0.5", let(fmt::format("{0} * {0}", p))));
        return map(x, "{} / {}", x.name, denominator);
      }
    }
  }

  Map pool(const Map& x) {
    const Map from = random_.chance(0.3) ? constants(x) : x;
    if (random_.chance(0.1)) return map({"", x.c, 1, 1}, "global_avg_pool({})", from.name);
    const Window w = window(from, std::min<int64_t>({3, x.h, x.w}), true);
    const Map shape{"", x.c, w.h, w.w};
    const std::string stride = fmt::format(", stride = {}", pair(w.stride));
    const std::string pad = fmt::format(", pad = {}", pair(w.pad));
    if (random_.chance(0.5))
      return map(shape, "max_pool({}, kernel = {}{}{})", from.name, pair(w.kernel), stride, pad);
    return map(shape, "avg_pool({}, kernel = {}{}{}{})", from.name, pair(w.kernel), stride, pad,
               random_.chance(0.5) ? ", count_include_pad = false" : "");
  }

  Map some_channels(const Map& x) {
    if (x.c > 1 && random_.chance(0.6)) {
      const int64_t begin = random_.chance(0.5) ? 0 : random_.integer(0, x.c - 1);
      const int64_t end = random_.integer(begin + 1, x.c);
      return map({"", end - begin, x.h, x.w}, "slice_channels({}, begin = {}, end = {})", x.name, begin, end);
    }
    const int64_t before = random_.integer(0, 9), after = random_.integer(0, 9);
    return map({"", x.c + before + after, x.h, x.w}, "pad_channels({}, before = {}, after = {})", x.name,
               before, after);
  }

  // x enters three operations, as in gates and polynomials.
  Map three_uses(const Map& x) {
    const Map gate = random_.chance(0.5) ? constants(x) : same_conv(x, 0.5);
    const Map y = map(x, "{} * {}", x.name, map(gate, "{} / {}", gate.name, bounded(gate)).name);
    return map(x, "{} + {}", y.name, random_.chance(0.5) ? relu(x).name : constants(x).name);
  }
  // sqrt(x x + 1)
  std::string bounded(const Map& x) { return map(x, "sqrt({})", square_plus(x, 1).name).name; }

  Map residual(const Map& x) {
    if (work_ > kWork / 2) return relu(x);
    Map y = batch_norm(same_conv(x, 0.1));
    if (random_.chance(0.5)) y = relu(batch_norm(same_conv(y, 0.1)));
    // Any earlier map of this shape will do for a shortcut.
    Map shortcut = x;
    for (const Map& other : maps_) {
      if (other.same_shape(y) && random_.chance(0.3)) shortcut = other;
    }
    y = map(y, "{} {} {}", y.name, random_.one_of({"+", "-"}), shortcut.name);
    return random_.chance(0.6) ? relu(y) : y;
  }

  // A convolution with a weight that is computed from parameters.
  Map computed_weight(const Map& x) {
    const Window w = window(x, 3, false);
    const int64_t out = affordable(width(), 1, w.h * w.w * w.kernel[0] * w.kernel[1] * x.c);
    const std::string weight = computed_parameter(
        fmt::format("{}, {}, {}, {}", out, x.c, w.kernel[0], w.kernel[1]), x.c * w.kernel[0] * w.kernel[1]);
    const std::string bias = random_.chance(0.5) ? ", " + parameter(fmt::format("{}", out)) : "";
    return map({"", out, w.h, w.w}, "conv2d({}, {}{}{})", x.name, weight, bias, attributes(w));
  }

  std::string computed_parameter(const std::string& shape, int64_t) {
    const std::string w = parameter(shape);
    const std::string square = let(fmt::format("{0} * {0}", w));
    switch (random_.integer(0, 4)) {
      case 0:
        return let(fmt::format("{} * {}", w, parameter(shape)));
      case 1:
        return let(fmt::format("{} * {}", w, parameter("")));
      case 2:
        return let(fmt::format("{} / {}", w, let(square + " + 0.5")));
      case 3:
        return let(fmt::format("{} + {}", w, let(fmt::format("{} * 0.5", parameter(shape)))));
      default:
        return let(fmt::format("{} * {}", w, let(fmt::format("rsqrt({})", let(square + " + 1.0")))));
    }
  }

  // Channels and places change roles.
  Map reshaped(const Map& x) {
    Map y{"", x.h, x.c, x.w};
    if (random_.chance(0.4)) y = {"", x.elements(), 1, 1};
    if (y.c > 300 || work_ > kWork / 2) return constants(x);
    return map(y, "reshape({}, shape = [-1, {}, {}, {}])", x.name, y.c, y.h, y.w);
  }

  // From the last map to the loss.

  struct Features {
    std::string name;
    int64_t k;
  };

  Features linear(const Features& x, int64_t out) {
    if (random_.chance(0.75)) {
      return {let(fmt::format("linear({}, {}{})", x.name, out, random_.chance(0.3) ? ", bias = false" : "")),
              out};
    }
    const std::string shape = fmt::format("{}, {}", out, x.k);
    switch (random_.integer(0, 2)) {
      case 0:
        return {let(fmt::format("linear({}, {})", x.name, computed_parameter(shape, x.k))), out};
      case 1: {
        const int64_t rank = random_.integer(1, 5);
        const std::string product =
            let(fmt::format("matmul({}, {})", parameter(fmt::format("{}, {}", out, rank)),
                            parameter(fmt::format("{}, {}", rank, x.k))));
        return {let(fmt::format("linear({}, {}, {})", x.name, product, parameter(fmt::format("{}", out)))),
                out};
      }
      default:
        return {let(fmt::format("matmul({}, {})", x.name, parameter(fmt::format("{}, {}", x.k, out)))), out};
    }
  }

  Features elementwise(const Features& x) {
    const Map y = random_.chance(0.7) ? constants({x.name, x.k, 1, 1}) : per_channel({x.name, x.k, 1, 1});
    return {y.name, x.k};
  }

  Features hidden(Features x) {
    x = linear(x, std::min<int64_t>(width(), 33));
    if (random_.chance(0.5)) x = elementwise(x);
    switch (random_.integer(0, 3)) {
      case 0:
        return {let(fmt::format("softmax({})", x.name)), x.k};
      case 1:
        return {let(fmt::format("batch_norm({})", x.name)), x.k};
      case 2: {  // products of features with each other, summed over the batch
        const std::string gram = let(fmt::format("matmul({0}, {0}, transpose_a = true)", x.name));
        const std::string scaled = let(fmt::format("{} * 0.05", gram));
        return {let(fmt::format("linear({}, {})", x.name, scaled)), x.k};
      }
      default:
        return {let(fmt::format("relu({})", x.name)), x.k};
    }
  }

  void head(Map x) {
    if (x.elements() > 600 || random_.chance(0.6)) {
      x = map({"", x.c, 1, 1}, "global_avg_pool({})", x.name);
      if (random_.chance(0.3)) x = constants(x);
      if (random_.chance(0.2)) x = conv(x, width(), 0.5);
    }
    Features features{let(fmt::format("flatten({})", x.name)), x.elements()};
    if (random_.chance(0.2)) features = elementwise(features);
    if (random_.chance(0.3)) features = hidden(features);
    const int64_t classes = random_.chance(0.7) ? random_.integer(2, 12) : random_.integer(13, 50);
    const std::string logits = linear(features, classes).name;
    line("predict " + logits);
    const std::string smoothing =
        random_.chance(0.3) ? fmt::format(", label_smoothing = {}", random_.one_of({"0.1", "0.3"})) : "";
    const auto loss = [&](const std::string& of, const char* label) {
      return fmt::format("cross_entropy({}, {}{})", of, label, smoothing);
    };
    if (mixup_) {
      line(
          fmt::format("loss lambda * {} + (1 - lambda) * {}", loss(logits, "label"), loss(logits, "label2")));
    } else if (random_.chance(0.15)) {
      const std::string other = let(fmt::format("linear({}, {})", features.name, classes));
      line(fmt::format("loss {} + 0.3 * {}", loss(logits, "label"), loss(other, "label")));
    } else {
      line("loss " + loss(logits, "label"));
    }
  }

  void freeze() {
    if (layers_.size() < 2 || !random_.chance(0.2)) return;
    const auto last = static_cast<int64_t>(layers_.size()) - 1;
    line(fmt::format("freeze \"{}\"", layers_[static_cast<size_t>(random_.integer(0, last))]));
  }

  Random random_;
  NetworkOptions options_;
  uint64_t seed_;
  std::string text_;
  int values_ = 0;
  int64_t work_ = 0;
  bool mixup_ = false, raw_ = false;
  Map image_;
  std::vector<Map> maps_;
  std::vector<std::string> layers_;  // with parameters of their own
};

}  // namespace

std::string random_network(uint64_t seed, const NetworkOptions& options) {
  return Writer(seed, options).write();
}

}  // namespace rnc::test
