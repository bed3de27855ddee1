#include "runtime/train/runs/run_lock.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "runtime/support/error.h"

namespace rnrun {

RunLock::RunLock(const std::string& directory)
    : file_(open(fmt::format("{}/{}", directory, kFile).c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644)) {
  if (file_ < 0) throw Error(fmt::format("cannot write {}/{}: {}", directory, kFile, std::strerror(errno)));
  if (flock(file_, LOCK_EX | LOCK_NB) == 0) return;
  const int reason = errno;
  close(file_);
  throw Error(
      reason == EWOULDBLOCK
          ? fmt::format("another training is writing to the directory {}: it must end before --resume "
                        "or --force can take the directory",
                        directory)
          : fmt::format("cannot lock {}/{}: {}", directory, kFile, std::strerror(reason)));
}

RunLock::~RunLock() { close(file_); }

bool RunLock::is_held(const std::string& directory) {
  const int file = open(fmt::format("{}/{}", directory, kFile).c_str(), O_RDONLY | O_CLOEXEC);
  if (file < 0) return false;
  const bool held = flock(file, LOCK_SH | LOCK_NB) != 0 && errno == EWOULDBLOCK;
  close(file);
  return held;
}

}  // namespace rnrun
