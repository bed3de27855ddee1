#include "runtime/output.h"

#include <cerrno>
#include <cstring>

#include "runtime/error.h"

namespace rnrun {

void finish_output() {
  errno = 0;
  const bool failed = std::fflush(stdout) != 0 || std::ferror(stdout) != 0;
  if (!failed) return;
  const std::string reason = errno != 0 ? std::strerror(errno) : "not all of it could be written";
  throw Error("cannot write standard output: " + reason);
}

}  // namespace rnrun
