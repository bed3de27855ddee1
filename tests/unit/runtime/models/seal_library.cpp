// Gives a library of the system's linker the checksum that rnc's libraries have. Usage: seal_library LIBRARY
#include <cstdio>

#include "runtime/contract/elf_file.h"
#include "runtime/support/file.h"

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  rnrun::AlignedBytes bytes = rnrun::read_file(argv[1]);
  if (!contract::seal_library(bytes)) {
    std::fprintf(stderr, "%s has no place for a checksum\n", argv[1]);
    return 1;
  }
  const std::span<const std::byte> content = bytes;
  rnrun::replace_file(argv[1], std::span(&content, 1));
}
