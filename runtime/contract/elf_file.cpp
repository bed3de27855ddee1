#include "runtime/contract/elf_file.h"

#include <elf.h>
#include <fmt/format.h>

#include <array>
#include <cstring>

#include "runtime/contract/abi.h"
#include "runtime/contract/checksum.h"

namespace contract {

namespace {

#if defined(__x86_64__)
constexpr uint16_t kThisMachine = EM_X86_64;
#elif defined(__aarch64__)
constexpr uint16_t kThisMachine = EM_AARCH64;
#else
#error "the machine's number in ELF files (EM_...) belongs here"
#endif

constexpr size_t kChecksumBytes = RN_CHECKSUM_BYTES;
static_assert(kChecksumBytes == sizeof(uint64_t));

// The object at an offset; nothing if it is not inside.
template <class T>
std::optional<T> get(std::span<const std::byte> bytes, uint64_t offset) {
  T value;
  if (offset > bytes.size() || sizeof value > bytes.size() - offset) return std::nullopt;
  std::memcpy(&value, bytes.data() + offset, sizeof value);
  return value;
}

uint64_t aligned(uint64_t size) { return (size + 3) / 4 * 4; }

// Where the build ID is in a segment of notes, if it is one of a checksum's size.
std::optional<size_t> find_checksum(std::span<const std::byte> bytes, const Elf64_Phdr& segment) {
  uint64_t at = segment.p_offset;
  const uint64_t end = segment.p_offset + segment.p_filesz;
  if (end < at || end > bytes.size()) return std::nullopt;
  while (const auto note = get<Elf64_Nhdr>(bytes.first(end), at)) {
    const uint64_t name = at + sizeof *note;
    const uint64_t content = name + aligned(note->n_namesz);
    if (note->n_type == NT_GNU_BUILD_ID && note->n_descsz == kChecksumBytes &&
        note->n_namesz == sizeof ELF_NOTE_GNU && content + kChecksumBytes <= end &&
        std::memcmp(bytes.data() + name, ELF_NOTE_GNU, sizeof ELF_NOTE_GNU) == 0)
      return content;
    at = content + aligned(note->n_descsz);
  }
  return std::nullopt;
}

uint64_t library_checksum(std::span<const std::byte> bytes, size_t checksum_at) {
  constexpr std::array<std::byte, kChecksumBytes> kZeros{};
  return checksum_of({bytes.first(checksum_at), kZeros, bytes.subspan(checksum_at + kChecksumBytes)});
}

std::string machine_name(uint16_t machine) {
  switch (machine) {
    case EM_X86_64:
      return "x86-64";
    case EM_AARCH64:
      return "aarch64";
    case EM_RISCV:
      return "riscv64";
    case EM_PPC64:
      return "powerpc64";
    default:
      return fmt::format("a machine with ELF's number {}", machine);
  }
}

}  // namespace

std::optional<ElfFile> read_elf(std::span<const std::byte> bytes) {
  const auto header = get<Elf64_Ehdr>(bytes, 0);
  if (!header || std::memcmp(header->e_ident, ELFMAG, SELFMAG) != 0 ||
      header->e_ident[EI_CLASS] != ELFCLASS64 || header->e_ident[EI_DATA] != ELFDATA2LSB)
    return std::nullopt;
  ElfFile file{.machine = header->e_machine,
               .size = header->e_shoff + uint64_t{header->e_shnum} * header->e_shentsize,
               .checksum_at = {}};
  for (uint64_t i = 0; i < header->e_phnum; ++i) {
    const auto segment = get<Elf64_Phdr>(bytes, header->e_phoff + i * sizeof(Elf64_Phdr));
    if (!segment) return std::nullopt;
    if (segment->p_type == PT_NOTE && !file.checksum_at) file.checksum_at = find_checksum(bytes, *segment);
  }
  return file;
}

std::string_view checksum_link_option() { return "--build-id=0x0000000000000000"; }

bool seal_library(std::span<std::byte> bytes) {
  const auto file = read_elf(bytes);
  if (!file || !file->checksum_at) return false;
  const uint64_t checksum = library_checksum(bytes, *file->checksum_at);
  std::memcpy(bytes.data() + *file->checksum_at, &checksum, kChecksumBytes);
  return true;
}

std::string library_fault(std::span<const std::byte> bytes) {
  const auto file = read_elf(bytes);
  if (!file || !file->checksum_at)
    return "is no library made by this version of rnc, or is damaged: it has no checksum";
  const auto stored = get<uint64_t>(bytes, *file->checksum_at);
  const uint64_t checksum = library_checksum(bytes, *file->checksum_at);
  if (stored == checksum) return "";
  return fmt::format("is damaged: its checksum is {}, that of its content {}", checksum_text(*stored),
                     checksum_text(checksum));
}

std::string foreign_library_fault(std::span<const std::byte> bytes) {
  const auto file = read_elf(bytes);
  if (file && file->machine == kThisMachine) return "";
  return fmt::format(
      "was compiled for {}, this machine is {}: compile it with rnc's --target-triple for this one",
      machine_name(file ? file->machine : EM_NONE), machine_name(kThisMachine));
}

}  // namespace contract
