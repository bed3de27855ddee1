#include "runtime/model/initialize.h"

#include <fmt/format.h>

#include <cmath>
#include <string_view>

#include "runtime/model/attributes.h"
#include "runtime/model/layout.h"
#include "runtime/support/error.h"
#include "runtime/support/random.h"

namespace rnrun {

namespace {

// The number of inputs ("fan_in") or outputs ("fan_out") of one element of a weight [out, in, kernel...].
double fan(const rn_tensor& tensor, std::string_view mode) {
  if (mode != "fan_in" && mode != "fan_out")
    throw Error(fmt::format("tensor '{}': initialiser {} has mode '{}'; fan_in and fan_out are known",
                            tensor.name, tensor.initializer, mode));
  if (const auto given = number(tensor.arguments, mode)) return *given;
  if (tensor.type.rank < 2)
    throw Error(fmt::format("tensor '{}': initialiser {} needs {} for a tensor of rank {}", tensor.name,
                            tensor.initializer, mode, tensor.type.rank));
  double kernel = 1;
  for (int i = 2; i < tensor.type.rank; ++i) kernel *= static_cast<double>(tensor.type.dims[i]);
  return kernel * static_cast<double>(tensor.type.dims[mode == "fan_in" ? 1 : 0]);
}

struct Distribution {
  enum Kind { constant, uniform, normal } kind;
  double center;
  double width;  // half the interval, or the standard deviation
};

Distribution distribution(const rn_tensor& tensor) {
  const std::string_view initializer = tensor.initializer;
  const auto argument = [&](std::string_view name, double otherwise) {
    return number(tensor.arguments, name).value_or(otherwise);
  };
  const auto mode = [&] { return text(tensor.arguments, "mode", "fan_in"); };
  const auto fans = [&] { return fan(tensor, "fan_in") + fan(tensor, "fan_out"); };

  if (initializer == "constant") return {Distribution::constant, argument("value", 0), 0};
  if (initializer == "uniform") return {Distribution::uniform, 0, argument("bound", 1)};
  if (initializer == "normal") return {Distribution::normal, argument("mean", 0), argument("std", 1)};
  if (initializer == "kaiming_normal") return {Distribution::normal, 0, std::sqrt(2 / fan(tensor, mode()))};
  if (initializer == "kaiming_uniform") {
    const double a = argument("a", 0);
    return {Distribution::uniform, 0, std::sqrt(6 / ((1 + a * a) * fan(tensor, mode())))};
  }
  if (initializer == "xavier_uniform") return {Distribution::uniform, 0, std::sqrt(6 / fans())};
  if (initializer == "xavier_normal") return {Distribution::normal, 0, std::sqrt(2 / fans())};
  throw Error(
      fmt::format("tensor '{}': initialiser '{}' is not known to this rnrun", tensor.name, initializer));
}

}  // namespace

std::vector<float> initial_values(const rn_tensor& tensor, uint64_t seed) {
  const auto count = static_cast<size_t>(element_count(tensor.type));
  if (tensor.values != nullptr) return {tensor.values, tensor.values + count};
  const Distribution d = distribution(tensor);
  std::vector<float> values(count);
  Random random(seed, stream_of(tensor.name));
  for (float& value : values) {
    switch (d.kind) {
      case Distribution::constant:
        value = static_cast<float>(d.center);
        break;
      case Distribution::uniform:
        value = static_cast<float>(d.width * (2.0 * static_cast<double>(random.uniform()) - 1.0));
        break;
      case Distribution::normal:
        value = static_cast<float>(d.center + d.width * random.normal());
        break;
    }
  }
  return values;
}

}  // namespace rnrun
