#include "tests/support/run_program.h"

#include <algorithm>
#include <cmath>
#include <cstring>

namespace rnc::test {
namespace {

// Calls visit(logical index, physical index) for every element.
template <class Visit>
void each_element(const Type& type, int64_t batch, const Visit& visit) {
  const Shape shape = concrete(type.shape, batch);
  const int64_t count = elements_per_sample(shape);
  std::vector<int64_t> physical = physical_dims(type);
  for (int64_t& dim : physical) dim = dim == kBatch ? batch : dim;
  std::vector<int64_t> at(shape.size());
  for (int64_t i = 0; i < count; ++i) {
    int64_t rest = i;
    for (size_t d = shape.size(); d-- > 0;) {
      at[d] = rest % shape[d];
      rest /= shape[d];
    }
    int64_t index = 0;
    for (size_t p = 0; p < physical.size(); ++p) {
      int64_t coordinate = 0;
      if (p < shape.size()) {
        const int dim = type.layout.order.empty() ? static_cast<int>(p) : type.layout.order[p];
        coordinate = at[static_cast<size_t>(dim)] / type.layout.block(dim);
      } else {
        const Layout::Block& b = type.layout.blocks[p - shape.size()];
        coordinate = at[static_cast<size_t>(b.dim)] / type.layout.step(p - shape.size()) % b.size;
      }
      index = index * physical[p] + coordinate;
    }
    visit(static_cast<size_t>(i), static_cast<size_t>(index));
  }
}

size_t memory_bytes(const Type& type, int64_t batch) {
  const int64_t bytes = storage_bytes_per_sample(type) * (has_batch(type.shape) ? batch : 1);
  return static_cast<size_t>((bytes + 63) / 64 * 64);
}

}  // namespace

std::vector<uint8_t> to_memory(const Type& type, const TensorData& data, int64_t batch) {
  std::vector<uint8_t> memory(memory_bytes(type, batch), 0);
  each_element(type, batch, [&](size_t logical, size_t physical) {
    const double value = data.values[logical];
    if (type.dtype == DType::u8) {
      memory[physical] = static_cast<uint8_t>(value);
    } else if (type.dtype == DType::i32) {
      reinterpret_cast<int32_t*>(memory.data())[physical] = static_cast<int32_t>(value);
    } else if (type.dtype == DType::f64) {
      reinterpret_cast<double*>(memory.data())[physical] = value;
    } else {
      reinterpret_cast<float*>(memory.data())[physical] = static_cast<float>(value);
    }
  });
  return memory;
}

TensorData from_memory(const Type& type, const std::vector<uint8_t>& memory, int64_t batch) {
  TensorData data;
  data.shape = concrete(type.shape, batch);
  data.values.resize(static_cast<size_t>(elements_per_sample(data.shape)));
  each_element(type, batch, [&](size_t logical, size_t physical) {
    if (type.dtype == DType::u8) {
      data.values[logical] = memory[physical];
    } else if (type.dtype == DType::i32) {
      data.values[logical] = reinterpret_cast<const int32_t*>(memory.data())[physical];
    } else if (type.dtype == DType::f64) {
      data.values[logical] = reinterpret_cast<const double*>(memory.data())[physical];
    } else {
      data.values[logical] = static_cast<double>(reinterpret_cast<const float*>(memory.data())[physical]);
    }
  });
  return data;
}

Tensors run_program(const Module& module, const loops::Program& program, std::string_view entry,
                    int64_t batch, const Tensors& inputs, const Tensors& tensors,
                    const loops::RunOptions& options) {
  std::vector<std::vector<uint8_t>> storage;
  std::vector<void*> places;
  for (const Tensor& tensor : module.tensors) {
    const auto given = tensors.find(tensor.name);
    TensorData zero;
    zero.values.resize(static_cast<size_t>(elements_per_sample(tensor.type.shape)));
    storage.push_back(to_memory(tensor.type, given == tensors.end() ? zero : given->second, batch));
  }
  for (std::vector<uint8_t>& bytes : storage) places.push_back(bytes.data());

  const auto find = [&](std::string_view name) {
    return std::find_if(program.entries.begin(), program.entries.end(),
                        [&](const loops::EntryProgram& e) { return e.name == name; });
  };
  if (const auto prepare = find("prepare"); prepare != program.entries.end() && entry != "prepare") {
    loops::run_entry(program, *prepare, 1, {{}, {}, places}, options);
  }
  const auto at = find(entry);
  check(at != program.entries.end(), entry);

  std::vector<std::vector<uint8_t>> in, out;
  std::vector<const void*> in_places;
  std::vector<void*> out_places;
  for (const Node& input : at->inputs) in.push_back(to_memory(input.type, inputs.at(input.name), batch));
  for (const auto& [name, type] : at->outputs) out.emplace_back(memory_bytes(type, batch), uint8_t{0});
  for (const auto& bytes : in) in_places.push_back(bytes.data());
  for (auto& bytes : out) out_places.push_back(bytes.data());
  loops::run_entry(program, *at, batch, {in_places, out_places, places}, options);

  Tensors result;
  for (size_t i = 0; i < out.size(); ++i) {
    result[at->outputs[i].first] = from_memory(at->outputs[i].second, out[i], batch);
  }
  for (const Assign& assign : module.find_entry(entry)->assigns) {
    const auto tensor = std::find_if(module.tensors.begin(), module.tensors.end(),
                                     [&](const Tensor& t) { return t.name == assign.tensor; });
    const auto index = static_cast<size_t>(tensor - module.tensors.begin());
    result["assign." + assign.tensor] = from_memory(tensor->type, storage[index], batch);
  }
  return result;
}

}  // namespace rnc::test
