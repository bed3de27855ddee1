// The checksum that libraries, trainers and checkpoints carry: XXH3 (64 bits) of their contents, so that damage on disk
// or in transit is found before anything in them is used.
#pragma once

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <span>
#include <string>

#include "runtime/contract/abi.h"

namespace contract {

// Of the parts one after the other.
uint64_t checksum_of(std::span<const std::span<const std::byte>> parts);
uint64_t checksum_of(std::initializer_list<std::span<const std::byte>> parts);

// Of a trainer: `before` is what is before its trailer.
uint64_t trailer_checksum(std::span<const std::byte> before, const rn_trailer& trailer);

// 16 hexadecimal digits.
std::string checksum_text(uint64_t checksum);

}  // namespace contract
