#include "runtime/contract/dtype.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>

#include "runtime/contract/abi.h"

namespace contract {

namespace {

struct DTypeRow {
  DType dtype;
  std::string_view name;
  std::string_view safetensors;
  std::string_view numpy;
  int64_t bytes;
  GraphUse use = GraphUse::none;
  int32_t abi = -1;                       // -1: not in the ABI
  std::optional<DType> computed_in = {};  // none: in itself
};

constexpr std::array<DTypeRow, 13> kDTypes = {{
    {DType::f32, "f32", "F32", "<f4", 4, GraphUse::real, RN_F32},
    {DType::u8, "u8", "U8", "|u1", 1, GraphUse::whole, RN_U8},
    {DType::i32, "i32", "I32", "<i4", 4, GraphUse::whole, RN_I32},
    {DType::f64, "f64", "F64", "<f8", 8, GraphUse::scalar, RN_F64},
    {DType::f16, "f16", "F16", "<f2", 2, GraphUse::none, -1, DType::f32},
    {DType::bf16, "bf16", "BF16", "", 2, GraphUse::stored, RN_BF16, DType::f32},
    {DType::i64, "i64", "I64", "<i8", 8},
    {DType::u64, "u64", "U64", "<u8", 8},
    {DType::u32, "u32", "U32", "<u4", 4},
    {DType::i16, "i16", "I16", "<i2", 2},
    {DType::u16, "u16", "U16", "<u2", 2},
    {DType::i8, "i8", "I8", "|i1", 1},
    {DType::boolean, "boolean", "BOOL", "|b1", 1},
}};

constexpr bool in_order() {
  for (size_t i = 0; i < kDTypes.size(); ++i)
    if (static_cast<size_t>(kDTypes[i].dtype) != i) return false;
  return true;
}
static_assert(in_order(), "a row for each type, in the order of DType");

const DTypeRow& row(DType t) { return kDTypes[static_cast<size_t>(t)]; }

template <class Key>
std::optional<DType> find(Key DTypeRow::*member, Key key) {
  const auto* found = std::ranges::find(kDTypes, key, member);
  return found == kDTypes.end() ? std::nullopt : std::optional(found->dtype);
}

}  // namespace

std::string_view name(DType t) { return row(t).name; }
std::string_view safetensors_name(DType t) { return row(t).safetensors; }
std::string_view numpy_name(DType t) { return row(t).numpy; }
DType compute_type(DType t) { return row(t).computed_in.value_or(t); }
int64_t bytes(DType t) { return row(t).bytes; }
GraphUse graph_use(DType t) { return row(t).use; }

std::string names(GraphUse use) {
  std::vector<std::string_view> found;
  for (const DTypeRow& row : kDTypes)
    if (row.use == use) found.push_back(row.name);
  return fmt::format("{}", fmt::join(found, " or "));
}

std::vector<std::string> tensor_type_names() {
  std::vector<std::string> found;
  for (const DTypeRow& row : kDTypes)
    if (row.use == GraphUse::real || row.use == GraphUse::whole) found.emplace_back(row.name);
  return found;
}

std::string tensor_types(std::string_view last) {
  const std::vector<std::string> names = tensor_type_names();
  return fmt::format("{} {} {}", fmt::join(names.begin(), names.end() - 1, ", "), last, names.back());
}

std::optional<DType> find_dtype(std::string_view name) { return find(&DTypeRow::name, name); }

std::optional<DType> find_safetensors_dtype(std::string_view name) {
  return find(&DTypeRow::safetensors, name);
}

std::optional<int32_t> abi_code(DType t) { return row(t).abi < 0 ? std::nullopt : std::optional(row(t).abi); }

std::optional<DType> find_abi_dtype(int32_t code) {
  return code < 0 ? std::nullopt : find(&DTypeRow::abi, code);
}

}  // namespace contract
