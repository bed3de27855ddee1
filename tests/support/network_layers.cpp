#include <algorithm>

#include "tests/support/network_text.h"

namespace rnc::test {
namespace {

constexpr int64_t kWork = 150'000;

// Of a convolution or pool, in height and width; `pad` of top, left, bottom, right; `h` and `w` are the result's.
struct Window {
  int64_t kernel[2], stride[2], pad[4], dilation[2], h, w;
};

// Whether a window fits once its padding is chosen.
bool place(Random& random, Window& window, const Map& x, bool same_size) {
  bool fits = true;
  for (int d = 0; d < 2; ++d) {
    const int64_t reach = window.dilation[d] * (window.kernel[d] - 1);
    window.pad[d] = same_size || random.chance(0.7) ? reach / 2 : random.integer(0, window.kernel[d] / 2);
    window.pad[d + 2] =
        same_size || random.chance(0.8) ? window.pad[d] : random.integer(0, window.kernel[d] / 2);
    const int64_t room = (d == 0 ? x.h : x.w) + window.pad[d] + window.pad[d + 2] - reach - 1;
    (d == 0 ? window.h : window.w) = room < 0 ? 0 : room / window.stride[d] + 1;
    fits = fits && room >= 0 && (!same_size || reach % 2 == 0);
  }
  return fits;
}

Window random_window(Random& random, const Map& x, int64_t largest, bool pool, bool same_size = false) {
  for (;;) {
    const int64_t k = random.chance(0.5) ? std::min<int64_t>(3, largest) : random.integer(1, largest);
    Window window{{k, k}, {1, 1}, {0, 0, 0, 0}, {1, 1}, 0, 0};
    if (random.chance(0.15)) window.kernel[1] = random.integer(1, largest);
    if (!same_size && random.chance(0.35)) window.stride[0] = window.stride[1] = 2;
    if (!same_size && random.chance(0.1)) window.stride[1] = random.integer(1, 3);
    if (!pool && random.chance(0.1)) window.dilation[0] = window.dilation[1] = 2;
    if (place(random, window, x, same_size)) return window;
  }
}

std::string pair(const int64_t (&p)[2]) {
  return p[0] == p[1] ? fmt::format("{}", p[0]) : fmt::format("[{}, {}]", p[0], p[1]);
}

std::string sides(const int64_t (&p)[4]) {
  if (p[0] != p[2] || p[1] != p[3]) return fmt::format("[{}, {}, {}, {}]", p[0], p[1], p[2], p[3]);
  return pair({p[0], p[1]});
}

std::string attributes(const Window& w) {
  std::string text;
  if (w.stride[0] != 1 || w.stride[1] != 1) text += ", stride = " + pair(w.stride);
  if (w.pad[0] + w.pad[1] + w.pad[2] + w.pad[3] != 0) text += ", pad = " + sides(w.pad);
  if (w.dilation[0] != 1 || w.dilation[1] != 1) text += ", dilation = " + pair(w.dilation);
  return text;
}

// One, all channels, or a divisor.
int64_t random_groups(Random& random, int64_t channels) {
  if (random.chance(0.65)) return 1;
  if (random.chance(0.4)) return channels;
  for (;;) {
    const int64_t groups = random.integer(1, channels);
    if (channels % groups == 0) return groups;
  }
}

Map conv(NetworkText& t, const Map& x, int64_t outputs, const Window& w, int64_t groups, double bias) {
  const Map y = t.map({"", outputs, w.h, w.w}, "conv2d({}, {}, kernel = {}{}{}{})", x.name, outputs,
                      pair(w.kernel), attributes(w), groups > 1 ? fmt::format(", groups = {}", groups) : "",
                      t.random.chance(bias) ? "" : ", bias = false");
  t.layers.push_back(y.name);
  return y;
}

}  // namespace

bool NetworkText::busy() const { return work > kWork / 2; }

int64_t NetworkText::affordable(int64_t outputs, int64_t groups, int64_t work_per_output) {
  const int64_t most = std::max<int64_t>((kWork - work) / std::max<int64_t>(work_per_output, 1), 1);
  outputs = std::max<int64_t>(std::min(outputs, most) / groups, 1) * groups;
  work += outputs * work_per_output;
  return outputs;
}

std::string NetworkText::parameter(const std::string& shape, bool positive) {
  std::string name = fmt::format("p{}{}", ++values, positive ? ".positive" : "");
  const bool trained = layers.empty() || random.chance(0.9);
  line(fmt::format("{} {} : f32[{}] = {}", trained ? "parameter" : "buffer", name, shape,
                   positive ? "constant(1.0)" : "normal(std = 0.3)"));
  return name;
}

int64_t random_width(Random& random) {
  return random.chance(0.3) ? random.integer(1, 40)
                            : random.one_of<int64_t>({3, 4, 5, 7, 8, 9, 10, 12, 15, 16, 17, 24, 31, 33});
}

Map relu(NetworkText& t, const Map& x) {
  if (t.random.chance(0.3)) return activation(t, x);
  return t.map(x, "relu({})", x.name);
}

Map batch_norm(NetworkText& t, const Map& x) {
  const Map y = t.map(x, "batch_norm({}, eps = {}, momentum = {})", x.name,
                      t.random.one_of({"1e-5", "1e-3", "1e-7"}), t.random.one_of({"0.1", "0.25"}));
  t.layers.push_back(y.name);
  return y;
}

Map conv(NetworkText& t, const Map& x, int64_t outputs, double bias) {
  const Window w = random_window(t.random, x, t.busy() ? 1 : t.random.chance(0.15) ? 5 : 3, false);
  const int64_t groups = random_groups(t.random, x.c);
  if (groups > 1) outputs = groups * t.random.integer(1, std::max<int64_t>(40 / groups, 1));
  outputs = t.affordable(outputs, groups, w.h * w.w * w.kernel[0] * w.kernel[1] * x.c / groups);
  return conv(t, x, outputs, w, groups, bias);
}

Map same_conv(NetworkText& t, const Map& x, double bias) {
  const Window w = random_window(t.random, x, t.busy() ? 1 : 3, false, true);
  t.work += x.elements() * w.kernel[0] * w.kernel[1] * x.c;
  return conv(t, x, x.c, w, 1, bias);
}

Map computed_conv(NetworkText& t, const Map& x) {
  const Window w = random_window(t.random, x, 3, false);
  const int64_t out = t.affordable(random_width(t.random), 1, w.h * w.w * w.kernel[0] * w.kernel[1] * x.c);
  const std::string weight = computed_parameter(t, {out, x.c, w.kernel[0], w.kernel[1]});
  const std::string bias = t.random.chance(0.5) ? ", " + t.parameter(fmt::format("{}", out)) : "";
  return t.map({"", out, w.h, w.w}, "conv2d({}, {}{}{})", x.name, weight, bias, attributes(w));
}

Map pool(NetworkText& t, const Map& x) {
  if (t.random.chance(0.1)) return t.map({"", x.c, 1, 1}, "global_avg_pool({})", x.name);
  const Window w = random_window(t.random, x, std::min<int64_t>({3, x.h, x.w}), true);
  const Map shape{"", x.c, w.h, w.w};
  const std::string window =
      fmt::format("kernel = {}, stride = {}, pad = {}", pair(w.kernel), pair(w.stride), sides(w.pad));
  if (t.random.chance(0.5)) return t.map(shape, "max_pool({}, {})", x.name, window);
  return t.map(shape, "avg_pool({}, {}{})", x.name, window,
               t.random.chance(0.5) ? ", count_include_pad = false" : "");
}

}  // namespace rnc::test
