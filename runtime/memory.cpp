#include "runtime/memory.h"

#include <fmt/format.h>
#include <sys/mman.h>

#include "runtime/error.h"

namespace rnrun {

namespace {

constexpr int64_t kHugePage = int64_t{2} << 20;

}  // namespace

std::string bytes_text(int64_t bytes) {
  const auto value = static_cast<double>(bytes);
  if (bytes < 1024) return fmt::format("{} B", bytes);
  if (bytes < int64_t{1} << 20) return fmt::format("{:.1f} KiB", value / 1024);
  if (bytes < int64_t{1} << 30) return fmt::format("{:.1f} MiB", value / (1 << 20));
  return fmt::format("{:.2f} GiB", value / (1 << 30));
}

Memory::Memory(int64_t bytes, std::string_view purpose) : size_(bytes) {
  if (bytes == 0) return;
  void* p =
      mmap(nullptr, static_cast<size_t>(bytes), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (bytes < 0 || p == MAP_FAILED)
    throw Error(
        fmt::format("cannot allocate {} for {}", bytes < 0 ? "that much" : bytes_text(bytes), purpose));
  // Fewer TLB misses; a refusal costs nothing.
  if (bytes >= 4 * kHugePage) madvise(p, static_cast<size_t>(bytes), MADV_HUGEPAGE);
  data_ = static_cast<std::byte*>(p);
}

Memory::~Memory() {
  if (data_ != nullptr) munmap(data_, static_cast<size_t>(size_));
}

}  // namespace rnrun
