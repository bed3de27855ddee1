#include "compiler/embed_weights.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <map>

#include "runtime/contract/bfloat16.h"
#include "runtime/contract/layout.h"

namespace rnc {
namespace {

// The elements of a plain row-major array, as the type's layout has them: padding is zero.
std::vector<uint8_t> physical(const Type& type, const TensorData& value) {
  // As memory of the runtime: whole vectors may be read behind the end.
  const auto bytes = static_cast<size_t>(storage_bytes_per_sample(type));
  std::vector<uint8_t> result((bytes + 63) / 64 * 64);
  const auto write = [&](int64_t place, auto element) {
    const size_t at = static_cast<size_t>(place) * sizeof element;
    check(at + sizeof element <= bytes, "elements lie inside their tensor");
    std::memcpy(result.data() + at, &element, sizeof element);
  };
  contract::Places(type.shape, type.layout).each([&](int64_t number, int64_t place) {
    const auto element = static_cast<float>(value.values.at(static_cast<size_t>(number)));
    type.dtype == DType::bf16 ? write(place, contract::to_bf16(element)) : write(place, element);
  });
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

// Leaves the entries that predict. Returns all that they may read: the weights, and what entry prepare makes of them.
Tensors keep_inference(Compilation& compilation, const Tensors& weights) {
  Module& module = compilation.module;
  const Graph* prepare = module.find_entry(EntryRole::prepare);
  if (module.find_entry(EntryRole::inference) == nullptr)
    throw UserError({}, fmt::format("--weights: the model {} predicts nothing", module.name));
  Tensors values = weights;
  if (prepare != nullptr) values.merge(interpret(*prepare, 1, {}, weights).assigned);
  const auto trains = [](const auto& entry) {
    return entry.role != EntryRole::inference && entry.role != EntryRole::explain;
  };
  std::erase_if(compilation.program->entries, trains);
  std::erase_if(module.entries, trains);
  drop_unused_kernels(*compilation.program);
  return values;
}

// Calls f(tensor's index) -> its new index, once for each tensor that is read, and then place(buffer, new index) for each
// buffer that is one.
template <class F, class Place>
void replace_tensors(loops::Program& program, const F& f, const Place& place) {
  std::map<int, int> replaced;
  for (loops::EntryProgram& entry : program.entries) {
    for (loops::Buffer& buffer : entry.buffers) {
      if (buffer.region != loops::Region::tensor) continue;
      const auto [it, is_new] = replaced.try_emplace(buffer.index, 0);
      if (is_new) it->second = f(static_cast<size_t>(buffer.index));
      place(buffer, it->second);
    }
  }
}

}  // namespace

void reduce_to_inference(Module& module) {
  Graph* model = module.find_entry(EntryRole::model);
  if (model == nullptr) return;
  std::erase_if(model->outputs, [](const Output& output) {
    return output.role == OutputRole::loss || output.role == OutputRole::term;
  });
  module.optimizer = {};
}

void embed_weights(Compilation& compilation, const Tensors& weights) {
  const Tensors values = keep_inference(compilation, weights);
  Module& module = compilation.module;
  loops::Program& program = *compilation.program;
  const auto add_constant = [&](size_t index) {
    const Tensor& tensor = module.tensors.at(index);
    program.constants.push_back(physical(tensor.type, values.at(tensor.name)));
    return static_cast<int>(program.constants.size()) - 1;
  };
  replace_tensors(program, add_constant, [&](loops::Buffer& buffer, int constant) {
    buffer.region = loops::Region::constant;
    buffer.index = constant;
    buffer.size = {static_cast<int64_t>(program.constants[static_cast<size_t>(constant)].size()), 0};
  });
  module.tensors.clear();
  loops::verify(program);
}

TensorValues share_weights(Compilation& compilation, const Tensors& weights) {
  const Tensors values = keep_inference(compilation, weights);
  std::vector<Tensor> read;
  TensorValues shared;
  const auto add_tensor = [&](size_t index) {
    const Tensor& tensor = compilation.module.tensors.at(index);
    const std::vector<double>& elements = values.at(tensor.name).values;
    shared[tensor.name] = std::make_shared<const std::vector<float>>(elements.begin(), elements.end());
    read.push_back({.name = tensor.name, .kind = TensorKind::prepared, .type = tensor.type});
    return static_cast<int>(read.size()) - 1;
  };
  replace_tensors(*compilation.program, add_tensor,
                  [](loops::Buffer& buffer, int tensor) { buffer.index = tensor; });
  compilation.module.tensors = std::move(read);
  loops::verify(*compilation.program);
  return shared;
}

}  // namespace rnc
