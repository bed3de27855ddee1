// What a model is and holds, and the memory it takes: as JSON, and the figures of it.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <string_view>

#include "runtime/model/model.h"

namespace rnrun {

// "parameter", "buffer", ...
std::string_view kind_name(const rn_tensor& tensor);
int64_t elements_of(const Model& model, rn_tensor_kind kind);
// Bytes of the tensor regions an entry reads or writes.
int64_t tensor_bytes(const Model& model, const rn_entry& entry);
// Bytes an entry takes: tensors, arena and scratch, without inputs and outputs.
int64_t memory_bytes(const Model& model, const rn_entry& entry, int64_t batch, int threads);
// "image: u8[N, 3, 32, 32], label: i32[N]"
std::string values_text(std::span<const rn_value> values);

// What `rnrun info --json` prints. Memory is that of this batch (1 where it is less).
nlohmann::ordered_json model_json(const Model& model, int64_t batch, int threads);

}  // namespace rnrun
