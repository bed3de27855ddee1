// Element types: of graphs, kernels, tensor files and the ABI. The only table of them.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace contract {

// Graphs have f32, u8, i32 and, for scalars, f64; kernels i64 and boolean as well; files all of them.
enum class DType : uint8_t { f32, u8, i32, f64, f16, bf16, i64, u64, u32, i16, u16, i8, boolean };
std::string_view name(DType);              // "f32"
std::string_view safetensors_name(DType);  // "F32"
std::optional<DType> find_safetensors_dtype(std::string_view name);
int64_t bytes(DType);
// rn_dtype of abi.h; none for what the ABI does not have.
std::optional<int32_t> abi_code(DType);
std::optional<DType> find_abi_dtype(int32_t code);

}  // namespace contract
