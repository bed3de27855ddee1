// Linking with lld as a library: no linker is needed on the user's machine. One call at a time: lld keeps
// state.
#pragma once

#include <string>
#include <vector>

namespace rnc {

enum class LinkKind {
  shared,       // a shared library without undefined symbols or dependencies, with its checksum
  relocatable,  // one object file
};

// The bytes of the result of linking object files, given by their bytes. Deterministic. Throws UserError when
// there is no room for temporary files.
std::string link(const std::vector<std::string>& objects, LinkKind kind);

}  // namespace rnc
