// The index of weights in several files, as Hugging Face's libraries write it: a JSON object
//   {"metadata": ..., "weight_map": {"fc.weight": "model-00001-of-00002.safetensors", ...}}
#pragma once

#include <set>
#include <string>

namespace rnrun {

struct WeightsIndex {
  std::set<std::string> tensors;
  std::set<std::string> files;  // names of files in the directory of the index
};

// Throws Error when it is no index, or names a file outside its directory.
WeightsIndex read_weights_index(const std::string& path);

}  // namespace rnrun
