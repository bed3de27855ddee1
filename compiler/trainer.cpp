#include "compiler/trainer.h"

#include <fmt/format.h>

#include <cstring>
#include <filesystem>
#include <span>

#include "ir/graph/diagnostics.h"
#include "runtime/contract/checksum.h"

namespace rnc {

std::string make_trainer(std::string_view rnrun, std::string_view library) {
  constexpr size_t page = 4096;
  std::string bytes(rnrun);
  bytes.resize((bytes.size() + page - 1) / page * page);
  rn_trailer trailer{};
  trailer.offset = bytes.size();
  trailer.size = library.size();
  std::memcpy(trailer.magic, RN_TRAILER_MAGIC, sizeof trailer.magic);
  bytes += library;
  trailer.checksum = contract::trailer_checksum(std::as_bytes(std::span(bytes)), trailer);
  bytes.append(reinterpret_cast<const char*>(&trailer), sizeof trailer);
  return bytes;
}

std::string find_rnrun() {
  std::error_code error;
  const std::filesystem::path self = std::filesystem::read_symlink("/proc/self/exe", error);
  const std::filesystem::path rnrun = self.parent_path() / "rnrun";
  if (error || !std::filesystem::is_regular_file(rnrun, error)) {
    throw UserError(SourceLocation{},
                    fmt::format("a trainer is a copy of rnrun, and there is no {}", rnrun.string()));
  }
  return rnrun.string();
}

}  // namespace rnc
