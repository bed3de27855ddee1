// The network as its author wrote it, layer by layer: what a compiled model says of itself in reports.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace rnc {

struct Layer {
  std::string name;             // of the value, without the '%' of generated names
  std::string operation;        // "conv2d"; "input" for an argument
  std::string result;           // its type, "f32[N, 64, 56, 56]"
  std::string text;             // the statement in the language
  std::vector<int32_t> inputs;  // the layers it reads, by index; tensors and constants are none
  int64_t parameters = 0;       // elements of the parameters it is the first to read
  int64_t multiply_adds = 0;    // per sample, of convolutions and matrix products
};

}  // namespace rnc
