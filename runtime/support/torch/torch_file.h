// Files of torch.save, in the zip format that it writes since PyTorch 1.6: a pickle "data.pkl" of what was
// saved, and an entry "data/<key>" for the elements of each storage (torch/serialization.py, _save). They
// are read without Python, and nothing in them is executed: a pickle that calls for more than tensors need
// is refused.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/support/stored_tensor.h"

namespace rnrun {

// A dictionary with tensors in it, as a state_dict is; what it has besides tensors is left out.
struct TensorDict {
  std::string_view key;  // under which it is in the dictionary around it; empty: it is the outermost
  std::map<std::string_view, StoredTensor> tensors;
};

// Whether a file is one of torch.save, of either format.
bool is_torch_file(std::span<const std::byte> bytes);

// All dictionaries with tensors, outer ones first: checkpoints have a state_dict in them under some key, and
// others for the optimizer. They refer to `bytes`. Files come from anywhere: sizes, strides and places are
// checked against the storages, and these against their checksums. Throws Error "<path>: ...", in which a
// file of the format before 1.6 is told how it becomes one that is read.
std::vector<TensorDict> parse_torch(std::span<const std::byte> bytes, std::string_view path);

}  // namespace rnrun
