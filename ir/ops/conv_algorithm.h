// How a convolution and its gradients are computed: their attribute `algorithm`, which pass choose_algorithm
// decides and lowering obeys; --conv names them likewise.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

#include "ir/ops/ops.h"

namespace rnc {

// Winograd's by its tile: F(2 x 2, 3 x 3) and so on. automatic: not decided yet, and summed directly if it
// stays so.
enum class ConvAlgorithm : uint8_t { automatic, direct, winograd2, winograd3, winograd4 };

inline constexpr std::array<std::string_view, 5> kConvAlgorithms = {"auto", "direct", "winograd2",
                                                                    "winograd3", "winograd4"};
inline std::string_view name(ConvAlgorithm a) { return kConvAlgorithms[static_cast<size_t>(a)]; }
std::optional<ConvAlgorithm> find_conv_algorithm(std::string_view name);

// Outputs along an axis of a tile of Winograd's; 0: it is another algorithm.
int tile_of(ConvAlgorithm);
ConvAlgorithm winograd_of(int tile);  // 0: direct

// Of a conv2d, conv2d_input_grad or conv2d_weight_grad.
ConvAlgorithm algorithm_of(const Node& node);
void set_algorithm(Node& node, ConvAlgorithm algorithm);

// Inputs with at most this many channels stay plain: a block would be mostly padding.
inline constexpr int64_t kPlainChannels = 4;

// Whether Winograd's algorithm can compute the convolution here; and what it
// can, as diagnostics say it.
bool winograd_computes(const ops::Window& window, int64_t groups, int64_t channels);
inline constexpr std::string_view kWinogradTakes =
    "3x3 convolutions of stride 1 or 2 and pad 1 with more than 4 channels, without groups";
static_assert(kPlainChannels == 4);

}  // namespace rnc
