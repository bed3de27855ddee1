// Element types of tensor files.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace contract {

// Models use f32, u8, i32 and, for scalars, f64: the first four are numbered as rn_dtype is.
enum class DType : uint8_t { f32, u8, i32, f64, f16, bf16, i64, u64, u32, i16, u16, i8, boolean };
std::string_view name(DType);              // "f32"
std::string_view safetensors_name(DType);  // "F32"
std::optional<DType> find_safetensors_dtype(std::string_view name);
int64_t bytes(DType);

}  // namespace contract
