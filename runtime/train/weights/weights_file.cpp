#include "runtime/train/weights/weights_file.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <filesystem>

#include "runtime/support/error.h"
#include "runtime/support/file.h"
#include "runtime/support/torch/torch_file.h"
#include "runtime/train/runs/run_checkpoints.h"
#include "runtime/train/weights/weights_index.h"

namespace rnrun {

namespace {

constexpr std::string_view kIndex = ".index.json";

// What wrappers put before the names: DistributedDataParallel and AveragedModel, torch.compile, Lightning and
// other modules around the network.
constexpr std::array<std::string_view, 5> kPrefixes = {"module.", "_orig_mod.", "model.", "backbone.",
                                                       "state_dict."};

// The file that is meant where a directory is named.
std::string file_in(const std::string& directory) {
  if (const std::string checkpoint = checkpoint_to_use(directory); !checkpoint.empty()) return checkpoint;
  std::error_code ignored;
  for (const char* name : {"/model.safetensors.index.json", "/model.safetensors"})
    if (std::filesystem::exists(directory + name, ignored)) return directory + name;
  throw Error(fmt::format(
      "the directory {} has no weights: no checkpoint of a training (checkpoint-best.safetensors, "
      "checkpoint-last.safetensors), no model.safetensors and no model.safetensors.index.json",
      directory));
}

void add_safetensors(WeightsFile& file, std::shared_ptr<const AlignedBytes> bytes, const std::string& path) {
  contract::Safetensors parsed;
  try {
    parsed = contract::parse_safetensors(*bytes);
  } catch (const contract::FormatError& error) {
    throw Error(fmt::format("{}: {}", path, error.what()));
  }
  file.metadata = std::move(parsed.metadata);
  for (const auto& [name, tensor] : parsed.tensors) {
    const StoredTensor stored{tensor.dtype, tensor.shape, row_major(tensor.shape), tensor.data};
    if (!file.tensors.emplace(name, stored).second)
      throw Error(fmt::format("{}: the tensor '{}' is in another file of the index, too", path, name));
  }
  file.bytes.push_back(std::move(bytes));
}

// The files that an index names, which lie beside it.
void add_shards(WeightsFile& file) {
  const WeightsIndex index = read_weights_index(file.path);
  const auto directory = std::filesystem::path(file.path).parent_path();
  for (const std::string& shard : index.files) {
    const std::string path = (directory / shard).string();
    add_safetensors(file, std::make_shared<const AlignedBytes>(read_file(path)), path);
  }
  for (const std::string& name : index.tensors)
    if (!file.tensors.contains(name))
      throw Error(fmt::format("{}: the tensor '{}' is in none of its files {}", file.path, name,
                              fmt::join(index.files, ", ")));
}

// What all names begin with but none of the model's does.
size_t common_prefix(const StoredTensors& tensors, const Model& model) {
  size_t length = 0;
  while (!tensors.empty()) {
    const auto begins = [&](std::string_view prefix) {
      return std::ranges::all_of(tensors, [&](const auto& item) {
        return std::string_view(item.first).substr(length).starts_with(prefix);
      });
    };
    const auto known = [&](const auto& item) {
      return model.find_tensor(item.first.substr(length)) != nullptr;
    };
    const auto* prefix = std::ranges::find_if(kPrefixes, begins);
    if (prefix == kPrefixes.end() || std::ranges::any_of(tensors, known)) break;
    length += prefix->size();
  }
  return length;
}

void strip_prefix(WeightsFile& file, const Model& model) {
  const size_t length = common_prefix(file.tensors, model);
  if (length == 0) return;
  file.notes.push_back(fmt::format("all names begin with \"{}\", which is left out",
                                   file.tensors.begin()->first.substr(0, length)));
  StoredTensors stripped;
  for (auto& [name, tensor] : file.tensors) stripped.emplace(name.substr(length), std::move(tensor));
  file.tensors = std::move(stripped);
}

// PyTorch's counters, which no network has.
bool is_counter(std::string_view name) { return name == "n_averaged"; }

WeightsFile candidate(const WeightsFile& file, const TensorDict& dict, const Model& model) {
  WeightsFile result{file.path, {}, {}, {}, file.bytes};
  for (const auto& [name, tensor] : dict.tensors)
    if (!is_counter(name)) result.tensors.emplace(name, tensor);
  strip_prefix(result, model);
  return result;
}

int64_t matches(const WeightsFile& file, const Model& model) {
  return std::ranges::count_if(file.tensors,
                               [&](const auto& item) { return model.find_tensor(item.first) != nullptr; });
}

WeightsFile choose(const WeightsFile& file, const std::vector<TensorDict>& dicts, const Model& model) {
  std::vector<std::string> as_good;  // the keys of those that match the model as well
  WeightsFile best;
  int64_t most = -1;
  for (const TensorDict& dict : dicts) {
    // A dictionary of the optimizer has a few tensors of each parameter; without any match, the largest one tells
    // most in an error.
    WeightsFile here = candidate(file, dict, model);
    const int64_t count = matches(here, model);
    if (count > most || (most == 0 && count == 0 && here.tensors.size() > best.tensors.size())) {
      most = count;
      best = std::move(here);
      as_good.clear();
    }
    if (count == most) as_good.emplace_back(dict.key);
  }
  if (const std::string key = as_good.front(); !key.empty() && most > 0) {
    as_good.erase(as_good.begin());
    best.notes.insert(
        best.notes.begin(),
        fmt::format("the weights are those of '{}'{}", key,
                    as_good.empty() ? "" : fmt::format(", not of '{}'", fmt::join(as_good, "', '"))));
  }
  return best;
}

}  // namespace

WeightsFile read_weights(const std::string& path, const Model& model) {
  std::error_code ignored;
  WeightsFile file{.path = std::filesystem::is_directory(path, ignored) ? file_in(path) : path};
  if (file.path.ends_with(kIndex)) {
    add_shards(file);
  } else {
    auto bytes = std::make_shared<const AlignedBytes>(read_file(file.path));
    if (is_torch_file(*bytes)) {
      file.bytes.push_back(bytes);
      const auto dicts = parse_torch(*bytes, file.path);
      file = choose(file, dicts, model);
    } else {
      add_safetensors(file, std::move(bytes), file.path);
    }
  }
  if (!contract::is_checkpoint(file.metadata)) strip_prefix(file, model);
  if (file.path != path)
    file.notes.insert(file.notes.begin(), fmt::format("the weights are read from {}", file.path));
  return file;
}

}  // namespace rnrun
