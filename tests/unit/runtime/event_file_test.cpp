// Event files, read back by a parser that shares nothing with the writer.
#include "runtime/train/runs/event_file.h"

#include <doctest/doctest.h>

#include <cstring>
#include <vector>

#include "tests/unit/runtime/support.h"

namespace rnrun {

namespace {

// Bit by bit, from the polynomial's definition.
uint32_t slow_crc32c(std::string_view data) {
  uint32_t crc = 0xffffffff;
  for (const char c : data)
    for (int bit = 0; bit < 8; ++bit) {
      const bool odd = ((crc ^ static_cast<uint8_t>(c) >> bit) & 1) != 0;
      crc = crc >> 1 ^ (odd ? 0x82f63b78 : 0);
    }
  return crc ^ 0xffffffff;
}

template <class T>
T read(std::string_view& bytes) {
  T value{};
  REQUIRE(bytes.size() >= sizeof value);
  std::memcpy(&value, bytes.data(), sizeof value);
  bytes.remove_prefix(sizeof value);
  return value;
}

uint64_t read_varint(std::string_view& bytes) {
  uint64_t value = 0;
  for (int shift = 0;; shift += 7) {
    const auto byte = read<uint8_t>(bytes);
    value |= static_cast<uint64_t>(byte & 0x7f) << shift;
    if (byte < 0x80) return value;
  }
}

uint32_t unmasked(uint32_t masked) {
  const uint32_t rotated = masked - 0xa282ead8u;
  return rotated << 15 | rotated >> 17;
}

// Whole messages in words: "5{1{1"loss" 2=0.5}}".
std::string words(std::string_view message, int depth) {
  std::string text;
  while (!message.empty()) {
    const uint64_t key = read_varint(message);
    text += (text.empty() ? "" : " ") + std::to_string(key >> 3);
    if ((key & 7) == 0) {
      text += "=" + std::to_string(read_varint(message));
    } else if ((key & 7) == 1) {
      const double time = read<double>(message);
      CHECK(time > 1.6e9);
      text += "=time";
    } else if ((key & 7) == 5) {
      text += "=" + std::to_string(read<float>(message));
    } else {
      REQUIRE((key & 7) == 2);
      const uint64_t length = read_varint(message);
      const std::string_view value = message.substr(0, length);
      message.remove_prefix(value.size());
      const bool is_text = key >> 3 == 3 || depth == 2;
      text += is_text ? "\"" + std::string(value) + "\"" : "{" + words(value, depth + 1) + "}";
    }
  }
  return text;
}

}  // namespace

TEST_CASE("CRC-32C has the values of RFC 3720") {
  CHECK(crc32c("123456789") == 0xe3069283);
  CHECK(crc32c(std::string(32, '\0')) == 0x8a9136aa);
  CHECK(crc32c("") == 0);
}

TEST_CASE("an event file holds what was added") {
  const TemporaryDirectory directory;
  {
    EventFile file(directory.path());
    file.add(1, std::vector<EventValue>{{"loss/train", 0.5}, {"lr", 0.25}});
    file.add(300, std::vector<EventValue>{{"loss/train", -2}});
  }
  std::vector<std::string> events;
  for (const auto& entry : std::filesystem::directory_iterator(directory.path())) {
    CHECK(entry.path().filename().string().starts_with("events.out.tfevents."));
    const std::string bytes = read_text(entry.path());
    for (std::string_view rest = bytes; !rest.empty();) {
      const std::string_view length_bytes = rest.substr(0, 8);
      const auto length = read<uint64_t>(rest);
      CHECK(unmasked(read<uint32_t>(rest)) == slow_crc32c(length_bytes));
      const std::string_view data = rest.substr(0, length);
      rest.remove_prefix(data.size());
      CHECK(unmasked(read<uint32_t>(rest)) == slow_crc32c(data));
      events.push_back(words(data, 0));
    }
  }
  CHECK(events ==
        std::vector<std::string>{"1=time 3\"brain.Event:2\"",
                                 "1=time 2=1 5{1{1\"loss/train\" 2=0.500000} 1{1\"lr\" 2=0.250000}}",
                                 "1=time 2=300 5{1{1\"loss/train\" 2=-2.000000}}"});
}

TEST_CASE("an event file in no directory is an error") {
  CHECK(error_of([] {
          EventFile("/no/such/place");
        }).starts_with("cannot write /no/such/place/events.out.tfevents."));
}

}  // namespace rnrun
