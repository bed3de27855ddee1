#include "runtime/support/torch/zip_read.h"

#include <fmt/format.h>
#include <zlib.h>

#include <algorithm>
#include <cstring>
#include <optional>
#include <vector>

#include "runtime/contract/safetensors.h"

namespace rnrun {

namespace {

using contract::FormatError;
using Bytes = std::span<const std::byte>;

constexpr uint32_t kLocal = 0x04034b50, kCentral = 0x02014b50;
constexpr uint32_t kEnd = 0x06054b50, kEnd64 = 0x06064b50, kLocator64 = 0x07064b50;
constexpr size_t kLocalBytes = 30, kCentralBytes = 46, kEndBytes = 22, kEnd64Bytes = 56, kLocatorBytes = 20;
constexpr size_t kLongestComment = 0xffff;

template <class... Args>
[[noreturn]] void fail(fmt::format_string<Args...> format, Args&&... args) {
  throw FormatError("not a valid zip archive: " + fmt::format(format, std::forward<Args>(args)...));
}

// `count` bytes at `at`, which the caller may have from the file.
Bytes part(Bytes bytes, uint64_t at, uint64_t count, std::string_view what) {
  if (at > bytes.size() || count > bytes.size() - at) fail("its {} ends behind the file", what);
  return bytes.subspan(at, count);
}

template <class T>
T number(Bytes record, size_t at) {
  T value;
  std::memcpy(&value, record.data() + at, sizeof value);
  return value;
}

// Where the list of entries is.
struct Directory {
  uint64_t begin = 0;
  uint64_t bytes = 0;
  uint64_t entries = 0;
};

size_t find_end(Bytes file) {
  if (file.size() >= kEndBytes) {
    const size_t last = file.size() - kEndBytes;
    for (size_t i = 0; i <= std::min(last, kLongestComment); ++i)
      if (number<uint32_t>(file, last - i) == kEnd && number<uint16_t>(file, last - i + 20) == i)
        return last - i;
  }
  fail("it has no end of its directory: the file is cut off");
}

Directory find_directory(Bytes file) {
  const size_t at = find_end(file);
  Directory directory{number<uint32_t>(file, at + 16), number<uint32_t>(file, at + 12),
                      number<uint16_t>(file, at + 10)};
  size_t end = at;
  if (at >= kLocatorBytes && number<uint32_t>(file, at - kLocatorBytes) == kLocator64) {
    const auto at64 = number<uint64_t>(file, at - kLocatorBytes + 8);
    const Bytes record = part(file.first(at - kLocatorBytes), at64, kEnd64Bytes, "zip64 record");
    if (number<uint32_t>(record, 0) != kEnd64) fail("its zip64 record is not where it should be");
    directory = {number<uint64_t>(record, 48), number<uint64_t>(record, 40), number<uint64_t>(record, 32)};
    end = static_cast<size_t>(at64);
  }
  part(file.first(end), directory.begin, directory.bytes, "directory");
  if (directory.entries > directory.bytes / kCentralBytes)
    fail("{} entries in a directory of {} bytes", directory.entries, directory.bytes);
  return directory;
}

struct Found {
  std::string name;
  uint64_t header = 0;
  uint64_t bytes = 0;
  uint64_t compressed = 0;
  uint32_t crc = 0;
};

// Sizes and place that need 64 bits are in the extra field of type 1, in this order.
void read_zip64(Bytes extra, Found& found) {
  while (extra.size() >= 4) {
    const auto id = number<uint16_t>(extra, 0);
    Bytes field = part(extra, 4, number<uint16_t>(extra, 2), "extra field");
    extra = extra.subspan(4 + field.size());
    if (id != 1) continue;
    for (uint64_t* value : {&found.bytes, &found.compressed, &found.header}) {
      if (*value != 0xffffffff) continue;
      *value = number<uint64_t>(part(field, 0, 8, "zip64 field"), 0);
      field = field.subspan(8);
    }
    return;
  }
}

// The entry that the directory has next, which is taken off its beginning.
Found next_entry(Bytes& directory) {
  const Bytes record = part(directory, 0, kCentralBytes, "directory");
  if (number<uint32_t>(record, 0) != kCentral) fail("its directory is damaged");
  const auto flags = number<uint16_t>(record, 8), method = number<uint16_t>(record, 10);
  const auto name_bytes = number<uint16_t>(record, 28), extra_bytes = number<uint16_t>(record, 30);
  const Bytes name = part(directory, kCentralBytes, name_bytes, "directory");
  const Bytes extra = part(directory, kCentralBytes + name_bytes, extra_bytes, "directory");
  const size_t whole = kCentralBytes + name_bytes + extra_bytes + number<uint16_t>(record, 32);
  directory = directory.subspan(part(directory, 0, whole, "directory").size());
  Found found{.name = {reinterpret_cast<const char*>(name.data()), name.size()},
              .header = number<uint32_t>(record, 42),
              .bytes = number<uint32_t>(record, 24),
              .compressed = number<uint32_t>(record, 20),
              .crc = number<uint32_t>(record, 16)};
  read_zip64(extra, found);
  if ((flags & 1) != 0) throw FormatError(fmt::format("its entry {} is encrypted", found.name));
  if (method != 0 || found.compressed != found.bytes)
    throw FormatError(fmt::format(
        "its entry {} is compressed; torch.save and numpy.savez write entries that are not", found.name));
  return found;
}

}  // namespace

bool is_zip(Bytes file) { return file.size() >= 4 && number<uint32_t>(file, 0) == kLocal; }

ZipEntries read_zip(Bytes file) {
  const Directory place = find_directory(file);
  const Bytes before = file.first(place.begin);
  Bytes directory = file.subspan(place.begin, place.bytes);
  std::vector<Found> all;
  for (uint64_t i = 0; i < place.entries; ++i) all.push_back(next_entry(directory));
  std::ranges::sort(all, {}, &Found::header);

  ZipEntries entries;
  uint64_t taken = 0;  // by the entries so far
  for (const Found& found : all) {
    const Bytes header = part(before, found.header, kLocalBytes, "entry");
    if (number<uint32_t>(header, 0) != kLocal) fail("its entry {} is not where it should be", found.name);
    if (found.header < taken) fail("its entry {} overlaps another", found.name);
    const uint64_t begin =
        found.header + kLocalBytes + number<uint16_t>(header, 26) + number<uint16_t>(header, 28);
    const ZipEntry entry{part(before, begin, found.bytes, "entry"), found.crc};
    taken = begin + found.bytes;
    if (!entries.emplace(found.name, entry).second) fail("two entries named {}", found.name);
  }
  return entries;
}

void check_crc(const std::string& name, const ZipEntry& entry) {
  const auto* data = reinterpret_cast<const unsigned char*>(entry.data.data());
  const auto crc = static_cast<uint32_t>(crc32_z(0, data, entry.data.size()));
  if (crc != entry.crc)
    throw FormatError(fmt::format(
        "damaged: the checksum of its entry {} is {:08x}, that of its content {:08x}", name, entry.crc, crc));
}

}  // namespace rnrun
