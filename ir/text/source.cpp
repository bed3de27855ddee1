#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>

#include "ir/text/lexer.h"
#include "ir/text/text.h"

namespace rnc {
namespace {

constexpr const char* kStandardInput = "/dev/stdin";

// Null, and errno, when it cannot be opened. Does not wait for the writer of a pipe, which may never come.
std::FILE* open_source(const std::string& path) {
  const int descriptor = open(path.c_str(), O_RDONLY | O_CLOEXEC | (path == kStandardInput ? 0 : O_NONBLOCK));
  return descriptor < 0 ? nullptr : fdopen(descriptor, "rb");
}

}  // namespace

std::shared_ptr<const SourceFile> read_source(const std::string& path, const SourceLocation& from) {
  const auto fail = [&](std::string_view why) {
    throw UserError(from, fmt::format("cannot read '{}': {}", path, why));
  };
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(open_source(path), &std::fclose);
  if (!file) fail(std::strerror(errno));
  struct stat status {};
  if (fstat(fileno(file.get()), &status) != 0) fail(std::strerror(errno));
  if (S_ISDIR(status.st_mode)) fail(std::strerror(EISDIR));
  if (!S_ISREG(status.st_mode) && path != kStandardInput)
    fail(fmt::format("it is not a regular file; only {} may be something else", kStandardInput));
  auto source = std::make_shared<SourceFile>(SourceFile{path, {}});
  // Read piecewise: the size of a pipe or a device is not known, and a lying one must not fill the memory.
  char piece[1 << 16];
  size_t count = 0;
  while ((count = std::fread(piece, 1, sizeof piece, file.get())) > 0) {
    source->text.append(piece, count);
    if (source->text.size() > kMaxSourceBytes) {
      fail(fmt::format("it is larger than {} MiB", kMaxSourceBytes >> 20));
    }
  }
  if (std::ferror(file.get()) != 0) fail(std::strerror(errno));
  // Editors on Windows begin UTF-8 files with a byte-order mark.
  if (source->text.starts_with("\xef\xbb\xbf")) source->text.erase(0, 3);
  text::check_is_text(source);
  return source;
}

}  // namespace rnc
