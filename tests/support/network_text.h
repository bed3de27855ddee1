// A random network in the making: lines of text, and the layers and expressions they are made of. See
// random_network.h.
#pragma once

#include <fmt/format.h>

#include <cstdint>
#include <string>
#include <vector>

#include "tests/support/random.h"

namespace rnc::test {

// A tensor [N, C, H, W].
struct Map {
  std::string name;
  int64_t c = 0, h = 0, w = 0;
  int64_t elements() const { return c * h * w; }
  bool same_shape(const Map& other) const { return c == other.c && h == other.h && w == other.w; }
};

struct NetworkText {
  Random random;
  bool batchless;  // see NetworkOptions
  std::string text = {};
  int values = 0;                        // named so far
  int64_t work = 0;                      // multiplications of a sample, about
  std::vector<std::string> layers = {};  // with parameters of their own

  void line(const std::string& statement) { text += "  " + statement + "\n"; }
  // Names what the expression gives: "v7 = ...".
  template <class... T>
  std::string let(fmt::format_string<T...> expression, T&&... arguments) {
    std::string name = fmt::format("v{}", ++values);
    line(name + " = " + fmt::format(expression, std::forward<T>(arguments)...));
    return name;
  }
  template <class... T>
  Map map(const Map& shape, fmt::format_string<T...> expression, T&&... arguments) {
    return {let(expression, std::forward<T>(arguments)...), shape.c, shape.h, shape.w};
  }
  // Declares one; now and then a buffer, which is not trained. `shape`: "8, 3"; empty: a scalar.
  std::string parameter(const std::string& shape, bool positive = false);

  // Whether there may be more convolutions of many products: the interpreter has to do them, too.
  bool busy() const;
  // At most `outputs` channels of so much work each; a multiple of `groups`.
  int64_t affordable(int64_t outputs, int64_t groups, int64_t work_per_output);
};

// A number of channels: mostly around the lanes of vectors.
int64_t random_width(Random& random);

// network_layers.cpp: layers and pools.
Map relu(NetworkText& t, const Map& x);
Map batch_norm(NetworkText& t, const Map& x);
// `bias`: the probability of one.
Map conv(NetworkText& t, const Map& x, int64_t outputs, double bias);
Map same_conv(NetworkText& t, const Map& x, double bias);  // one that keeps the shape
Map computed_conv(NetworkText& t, const Map& x);           // with a weight that is computed from parameters
Map pool(NetworkText& t, const Map& x);

// network_maps.cpp: a map sampled anew, padded, in parts, or weighted by its own rows.
Map over_maps(NetworkText& t, const Map& x);

// network_expressions.cpp: operations on elements, and on parameters.

// With a constant: functions that map zero to something else, and others.
Map constants(NetworkText& t, const Map& x);
// Any activation or other function of one element, without jumps.
Map activation(NetworkText& t, const Map& x);
// With something that spreads over it: a gate, a norm, parameters of other shapes, dropout.
Map spread(NetworkText& t, const Map& x);
// With a parameter for each channel, or one for all.
Map per_channel(NetworkText& t, const Map& x);
// sqrt(x x + 1)
Map bounded(NetworkText& t, const Map& x);
// A value computed from parameters; `shape` has two or four sizes.
std::string computed_parameter(NetworkText& t, const std::vector<int64_t>& shape);

}  // namespace rnc::test
