#include "runtime/train/runs/event_file.h"

#include <fmt/format.h>
#include <unistd.h>

#include <array>
#include <bit>
#include <chrono>

#include "runtime/support/error.h"

namespace rnrun {

namespace {

template <class T>
std::string little_endian(T bits) {
  std::string bytes;
  for (size_t i = 0; i < sizeof bits; ++i) bytes += static_cast<char>(bits >> (8 * i) & 0xff);
  return bytes;
}

// Protocol buffers (https://protobuf.dev/programming-guides/encoding/): fields as numbers with wire types.
std::string varint(uint64_t value) {
  std::string bytes;
  for (; value >= 0x80; value >>= 7) bytes += static_cast<char>((value & 0x7f) | 0x80);
  bytes += static_cast<char>(value);
  return bytes;
}

std::string field(int number, uint64_t value) {
  return varint(static_cast<uint64_t>(number) << 3) + varint(value);
}

std::string field(int number, double value) {
  return varint(static_cast<uint64_t>(number) << 3 | 1) + little_endian(std::bit_cast<uint64_t>(value));
}

std::string field(int number, float value) {
  return varint(static_cast<uint64_t>(number) << 3 | 5) + little_endian(std::bit_cast<uint32_t>(value));
}

std::string field(int number, std::string_view bytes) {
  return varint(static_cast<uint64_t>(number) << 3 | 2) + varint(bytes.size()) + std::string(bytes);
}

double now() {
  return std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
}

constexpr std::array<uint32_t, 256> crc_table() {
  std::array<uint32_t, 256> table{};
  for (uint32_t i = 0; i < 256; ++i) {
    table[i] = i;
    for (int bit = 0; bit < 8; ++bit) table[i] = table[i] >> 1 ^ ((table[i] & 1) != 0 ? 0x82f63b78u : 0);
  }
  return table;
}

}  // namespace

uint32_t crc32c(std::string_view data) {
  static constexpr auto kTable = crc_table();
  uint32_t crc = ~0u;
  for (const char c : data) crc = kTable[(crc ^ static_cast<uint8_t>(c)) & 0xff] ^ crc >> 8;
  return ~crc;
}

uint32_t masked_crc32c(std::string_view data) { return std::rotr(crc32c(data), 15) + 0xa282ead8u; }

EventFile::EventFile(const std::string& directory)
    : path_(fmt::format("{}/events.out.tfevents.{}.{}", directory, static_cast<int64_t>(now()), getpid())),
      out_(path_, std::ios::binary | std::ios::app) {
  write_record(field(1, now()) + field(3, std::string_view("brain.Event:2")));
}

void EventFile::add(int64_t step, std::span<const EventValue> values) {
  std::string summary;
  for (const EventValue& s : values)
    summary += field(1, std::string_view(field(1, s.tag) + field(2, static_cast<float>(s.value))));
  write_record(field(1, now()) + field(2, static_cast<uint64_t>(step)) + field(5, std::string_view(summary)));
}

// Length, its checksum, the data, their checksum.
void EventFile::write_record(std::string_view data) {
  const std::string length = little_endian(static_cast<uint64_t>(data.size()));
  out_ << length << little_endian(masked_crc32c(length)) << data << little_endian(masked_crc32c(data))
       << std::flush;
  if (!out_) throw Error(fmt::format("cannot write {}", path_));
}

}  // namespace rnrun
