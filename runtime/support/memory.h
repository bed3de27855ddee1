// Zeroed, aligned memory for regions, arenas and arrays.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <new>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "runtime/contract/abi.h"

namespace rnrun {

// Where memory comes from, if not from the system. `allocate` returns null where there is none.
struct Allocator {
  std::function<void*(size_t bytes)> allocate;  // at multiples of RN_ALIGNMENT
  std::function<void(void* memory, size_t bytes)> release;
};

// Owns `bytes` of memory, zero until written. The system's is page-aligned, and pages are taken on first use.
class Memory {
 public:
  Memory() = default;
  // Throws Error "cannot allocate ... for <purpose>" when the system, or `allocator` where there is one, which must outlive
  // this, has not that much.
  Memory(int64_t bytes, std::string_view purpose, const Allocator* allocator = nullptr);
  ~Memory();
  Memory(Memory&& other) noexcept { swap(other); }
  Memory& operator=(Memory&& other) noexcept {
    swap(other);
    return *this;
  }

  std::byte* data() const { return data_; }
  int64_t size() const { return size_; }

 private:
  void swap(Memory& other) noexcept {
    std::swap(data_, other.data_);
    std::swap(size_, other.size_);
    std::swap(allocator_, other.allocator_);
  }
  std::byte* data_ = nullptr;
  int64_t size_ = 0;
  const Allocator* allocator_ = nullptr;
};

// Bytes the process can still take: what the machine has left (MemAvailable), or its control group if that is
// less. Nothing when unknown. `root` stands before /proc and /sys, for tests.
std::optional<int64_t> available_memory(const std::string& root = "");

// Throws Error unless `what` at `batch` fits into the available memory: it names the bytes needed and there,
// and the largest batch that would fit.
void check_available(const rn_extent& needed, int64_t batch, std::string_view what,
                     std::optional<int64_t> available);

// "1.5 MiB"
std::string bytes_text(int64_t bytes);

// A byte vector whose data is RN_ALIGNMENT-aligned, as entries want their inputs and outputs.
template <class T>
struct AlignedAllocator {
  using value_type = T;
  AlignedAllocator() = default;
  template <class U>
  AlignedAllocator(const AlignedAllocator<U>&) {}
  T* allocate(size_t n) {
    return static_cast<T*>(::operator new(n * sizeof(T), std::align_val_t(RN_ALIGNMENT)));
  }
  void deallocate(T* p, size_t) { ::operator delete(p, std::align_val_t(RN_ALIGNMENT)); }
  bool operator==(const AlignedAllocator&) const { return true; }
};
using AlignedBytes = std::vector<std::byte, AlignedAllocator<std::byte>>;

}  // namespace rnrun
