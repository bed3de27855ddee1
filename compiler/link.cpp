#include "compiler/link.h"

#include <fmt/format.h>
#include <lld/Common/Driver.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <mutex>
#include <span>

#include "compiler/output.h"
#include "ir/graph/diagnostics.h"
#include "runtime/contract/elf_file.h"

LLD_HAS_DRIVER(elf)

namespace rnc {
namespace {

// A directory of our own that goes away with us.
class TemporaryDirectory {
 public:
  TemporaryDirectory() {
    std::error_code error;
    std::string path = (std::filesystem::temp_directory_path(error) / "rnc-XXXXXX").string();
    if (error || !mkdtemp(path.data())) {
      throw UserError(SourceLocation{},
                      fmt::format("cannot make a temporary directory {}: {}", path, std::strerror(errno)));
    }
    path_ = path;
  }
  ~TemporaryDirectory() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  TemporaryDirectory(const TemporaryDirectory&) = delete;
  TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;
  std::string file(const std::string& name) const { return (path_ / name).string(); }

 private:
  std::filesystem::path path_;
};

}  // namespace

std::string link(const std::vector<std::string>& objects, LinkKind kind) {
  const TemporaryDirectory directory;
  std::vector<std::string> arguments{"ld.lld", "-o", directory.file("out")};
  if (kind == LinkKind::relocatable) {
    arguments.insert(arguments.end(), {"-r", "--build-id=none"});
  } else {
    arguments.emplace_back(contract::checksum_link_option());
    for (const char* argument :
         {"-shared", "-z", "defs", "-z", "now", "-z", "noexecstack", "--hash-style=gnu"}) {
      arguments.emplace_back(argument);
    }
  }
  for (size_t i = 0; i < objects.size(); ++i) {
    arguments.push_back(directory.file(fmt::format("{}.o", i)));
    write_file(arguments.back(), objects[i]);
  }
  std::vector<const char*> pointers;
  for (const std::string& argument : arguments) pointers.push_back(argument.c_str());
  static std::mutex one_at_a_time;  // lld keeps its state in globals
  const std::lock_guard lock(one_at_a_time);
  std::string messages;
  llvm::raw_string_ostream out(messages);
  const lld::Result result = lld::lldMain(pointers, out, out, {{lld::Gnu, &lld::elf::link}});
  if (result.retCode != 0) throw UserError(SourceLocation{}, fmt::format("linking failed: {}", out.str()));
  std::string bytes = read_file(directory.file("out"));
  if (kind == LinkKind::shared)
    check(contract::seal_library(std::as_writable_bytes(std::span(bytes))),
          "no place for a library's checksum");
  return bytes;
}

}  // namespace rnc
