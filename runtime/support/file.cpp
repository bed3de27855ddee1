#include "runtime/support/file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>

#include "runtime/support/error.h"

namespace rnrun {

namespace {

// An open file descriptor.
class Descriptor {
 public:
  Descriptor(const std::string& path, int flags) : fd_(open(path.c_str(), flags | O_CLOEXEC, 0644)) {}
  ~Descriptor() {
    if (fd_ >= 0) close(fd_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  explicit operator bool() const { return fd_ >= 0; }
  int get() const { return fd_; }

 private:
  int fd_;
};

bool write_all(int fd, std::span<const std::byte> data) {
  while (!data.empty()) {
    const ssize_t n = write(fd, data.data(), std::min<size_t>(data.size(), size_t{1} << 30));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return false;
    data = data.subspan(static_cast<size_t>(n));
  }
  return true;
}

bool write_synced(const std::string& path, std::span<const std::span<const std::byte>> parts) {
  const Descriptor file(path, O_WRONLY | O_CREAT | O_TRUNC);
  if (!file) return false;
  for (const auto part : parts)
    if (!write_all(file.get(), part)) return false;
  return fsync(file.get()) == 0;
}

bool sync_directory_of(const std::string& path) {
  const auto parent = std::filesystem::path(path).parent_path();
  const Descriptor directory(parent.empty() ? "." : parent.string(), O_RDONLY | O_DIRECTORY);
  return directory && fsync(directory.get()) == 0;
}

}  // namespace

AlignedBytes read_file(const std::string& path) {
  const auto fail = [&](std::string_view reason) {
    throw Error(fmt::format("cannot read {}: {}", path, reason));
  };
  // Without O_NONBLOCK, opening a pipe would wait for its writer before it can be refused.
  const Descriptor file(path, O_RDONLY | O_NONBLOCK);
  struct stat status {};
  if (!file || fstat(file.get(), &status) != 0) fail(std::strerror(errno));
  if (!S_ISREG(status.st_mode)) fail("not a regular file");
  AlignedBytes bytes(static_cast<size_t>(status.st_size));
  size_t done = 0;
  while (done < bytes.size()) {
    const ssize_t n =
        read(file.get(), bytes.data() + done, std::min<size_t>(bytes.size() - done, size_t{1} << 30));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) fail(std::strerror(errno));
    if (n == 0) fail("it became shorter while being read");
    done += static_cast<size_t>(n);
  }
  return bytes;
}

std::string file_text(const std::string& path) {
  std::error_code ignored;
  if (!std::filesystem::exists(path, ignored)) return {};
  const AlignedBytes bytes = read_file(path);
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

void replace_file(const std::string& path, std::span<const std::span<const std::byte>> parts) {
  const std::string temporary = path + ".partial";
  if (!write_synced(temporary, parts) || std::rename(temporary.c_str(), path.c_str()) != 0) {
    const int reason = errno;
    unlink(temporary.c_str());
    throw Error(fmt::format("cannot write {}: {}", path, std::strerror(reason)));
  }
  if (!sync_directory_of(path))
    throw Error(fmt::format("cannot sync the directory of {}: {}", path, std::strerror(errno)));
}

void replace_file(const std::string& path, std::string_view text) {
  const std::span<const std::byte> part = std::as_bytes(std::span(text));
  replace_file(path, std::span(&part, 1));
}

void make_directory(const std::string& path) {
  std::error_code error;
  std::filesystem::create_directories(path, error);
  if (error) throw Error(fmt::format("cannot make the directory {}: {}", path, error.message()));
}

}  // namespace rnrun
