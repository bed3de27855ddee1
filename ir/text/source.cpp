#include <fmt/format.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>

#include "ir/text/lexer.h"
#include "ir/text/text.h"

namespace rnc {

std::shared_ptr<const SourceFile> read_source(const std::string& path, const SourceLocation& from) {
  const auto fail = [&](std::string_view why) {
    throw UserError(from, fmt::format("cannot read '{}': {}", path, why));
  };
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::fopen(path.c_str(), "rb"), &std::fclose);
  if (!file) fail(std::strerror(errno));
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
