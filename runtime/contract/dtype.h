// Element types: of graphs, kernels, tensor files and the ABI. The only table of them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace contract {

// Graphs have f32, u8, i32 and, for scalars, f64, and what passes store in fewer bytes bf16; kernels i64 and boolean
// as well; files all of them.
enum class DType : uint8_t { f32, u8, i32, f64, f16, bf16, i64, u64, u32, i16, u16, i8, boolean };
std::string_view name(DType);              // "f32"
std::string_view safetensors_name(DType);  // "F32"
std::string_view numpy_name(DType);        // "<f4"; empty: NumPy has no such type
std::optional<DType> find_dtype(std::string_view name);
std::optional<DType> find_safetensors_dtype(std::string_view name);
int64_t bytes(DType);
// What kernels compute in where values are stored as the type: f32 for those too small to compute in, or the type.
DType compute_type(DType);
// rn_dtype of abi.h; none for what the ABI does not have.
std::optional<int32_t> abi_code(DType);
std::optional<DType> find_abi_dtype(int32_t code);

// What values of a graph may have the type: nothing, whole numbers and real numbers in tensors, scalars only, or real
// numbers between kernels that are computed in another type.
enum class GraphUse : uint8_t { none, whole, real, scalar, stored };
GraphUse graph_use(DType);
inline bool is_real(DType t) { return graph_use(compute_type(t)) == GraphUse::real; }
// "f32, u8 and i32": what tensors may have; or only those of one use.
std::string tensor_types(std::string_view last = "and");
std::vector<std::string> tensor_type_names();
std::string names(GraphUse);
// Of what says nothing else: constants, losses, the numbers in a model's text.
inline constexpr DType kDefaultReal = DType::f32;

}  // namespace contract
