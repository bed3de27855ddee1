// Any bytes are a file of torch.save whose tensors are inside it, or end in an Error.
#include <cstdint>
#include <cstdlib>
#include <span>

#include "runtime/support/error.h"
#include "runtime/support/torch/torch_file.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  try {
    for (const rnrun::TensorDict& dict : rnrun::parse_torch(std::as_bytes(std::span(data, size)), "fuzz")) {
      for (const auto& [name, tensor] : dict.tensors) {
        int64_t elements = 1;
        for (const int64_t extent : tensor.shape) elements *= extent;
        if (elements < 0 || tensor.data.size() > size) std::abort();
        if (elements < 1 << 16 && tensor.array().elements() != elements) std::abort();
      }
    }
  } catch (const rnrun::Error&) {
  }
  return 0;
}
