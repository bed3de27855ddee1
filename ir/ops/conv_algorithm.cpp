#include "ir/ops/conv_algorithm.h"

#include <algorithm>

namespace rnc {

std::optional<ConvAlgorithm> find_conv_algorithm(std::string_view name) {
  const auto* found = std::ranges::find(kConvAlgorithms, name);
  if (found == kConvAlgorithms.end()) return std::nullopt;
  return static_cast<ConvAlgorithm>(found - kConvAlgorithms.begin());
}

int tile_of(ConvAlgorithm algorithm) {
  switch (algorithm) {
    case ConvAlgorithm::winograd2:
      return 2;
    case ConvAlgorithm::winograd3:
      return 3;
    case ConvAlgorithm::winograd4:
      return 4;
    default:
      return 0;
  }
}

ConvAlgorithm winograd_of(int tile) {
  for (const auto algorithm : {ConvAlgorithm::winograd2, ConvAlgorithm::winograd3, ConvAlgorithm::winograd4})
    if (tile_of(algorithm) == tile) return algorithm;
  check(tile == 0, "Winograd's tiles are of 2, 3 or 4 outputs");
  return ConvAlgorithm::direct;
}

ConvAlgorithm algorithm_of(const Node& node) {
  const auto found = find_conv_algorithm(node.attributes.get<std::string>("algorithm"));
  check(found.has_value(), "the shape rule refuses unknown algorithms");
  return *found;
}

void set_algorithm(Node& node, ConvAlgorithm algorithm) {
  node.attributes.set("algorithm", std::string(name(algorithm)));
}

bool winograd_computes(const ops::Window& window, int64_t groups, int64_t channels) {
  using ops::Pair;
  return window.kernel == Pair{3, 3} && window.pad == Pair{1, 1} && window.pad_after == Pair{1, 1} &&
         window.dilation == Pair{1, 1} && window.stride[0] == window.stride[1] && window.stride[0] <= 2 &&
         groups == 1 && channels > kPlainChannels;
}

}  // namespace rnc
