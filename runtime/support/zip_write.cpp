#include "runtime/support/zip_write.h"

#include <zlib.h>

namespace rnrun {

namespace {

constexpr uint16_t kVersion = 45;           // of the format: the first with zip64
constexpr uint16_t kFirstDay = 1 << 5 | 1;  // 1 January 1980: files do not depend on when they are written
constexpr uint16_t kUtf8 = 1 << 11;
constexpr uint32_t kIn64Bits = 0xffffffff;  // the field is in the extra field instead
constexpr uint16_t kManyEntries = 0xffff;

// Little-endian fields one after the other.
class Record {
 public:
  Record& u16(uint64_t value) { return put(value, 2); }
  Record& u32(uint64_t value) { return put(value, 4); }
  Record& u64(uint64_t value) { return put(value, 8); }
  Record& text(const std::string& value) {
    text_ += value;
    return *this;
  }
  const std::string& str() const { return text_; }

 private:
  Record& put(uint64_t value, int bytes) {
    for (int i = 0; i < bytes; ++i) text_ += static_cast<char>(value >> (8 * i) & 0xff);
    return *this;
  }
  std::string text_;
};

// What an entry's own header and its line in the directory have in common, from the needed version to the
// length of the extra field.
void put_common(Record& record, uint32_t crc, const std::string& name, uint16_t extra_bytes) {
  record.u16(kVersion).u16(kUtf8).u16(0).u16(0).u16(kFirstDay).u32(crc).u32(kIn64Bits).u32(kIn64Bits);
  record.u16(name.size()).u16(extra_bytes);
}

}  // namespace

void ZipImage::put(std::string text) {
  texts_.push_back(std::move(text));
  parts_.push_back(std::as_bytes(std::span(texts_.back())));
  bytes_ += texts_.back().size();
}

void ZipImage::add(const std::string& name, std::span<const std::span<const std::byte>> data) {
  uint64_t bytes = 0;
  uLong crc = 0;
  for (const auto part : data) {
    bytes += part.size();
    crc = crc32_z(crc, reinterpret_cast<const unsigned char*>(part.data()), part.size());
  }
  const uint64_t place = bytes_;
  Record header;
  put_common(header.u32(0x04034b50), static_cast<uint32_t>(crc), name, 20);
  put(header.text(name).u16(1).u16(16).u64(bytes).u64(bytes).str());
  for (const auto part : data) parts_.push_back(part);
  bytes_ += bytes;

  Record line;
  put_common(line.u32(0x02014b50).u16(kVersion), static_cast<uint32_t>(crc), name, 28);
  line.u16(0).u16(0).u16(0).u32(0).u32(kIn64Bits).text(name);
  directory_ += line.u16(1).u16(24).u64(bytes).u64(bytes).u64(place).str();
  ++entries_;
}

std::span<const std::span<const std::byte>> ZipImage::finish() {
  const uint64_t place = bytes_, size = directory_.size(), end = place + size;
  Record record;  // zip64 record, its locator, and the record of old
  record.u32(0x06064b50).u64(44).u16(kVersion).u16(kVersion).u32(0).u32(0);
  record.u64(entries_).u64(entries_).u64(size).u64(place);
  record.u32(0x07064b50).u32(0).u64(end).u32(1);
  record.u32(0x06054b50)
      .u16(0)
      .u16(0)
      .u16(kManyEntries)
      .u16(kManyEntries)
      .u32(kIn64Bits)
      .u32(kIn64Bits)
      .u16(0);
  put(directory_);
  put(record.str());
  return parts_;
}

}  // namespace rnrun
