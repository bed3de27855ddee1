#include "runtime/support/partial_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>

#include "runtime/support/error.h"
#include "runtime/support/output.h"

namespace rnrun {

PartialFile::PartialFile(const std::string& path) : path_(path), partial_(path + ".partial") {
  struct stat own {
  }, there{};
  do {
    if (file_ >= 0) close(file_);
    file_ = open(partial_.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
    if (file_ < 0 || fstat(file_, &own) != 0) fail();
    if (flock(file_, LOCK_EX | LOCK_NB) != 0) {
      print_message(fmt::format("rnrun: waiting for another process that is writing {}", path_));
      if (flock(file_, LOCK_EX) != 0) fail();
    }
    // Whoever had it may have renamed or removed it.
  } while (stat(partial_.c_str(), &there) != 0 || there.st_ino != own.st_ino || there.st_dev != own.st_dev);
}

PartialFile::~PartialFile() {
  if (!finished_) unlink(partial_.c_str());
  close(file_);
}

void PartialFile::clear() {
  if (ftruncate(file_, 0) != 0) fail();
}

void PartialFile::write(int64_t at, std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    const ssize_t n = pwrite(file_, bytes.data(), std::min<size_t>(bytes.size(), size_t{1} << 30), at);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) fail();
    at += n;
    bytes = bytes.subspan(static_cast<size_t>(n));
  }
}

void PartialFile::finish() {
  if (fsync(file_) != 0 || std::rename(partial_.c_str(), path_.c_str()) != 0) fail();
  finished_ = true;
}

void PartialFile::fail() const {
  throw Error(fmt::format("cannot write {}: {}", path_, std::strerror(errno)));
}

}  // namespace rnrun
