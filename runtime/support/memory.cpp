#include "runtime/support/memory.h"

#include <fmt/format.h>
#include <sys/mman.h>

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <fstream>

#include "runtime/support/cgroup.h"
#include "runtime/support/error.h"

namespace rnrun {

namespace {

constexpr size_t kHugePage = size_t{2} << 20;

// Null where there is no more.
void* take(size_t bytes, const Allocator* allocator) {
  if (allocator != nullptr) {
    void* p = allocator->allocate(bytes);
    if (p == nullptr) return nullptr;
    if (reinterpret_cast<uintptr_t>(p) % RN_ALIGNMENT != 0) {
      allocator->release(p, bytes);
      throw Error(fmt::format("the host's memory is not aligned to {} bytes", RN_ALIGNMENT));
    }
    return std::memset(p, 0, bytes);
  }
  void* p = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (p == MAP_FAILED) return nullptr;
  // Fewer TLB misses; a refusal costs nothing.
  if (bytes >= 4 * kHugePage) madvise(p, bytes, MADV_HUGEPAGE);
  return p;
}

}  // namespace

std::optional<int64_t> available_memory(const std::string& root) {
  std::optional<int64_t> result = cgroup_memory_available(root);
  std::ifstream in(root + "/proc/meminfo");
  for (std::string line; std::getline(in, line);) {
    long long kib = 0;
    if (std::sscanf(line.c_str(), "MemAvailable: %lld kB", &kib) != 1) continue;
    const int64_t bytes = int64_t{kib} * 1024;
    result = std::min(result.value_or(bytes), bytes);
  }
  return result;
}

void check_available(const rn_extent& needed, int64_t batch, std::string_view what,
                     std::optional<int64_t> available) {
  int64_t bytes = 0;
  const bool huge = __builtin_mul_overflow(needed.per_sample, batch, &bytes) ||
                    __builtin_add_overflow(bytes, needed.fixed, &bytes);
  if (!available || (!huge && bytes <= *available)) return;
  const int64_t room = std::max<int64_t>(*available - needed.fixed, 0);
  throw Error(fmt::format(
      "{} at batch {} needs {}, {} of it per image; {} are available, enough for a batch of {}", what, batch,
      huge ? "more than 2^63 bytes" : bytes_text(bytes), bytes_text(needed.per_sample),
      bytes_text(*available), needed.per_sample > 0 ? room / needed.per_sample : 0));
}

std::string bytes_text(int64_t bytes) {
  const auto value = static_cast<double>(bytes);
  if (bytes < 1024) return fmt::format("{} B", bytes);
  if (bytes < int64_t{1} << 20) return fmt::format("{:.1f} KiB", value / 1024);
  if (bytes < int64_t{1} << 30) return fmt::format("{:.1f} MiB", value / (1 << 20));
  return fmt::format("{:.2f} GiB", value / (1 << 30));
}

Memory::Memory(int64_t bytes, std::string_view purpose, const Allocator* allocator)
    : size_(bytes), allocator_(allocator) {
  if (bytes == 0) return;
  void* p = bytes < 0 ? nullptr : take(static_cast<size_t>(bytes), allocator);
  if (p == nullptr)
    throw Error(
        fmt::format("cannot allocate {} for {}", bytes < 0 ? "that much" : bytes_text(bytes), purpose));
  data_ = static_cast<std::byte*>(p);
}

Memory::~Memory() {
  if (data_ == nullptr) return;
  if (allocator_ != nullptr)
    allocator_->release(data_, static_cast<size_t>(size_));
  else
    munmap(data_, static_cast<size_t>(size_));
}

}  // namespace rnrun
