#include "compiler/weights.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <llvm/Support/JSON.h>
#include <llvm/Support/MemoryBuffer.h>

#include <algorithm>
#include <cstring>
#include <map>

namespace rnc {
namespace {

constexpr uint64_t kMaxHeader = uint64_t{16} << 20;

// One reader for one file: what it throws names the file.
class SafetensorsReader {
 public:
  SafetensorsReader(llvm::StringRef bytes, const std::string& path) : bytes_(bytes), path_(path) {}

  Tensors read() {
    uint64_t length = 0;
    if (bytes_.size() < sizeof length) fail("it is too short");
    std::memcpy(&length, bytes_.data(), sizeof length);
    if (length > kMaxHeader || length > bytes_.size() - sizeof length) fail("its header is longer than it");
    const llvm::StringRef text = bytes_.substr(sizeof length, length);
    data_ = bytes_.substr(sizeof length + length);
    llvm::Expected<llvm::json::Value> header = llvm::json::parse(text);
    if (!header) {
      llvm::consumeError(header.takeError());
      fail("its header is not JSON");
    }
    const llvm::json::Object* object = header->getAsObject();
    if (object == nullptr) fail("its header is not an object");
    Tensors tensors;
    for (const auto& [key, value] : *object) {
      const std::string name = key.str();
      if (name == "__metadata__") continue;
      const llvm::json::Object* entry = value.getAsObject();
      const auto dtype = entry == nullptr ? std::nullopt : entry->getString("dtype");
      if (!dtype) fail(fmt::format("tensor '{}' has no dtype", name));
      if (*dtype == "F32") tensors[name] = tensor(name, *entry);
    }
    return tensors;
  }

 private:
  [[noreturn]] void fail(const std::string& why) const {
    throw UserError({}, fmt::format("{}: not a valid safetensors file: {}", path_, why));
  }

  std::vector<int64_t> integers(const std::string& name, const llvm::json::Object& entry,
                                const char* key) const {
    const llvm::json::Array* array = entry.getArray(key);
    if (array == nullptr) fail(fmt::format("tensor '{}' has no {}", name, key));
    std::vector<int64_t> result;
    for (const llvm::json::Value& value : *array) {
      const auto integer = value.getAsInteger();
      if (!integer || *integer < 0) fail(fmt::format("{} of tensor '{}' is no list of sizes", key, name));
      result.push_back(*integer);
    }
    return result;
  }

  TensorData tensor(const std::string& name, const llvm::json::Object& entry) const {
    TensorData result{integers(name, entry, "shape"), {}};
    const std::vector<int64_t> offsets = integers(name, entry, "data_offsets");
    uint64_t bytes = sizeof(float);
    for (const int64_t size : result.shape) {
      if (__builtin_mul_overflow(bytes, static_cast<uint64_t>(size), &bytes)) bytes = UINT64_MAX;
    }
    const bool inside = offsets.size() == 2 && offsets[0] <= offsets[1] &&
                        static_cast<uint64_t>(offsets[1]) <= data_.size() &&
                        static_cast<uint64_t>(offsets[1] - offsets[0]) == bytes;
    if (!inside) fail(fmt::format("the data of tensor '{}' do not fit its shape", name));
    std::vector<float> values(bytes / sizeof(float));
    if (bytes > 0) std::memcpy(values.data(), data_.data() + offsets[0], bytes);
    result.values.assign(values.begin(), values.end());
    return result;
  }

