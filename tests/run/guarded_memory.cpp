#include "tests/run/guarded_memory.h"

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>

#include "ir/graph/diagnostics.h"

namespace rnc::test {
namespace {

void protect(std::byte* begin, int64_t bytes, int rights) {
  check(bytes <= 0 || mprotect(begin, static_cast<size_t>(bytes), rights) == 0, "mprotect failed");
}

}  // namespace

void fill_with_garbage(std::span<std::byte> bytes) {
  const size_t whole = bytes.size() / sizeof kGarbage;
  std::fill_n(reinterpret_cast<uint32_t*>(bytes.data()), whole, kGarbage);
  const auto rest = bytes.subspan(whole * sizeof kGarbage);
  std::ranges::copy_n(std::as_bytes(std::span(&kGarbage, 1)).begin(),
                      static_cast<std::ptrdiff_t>(rest.size()), rest.begin());
}

int64_t page_bytes() { return sysconf(_SC_PAGESIZE); }

GuardedMemory::GuardedMemory(int64_t bytes, Flush flush)
    : bytes_(bytes), inner_(round_up(bytes, page_bytes())) {
  void* pages = mmap(nullptr, static_cast<size_t>(inner_ + 2 * page_bytes()), PROT_NONE,
                     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  check(pages != MAP_FAILED, "no memory for a guarded array");
  pages_ = static_cast<std::byte*>(pages);
  std::byte* first = pages_ + page_bytes();
  protect(first, inner_, PROT_READ | PROT_WRITE);
  fill_with_garbage({first, static_cast<size_t>(inner_)});
  data_ = flush == Flush::start ? first : first + inner_ - round_up(bytes, RN_ALIGNMENT);
}

GuardedMemory::~GuardedMemory() { munmap(pages_, static_cast<size_t>(inner_ + 2 * page_bytes())); }

std::span<std::byte> GuardedMemory::slack() const {
  return {data_ + bytes_, static_cast<size_t>(round_up(bytes_, RN_ALIGNMENT) - bytes_)};
}

void GuardedMemory::open_only(std::vector<Interval> parts) const {
  const int64_t page = page_bytes();
  std::byte* first = pages_ + page;
  const int64_t shift = data_ - first;
  protect(first, inner_, PROT_NONE);
  for (const Interval& part : parts) {
    if (part.begin == part.end) continue;
    const int64_t begin = (shift + part.begin) / page * page;
    protect(first + begin, round_up(shift + part.end, page) - begin, PROT_READ | PROT_WRITE);
  }
}

void GuardedMemory::forbid_writes() const { protect(pages_ + page_bytes(), inner_, PROT_READ); }

}  // namespace rnc::test
