// The lock on the directory of a training.
#pragma once

#include <string>

namespace rnrun {

// A training that writes to an existing directory holds its lock, an empty file ".lock" there, as long as
// this lives and no longer than its process. The file stays.
class RunLock {
 public:
  // Throws Error when another training has the lock.
  explicit RunLock(const std::string& directory);
  ~RunLock();
  RunLock(const RunLock&) = delete;
  RunLock& operator=(const RunLock&) = delete;

  // Whether a training has the lock of this directory now. Takes nothing but, for a moment, a shared lock.
  static bool is_held(const std::string& directory);

  static constexpr const char* kFile = ".lock";

 private:
  int file_;
};

}  // namespace rnrun
