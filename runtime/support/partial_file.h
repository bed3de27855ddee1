// A large file that is written in place under a temporary name, by one process at a time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

namespace rnrun {

// "<path>.partial". Of several processes that want it, one has it until it ends, in whatever way; the others wait. It is
// removed with the object unless it was finished.
class PartialFile {
 public:
  // Waits until it is free; another process may have finished it meanwhile. Throws Error "cannot write ...", as all do.
  explicit PartialFile(const std::string& path);
  ~PartialFile();
  PartialFile(const PartialFile&) = delete;
  PartialFile& operator=(const PartialFile&) = delete;

  // Removes what one that was killed has left.
  void clear();
  // May be called by several threads.
  void write(int64_t at, std::span<const std::byte> bytes);
  // Syncs it, and gives it its name.
  void finish();

 private:
  [[noreturn]] void fail() const;

  std::string path_;
  std::string partial_;
  int file_ = -1;
  bool finished_ = false;
};

}  // namespace rnrun
