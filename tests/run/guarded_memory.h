// Memory for finding accesses that a program must not make: between pages that cannot be touched, and full of NaN.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "runtime/contract/abi.h"

namespace rnc::test {

// Quiet NaN as f32, larger than any index as i32.
inline constexpr uint32_t kGarbage = 0x7fc0dead;
// From a multiple of its size on.
void fill_with_garbage(std::span<std::byte> bytes);

int64_t page_bytes();
// `bytes` up to the next multiple of `unit`.
constexpr int64_t round_up(int64_t bytes, int64_t unit) { return (bytes + unit - 1) / unit * unit; }

// The side on which an array meets a page that cannot be touched. Arrays begin at multiples of RN_ALIGNMENT,
// so that at the end, less than that may lie between.
enum class Flush { start, end };

struct Interval {
  int64_t begin = 0;
  int64_t end = 0;
};

// `bytes` bytes of garbage, and garbage up to the next multiple of RN_ALIGNMENT.
class GuardedMemory {
 public:
  GuardedMemory(int64_t bytes, Flush flush);
  ~GuardedMemory();
  GuardedMemory(const GuardedMemory&) = delete;
  GuardedMemory& operator=(const GuardedMemory&) = delete;

  std::byte* data() const { return data_; }
  std::span<std::byte> bytes() const { return {data_, static_cast<size_t>(bytes_)}; }
  // Behind the bytes, up to the next multiple of RN_ALIGNMENT.
  std::span<std::byte> slack() const;
  // From now on only these parts can be touched, and what shares a page with them.
  void open_only(std::vector<Interval> parts) const;
  void forbid_writes() const;

 private:
  int64_t bytes_;
  int64_t inner_;  // whole pages
  std::byte* pages_ = nullptr;
  std::byte* data_ = nullptr;
};

}  // namespace rnc::test
