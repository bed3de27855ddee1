// Reading safetensors files (https://github.com/huggingface/safetensors): 8 bytes of header length,
// little-endian; a JSON header; the tensors' bytes.
//
// Files that rnrun writes have two entries of metadata more: kChecksumKey, the checksum of the whole file
// with zeros for its digits, and "format", whose value begins with kOurFormat. Other readers pass over them;
// files of other writers have no checksum.
#pragma once

#include <cstddef>
#include <map>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/contract/dtype.h"

namespace contract {

inline constexpr std::string_view kChecksumKey = "rnrun.xxh3_64";
inline constexpr std::string_view kUnknownChecksum = "0000000000000000";  // in its place while it is computed
inline constexpr std::string_view kOurFormat = "rnrun ";
inline constexpr std::string_view kPlainFormat = "rnrun tensors 1";  // where a file has no format of its own

// Where the digits of the checksum begin in a header; npos if it is not there as written by rnrun.
size_t find_checksum(std::string_view header);

// What is wrong with a file, without its name: "not a valid safetensors file: only 3 bytes long", "is
// damaged: its checksum is ...".
class FormatError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
  // "w.safetensors: not a valid safetensors file: ...", "w.safetensors is damaged: ..."
  std::string of(std::string_view path) const;
};

struct TensorView {
  DType dtype = DType::f32;
  std::vector<int64_t> shape;       // empty: a scalar
  std::span<const std::byte> data;  // in the file's bytes
};

struct Safetensors {
  std::map<std::string, std::string> metadata;  // without the checksum
  std::map<std::string, TensorView> tensors;
};

// Files come from anywhere: lengths, types, shapes, offsets, overlaps and holes are checked before anything
// is allocated for them, and so is the checksum of files that have one or should. Throws FormatError. The
// result refers to `bytes`.
Safetensors parse_safetensors(std::span<const std::byte> bytes);

// Whether the file is a checkpoint of rnrun, in which "ema.<name>" is the moving average of a weight.
bool is_checkpoint(const std::map<std::string, std::string>& metadata);

// Whether to_f32 takes tensors of this type: f32, f16, bf16 and f64.
bool converts_to_f32(DType dtype);
// The elements in f32: exactly, but f64 is rounded. Throws FormatError naming `name` where a number is beyond
// f32.
std::vector<float> to_f32(const TensorView& tensor, const std::string& name);

// "62 tensors of f16 and 1 of f64 were converted to f32"; empty if there are none.
std::string conversions_text(const std::map<DType, int64_t>& converted);

}  // namespace contract
