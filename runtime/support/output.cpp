#include "runtime/support/output.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "runtime/support/error.h"

namespace rnrun {

void keep_standard_streams() {
  for (const int stream : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO})
    if (fcntl(stream, F_GETFD) < 0) open("/dev/null", stream == STDIN_FILENO ? O_WRONLY : O_RDONLY);
}

void discard_output() {
  std::fflush(stdout);
  const int nowhere = open("/dev/null", O_WRONLY | O_CLOEXEC);
  if (nowhere < 0 || dup2(nowhere, STDOUT_FILENO) < 0)
    throw Error(std::string("cannot open /dev/null: ") + std::strerror(errno));
  close(nowhere);
}

LineOutput::LineOutput() : out_(nullptr) {
  std::fflush(stdout);
  const int lines = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
  if (lines >= 0) out_ = fdopen(lines, "w");
  if (out_ == nullptr || dup2(STDERR_FILENO, STDOUT_FILENO) < 0)
    throw Error(std::string("cannot take standard output: ") + std::strerror(errno));
}

LineOutput::~LineOutput() {
  std::fflush(stdout);
  dup2(fileno(out_), STDOUT_FILENO);
  std::fclose(out_);
}

void LineOutput::line(const std::string& text) {
  const std::string whole = text + "\n";
  std::fwrite(whole.data(), 1, whole.size(), out_);
  if (std::fflush(out_) != 0 && failure_ == 0) failure_ = errno;
}

void LineOutput::finish() {
  if (failure_ != 0) throw Error(std::string("cannot write standard output: ") + std::strerror(failure_));
}

void finish_output() {
  errno = 0;
  const bool failed = std::fflush(stdout) != 0 || std::ferror(stdout) != 0;
  if (!failed) return;
  const std::string reason = errno != 0 ? std::strerror(errno) : "not all of it could be written";
  throw Error("cannot write standard output: " + reason);
}

}  // namespace rnrun
