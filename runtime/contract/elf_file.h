// What can be said of a model library, or of the program that carries one, from the bytes of its file alone. They may be
// damaged in any way: nothing outside them is read, and nothing in them is trusted.
//
// A library's checksum is its build ID (an ELF note, NT_GNU_BUILD_ID, of RN_CHECKSUM_BYTES bytes): that of
// the whole file with zeros in the build ID's place.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace contract {

struct ElfFile {
  uint16_t machine = 0;               // EM_X86_64, EM_AARCH64, ...
  uint64_t size = 0;                  // that its headers speak of; what a file has beyond was appended to it
  std::optional<size_t> checksum_at;  // where its checksum is, if it has one
};

// Nothing unless `bytes` begin as a 64-bit little-endian ELF file does and hold its program headers.
std::optional<ElfFile> read_elf(std::span<const std::byte> bytes);

// The linker's option that leaves the checksum's place in a library.
std::string_view checksum_link_option();
// Writes the checksum into a library that was linked with this option. False if it has no place for it.
bool seal_library(std::span<std::byte> bytes);

// What is wrong with the file of a library as a whole: "is damaged: ...", to follow its path; "" if nothing
// is.
std::string library_fault(std::span<const std::byte> bytes);
// Why a good library is none for this machine: "was compiled for aarch64, ..."; "" if it is one.
std::string foreign_library_fault(std::span<const std::byte> bytes);

}  // namespace contract