  llvm::StringRef bytes_, data_;
  const std::string& path_;
};

// The elements of a plain row-major array, as the type's layout has them: padding is zero.
std::vector<uint8_t> physical(const Type& type, const TensorData& value) {
  const std::vector<int64_t> dims = physical_dims(type);
  std::vector<float> elements(static_cast<size_t>(storage_bytes_per_sample(type)) / sizeof(float));
  const auto rank = type.shape.size();
  std::vector<int64_t> index(rank);
  for (const double element : value.values) {
    int64_t place = 0;
    for (size_t d = 0; d < rank; ++d) {
      const int dim = type.layout.order.empty() ? static_cast<int>(d) : type.layout.order[d];
      place = place * dims[d] + index[static_cast<size_t>(dim)] / type.layout.block(dim);
    }
    for (const Layout::Block& block : type.layout.blocks)
      place = place * block.size + index[static_cast<size_t>(block.dim)] % block.size;
    elements.at(static_cast<size_t>(place)) = static_cast<float>(element);
    for (size_t d = rank; d-- > 0 && ++index[d] == type.shape[d];) index[d] = 0;
  }
  // As memory of the runtime: whole vectors may be read behind the end.
  const size_t bytes = elements.size() * sizeof(float);
  std::vector<uint8_t> result((bytes + 63) / 64 * 64);
  std::memcpy(result.data(), elements.data(), bytes);
  return result;
}

// Drops kernels that no entry calls.
void drop_unused_kernels(loops::Program& program) {
  std::map<int, int> now;
  std::vector<loops::Kernel> kernels;
  for (loops::EntryProgram& entry : program.entries) {
    for (loops::Call& call : entry.calls) {
      if (call.kernel < 0) continue;
      const auto [it, is_new] = now.try_emplace(call.kernel, static_cast<int>(kernels.size()));
      if (is_new) kernels.push_back(program.kernels[static_cast<size_t>(call.kernel)]);
      call.kernel = it->second;
    }
  }
  program.kernels = std::move(kernels);
}

bool is_weight(const Tensor& tensor) {
  return tensor.kind == TensorKind::parameter || tensor.kind == TensorKind::buffer;
}

// Whether a name is that of a weight with something before it, as those of slots and averages are.
bool belongs_to_training(const Module& module, const std::string& name) {
  for (size_t dot = name.find('.'); dot != std::string::npos; dot = name.find('.', dot + 1)) {
    const Tensor* tensor = module.find_tensor(name.substr(dot + 1));
    if (tensor != nullptr && is_weight(*tensor)) return true;
  }
  return name.ends_with(".num_batches_tracked");
}

}  // namespace

Tensors read_weights(const std::string& path) {
  const auto buffer = llvm::MemoryBuffer::getFile(path, false, false);
  if (!buffer) throw UserError({}, fmt::format("cannot read '{}': {}", path, buffer.getError().message()));
  return SafetensorsReader((*buffer)->getBuffer(), path).read();
}

Tensors fitting_weights(const Module& module, const Tensors& weights, const std::string& path) {
  Tensors result;
  std::vector<std::string> problems;
  for (const Tensor& tensor : module.tensors) {
    if (!is_weight(tensor)) continue;
    const auto given = weights.find(tensor.name);
    if (given == weights.end()) {
      problems.push_back(fmt::format("'{}' is missing", tensor.name));
    } else if (given->second.shape != tensor.type.shape) {
      problems.push_back(fmt::format("'{}' is {}, the model has {}", tensor.name, str(given->second.shape),
                                     str(tensor.type.shape)));
    } else {
      result[tensor.name] = given->second;
    }
  }
  for (const auto& [name, value] : weights) {
    if (result.count(name) > 0 || module.find_tensor(name) != nullptr) continue;
    if (!belongs_to_training(module, name))
      problems.push_back(fmt::format("'{}' is not of this model", name));
  }
  if (problems.empty()) return result;
  constexpr size_t kShown = 5;
  const size_t more = problems.size() - std::min(problems.size(), kShown);
  problems.resize(problems.size() - more);
  throw UserError(
      {}, fmt::format("{} does not fit the model {}: {}{}", path, module.name, fmt::join(problems, "; "),
                      more == 0 ? "" : fmt::format("; and {} more", more)));
}

void reduce_to_inference(Module& module) {
  Graph* model = module.find_entry("model");
  if (model == nullptr) return;
  std::erase_if(model->outputs, [](const Output& output) { return output.name == "loss"; });
  module.optimizer = {};
}

void embed_weights(Compilation& compilation, const Tensors& weights) {
  Module& module = compilation.module;
  loops::Program& program = *compilation.program;
  const Graph* prepare = module.find_entry("prepare");
  if (module.find_entry("infer") == nullptr)
    throw UserError({}, fmt::format("--weights: the model {} predicts nothing", module.name));
  Tensors values = weights;
  if (prepare != nullptr) values.merge(interpret(*prepare, 1, {}, weights).assigned);

  std::erase_if(program.entries, [](const loops::EntryProgram& entry) { return entry.name != "infer"; });
  std::erase_if(module.entries, [](const Graph& graph) { return graph.name != "infer"; });
  for (loops::EntryProgram& entry : program.entries) {
    std::map<int, int> constants;  // by tensor
    for (loops::Buffer& buffer : entry.buffers) {
      if (buffer.region != loops::Region::tensor) continue;
      const auto [it, is_new] =
          constants.try_emplace(buffer.index, static_cast<int>(program.constants.size()));
      const Tensor& tensor = module.tensors.at(static_cast<size_t>(buffer.index));
      if (is_new) program.constants.push_back(physical(tensor.type, values.at(tensor.name)));
      buffer.region = loops::Region::constant;
      buffer.index = it->second;
      buffer.size = {static_cast<int64_t>(program.constants[static_cast<size_t>(it->second)].size()), 0};
    }
  }
  drop_unused_kernels(program);
  module.tensors.clear();
  loops::verify(program);
}

}  // namespace rnc
