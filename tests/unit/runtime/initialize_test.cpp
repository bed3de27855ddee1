#include "runtime/model/initialize.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>

#include "runtime/model/layout.h"
#include "tests/unit/runtime/support.h"

namespace rnrun {

namespace {

rn_tensor weight(const char* initializer, rn_attributes arguments = {}) {
  rn_tensor t{};
  t.name = "conv.weight";
  t.type = {RN_F32, 4, {64, 32, 3, 3}, {0, 1, 2, 3}, 0, {}, {}};
  t.initializer = initializer;
  t.arguments = arguments;
  return t;
}

struct Moments {
  double mean = 0;
  double deviation = 0;
  double largest = 0;
};

Moments moments(const std::vector<float>& values) {
  Moments m;
  for (const float v : values) {
    m.mean += v / static_cast<double>(values.size());
    m.largest = std::max(m.largest, std::abs(static_cast<double>(v)));
  }
  for (const float v : values)
    m.deviation += (v - m.mean) * (v - m.mean) / static_cast<double>(values.size());
  m.deviation = std::sqrt(m.deviation);
  return m;
}

}  // namespace

TEST_CASE("initialisers follow PyTorch's formulas") {
  // fan_in = 32 * 9 = 288, fan_out = 64 * 9 = 576.
  const rn_attribute fan_out[] = {{"mode", "fan_out", NAN}};
  const rn_attribute a[] = {{"a", "2.23606797749979", std::sqrt(5.0)}};
  const rn_attribute bound[] = {{"bound", "0.25", 0.25}};
  const rn_attribute mean_std[] = {{"mean", "3", 3}, {"std", "0.5", 0.5}};
  const rn_attribute fans[] = {{"fan_in", "8", 8}};
  const auto close = [](double value, double expected) {
    return std::abs(value - expected) < 0.02 * expected;
  };

  CHECK(close(moments(initial_values(weight("kaiming_normal"), 1)).deviation, std::sqrt(2.0 / 288)));
  CHECK(close(moments(initial_values(weight("kaiming_normal", {fan_out, 1}), 1)).deviation,
              std::sqrt(2.0 / 576)));
  CHECK(close(moments(initial_values(weight("kaiming_normal", {fans, 1}), 1)).deviation, std::sqrt(2.0 / 8)));
  CHECK(close(moments(initial_values(weight("kaiming_uniform"), 1)).largest, std::sqrt(6.0 / 288)));
  CHECK(close(moments(initial_values(weight("kaiming_uniform", {a, 1}), 1)).largest, 1 / std::sqrt(288.0)));
  CHECK(close(moments(initial_values(weight("uniform", {bound, 1}), 1)).largest, 0.25));
  CHECK(close(moments(initial_values(weight("uniform", {bound, 1}), 1)).deviation, 0.25 / std::sqrt(3.0)));
  CHECK(close(moments(initial_values(weight("xavier_uniform"), 1)).largest, std::sqrt(6.0 / 864)));
  CHECK(close(moments(initial_values(weight("xavier_normal"), 1)).deviation, std::sqrt(2.0 / 864)));
  const Moments normal = moments(initial_values(weight("normal", {mean_std, 2}), 1));
  CHECK(close(normal.mean, 3));
  CHECK(close(normal.deviation, 0.5));
  const rn_attribute value[] = {{"value", "1.5", 1.5}};
  CHECK(initial_values(weight("constant", {value, 1}), 1) == std::vector<float>(64 * 32 * 9, 1.5f));
}

TEST_CASE("initial values depend on the seed and the tensor's name") {
  rn_tensor t = weight("kaiming_normal");
  const auto values = initial_values(t, 1);
  CHECK(values == initial_values(t, 1));
  CHECK(values != initial_values(t, 2));
  t.name = "other.weight";
  CHECK(values != initial_values(t, 1));
}

TEST_CASE("initialisers that cannot be computed are refused") {
  CHECK(error_of([] { initial_values(weight("orthogonal"), 1); }) ==
        "tensor 'conv.weight': initialiser 'orthogonal' is not known to this rnrun");
  const rn_attribute mode[] = {{"mode", "fan_avg", NAN}};
  CHECK(error_of([&] {
          initial_values(weight("kaiming_normal", {mode, 1}), 1);
        }) ==
        "tensor 'conv.weight': initialiser kaiming_normal has mode 'fan_avg'; fan_in and fan_out are known");
  rn_tensor bias = weight("xavier_uniform");
  bias.name = "conv.bias";
  bias.type.rank = 1;
  CHECK(error_of([&] { initial_values(bias, 1); }) ==
        "tensor 'conv.bias': initialiser xavier_uniform needs fan_in for a tensor of rank 1");
}

TEST_CASE("values that came with the model are the initial ones") {
  rn_tensor t = weight("kaiming_normal");
  std::vector<float> values(static_cast<size_t>(element_count(t.type)), 0.5F);
  values.back() = -2;
  t.values = values.data();
  CHECK(initial_values(t, 1) == values);
  CHECK(initial_values(t, 2) == values);
}
}  // namespace rnrun
