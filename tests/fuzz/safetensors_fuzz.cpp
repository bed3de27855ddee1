// Any bytes are a safetensors file whose tensors are inside it, or end in an Error.
#include <cstdint>
#include <cstdlib>
#include <span>

#include "runtime/support/error.h"
#include "runtime/support/safetensors.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  try {
    const rnrun::TensorFile file = rnrun::parse_safetensors(std::as_bytes(std::span(data, size)), "fuzz");
    for (const auto& [name, array] : file.tensors) {
      int64_t elements = 1;
      for (const int64_t extent : array.shape) elements *= extent;
      if (array.elements() != elements || array.data.size() > size) std::abort();
    }
  } catch (const rnrun::Error&) {
  }
  return 0;
}
