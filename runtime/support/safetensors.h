// Safetensors files (https://github.com/huggingface/safetensors): 8 bytes of header length, little-endian; a
// JSON header; the tensors' bytes.
#pragma once

#include <map>
#include <span>
#include <string>
#include <string_view>

#include "runtime/support/array.h"

namespace rnrun {

struct TensorFile {
  std::map<std::string, std::string> metadata;
  Arrays tensors;
};

// Files come from anywhere: lengths, types, shapes, offsets, overlaps and holes are checked before anything
// is allocated for them, and before all of that the checksum (contract/safetensors.h). Throws Error "<path>:
// not a valid safetensors file: <what is wrong>" or "<path>: damaged: ...".
TensorFile read_safetensors(const std::string& path);
TensorFile parse_safetensors(std::span<const std::byte> bytes, std::string_view path);

// Replaces `path` as replace_file does, with a checksum; what has no "format" gets one. The same content
// gives the same bytes.
void write_safetensors(const std::string& path, const TensorFile& content);
// The bytes of that file.
std::string safetensors_bytes(const TensorFile& content);

}  // namespace rnrun
