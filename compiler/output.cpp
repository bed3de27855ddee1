#include "compiler/output.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>

#include "ir/graph/diagnostics.h"

namespace rnc {
namespace {

[[noreturn]] void fail(std::string_view what, const std::string& path, int error) {
  throw UserError(SourceLocation{}, fmt::format("cannot {} {}: {}", what, path, std::strerror(error)));
}

// An open file that closes itself.
class File {
 public:
  explicit File(int descriptor) : descriptor_(descriptor) {}
  ~File() {
    if (descriptor_ >= 0) ::close(descriptor_);
  }
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  int descriptor() const { return descriptor_; }
  // 0, or the error that only closing reveals.
  int close() {
    const int result = ::close(descriptor_);
    descriptor_ = -1;
    return result == 0 ? 0 : errno;
  }

 private:
  int descriptor_;
};

// 0 or errno.
int write_all(int descriptor, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(descriptor, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return errno;
    bytes.remove_prefix(static_cast<size_t>(written));
  }
  return 0;
}

bool written_directly(const std::string& path) {
  std::error_code ignored;
  const std::filesystem::file_status status = std::filesystem::status(path, ignored);
  return std::filesystem::exists(status) && !std::filesystem::is_regular_file(status);
}

}  // namespace

std::string read_file(const std::string& path) {
  // Without O_NONBLOCK, opening a pipe would wait for its writer before it can be refused.
  File file(::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC));
  struct stat status {};
  if (file.descriptor() < 0 || fstat(file.descriptor(), &status) != 0) fail("read", path, errno);
  if (!S_ISREG(status.st_mode))
    throw UserError(SourceLocation{}, fmt::format("cannot read {}: not a regular file", path));
  std::string bytes;
  char buffer[1 << 16];
  for (;;) {
    const ssize_t count = ::read(file.descriptor(), buffer, sizeof buffer);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) fail("read", path, errno);
    if (count == 0) return bytes;
    bytes.append(buffer, static_cast<size_t>(count));
  }
}

void print_message(std::string_view text) { std::fwrite(text.data(), 1, text.size(), stderr); }

void finish_output() {
  errno = 0;
  if (std::fflush(stdout) != 0 || std::ferror(stdout) != 0)
    fail("write", "standard output", errno != 0 ? errno : EIO);
}

void write_file(const std::string& path, std::string_view bytes, bool executable) {
  if (path == "-") {
    if (const int error = write_all(STDOUT_FILENO, bytes)) fail("write", "standard output", error);
    return;
  }
  const bool direct = written_directly(path);
  const std::string place = direct ? path : fmt::format("{}.tmp{}", path, ::getpid());
  File file(::open(place.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, executable ? 0777 : 0666));
  if (file.descriptor() < 0) fail("write", path, errno);
  int error = write_all(file.descriptor(), bytes);
  const int close_error = file.close();
  if (error == 0) error = close_error;
  if (error == 0 && !direct && ::rename(place.c_str(), path.c_str()) != 0) error = errno;
  if (error == 0) return;
  if (!direct) ::unlink(place.c_str());
  fail("write", path, error);
}

}  // namespace rnc
