#include "runtime/library/arrays.h"

#include <fmt/format.h>

#include "runtime/contract/dtype.h"
#include "runtime/library/status.h"
#include "runtime/support/error.h"

namespace rnrun {

static_assert(static_cast<int>(RNRUN_F32) == RN_F32 && static_cast<int>(RNRUN_U8) == RN_U8 &&
              static_cast<int>(RNRUN_I32) == RN_I32 && static_cast<int>(RNRUN_F64) == RN_F64 &&
              RNRUN_MAX_RANK == RN_MAX_RANK && RNRUN_ALIGNMENT == RN_ALIGNMENT);

Argument argument_of(const rnrun_array& array) {
  need(array.name, "name");
  const auto fail = [&](const std::string& what) {
    throw UsageError(fmt::format("array '{}': {}", array.name, what));
  };
  if (array.data == nullptr) fail("'data' is a null pointer");
  const auto dtype = contract::find_abi_dtype(array.dtype);
  if (!dtype) fail(fmt::format("{} is no rnrun_dtype", array.dtype));
  if (array.rank < 0 || array.rank > RNRUN_MAX_RANK)
    fail(fmt::format("rank {}: must be 0 to {}", array.rank, RNRUN_MAX_RANK));
  const std::span shape(array.dims, static_cast<size_t>(array.rank));
  for (const int64_t size : shape)
    if (size < 0) fail(fmt::format("a dimension of {}", size));
  if (reinterpret_cast<uintptr_t>(array.data) % static_cast<uintptr_t>(contract::bytes(*dtype)) != 0)
    fail(fmt::format("its address is no multiple of the {} bytes of an element", contract::bytes(*dtype)));
  return {array.name, *dtype, shape, array.data};
}

std::vector<Argument> arguments_of(const rnrun_array* arrays, int64_t count, std::string_view what) {
  constexpr int64_t kMost = 1 << 16;
  if (count < 0 || count > kMost) throw UsageError(fmt::format("{} {}: must be 0 to {}", count, what, kMost));
  if (count > 0) need(arrays, what);
  std::vector<Argument> arguments;
  for (int64_t i = 0; i < count; ++i) arguments.push_back(argument_of(arrays[i]));
  return arguments;
}

}  // namespace rnrun
