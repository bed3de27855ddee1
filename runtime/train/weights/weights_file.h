// The tensors of any file or directory that weights may come in:
//   - a safetensors file, a checkpoint of rnrun among them,
//   - model.safetensors.index.json, which names the files that hold the tensors (Hugging Face's shards),
//   - a file of torch.save (support/torch/torch_file.h), in which the state_dict may lie under some key,
//   - the directory of a training, or one with model.safetensors or model.safetensors.index.json in it.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "runtime/contract/safetensors.h"
#include "runtime/model/model.h"
#include "runtime/support/memory.h"
#include "runtime/support/stored_tensor.h"

namespace rnrun {

struct WeightsFile {
  std::string path;  // what was read: in a directory, the file
  contract::Metadata metadata;
  StoredTensors tensors;
  std::vector<std::string> notes;                          // what the names do not show, a sentence each
  std::vector<std::shared_ptr<const AlignedBytes>> bytes;  // of the files, which the tensors refer to
};

// Of several state_dicts in a file, that of which the model has the most tensors. What all names begin with
// and none of the model's does, as DistributedDataParallel's "module.", is left out. Throws Error.
WeightsFile read_weights(const std::string& path, const Model& model);

}  // namespace rnrun
