// Reading zip archives of entries that are not compressed, as torch.save and numpy.savez write them (PKWARE's
// APPNOTE.TXT; zip64 included). The entries' data stay where they are.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <string>

namespace rnrun {

struct ZipEntry {
  std::span<const std::byte> data;
  uint32_t crc = 0;  // as the archive has it
};
using ZipEntries = std::map<std::string, ZipEntry, std::less<>>;

// Whether a file begins as a zip archive does.
bool is_zip(std::span<const std::byte> file);

// The entries by name; they refer to `file`. Files come from anywhere: entries lie before the directory and
// do not overlap, so that all of them are no larger than the file. Throws contract::FormatError, also when one
// is compressed or encrypted, or two have the same name.
ZipEntries read_zip(std::span<const std::byte> file);

// Throws FormatError when the data are not those that the checksum is of.
void check_crc(const std::string& name, const ZipEntry& entry);

}  // namespace rnrun
