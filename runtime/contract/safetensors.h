// Reading and writing safetensors files (https://github.com/huggingface/safetensors): 8 bytes of header length,
// little-endian; a JSON header; the tensors' bytes.
//
// Files that rnrun writes have two more entries of metadata: kChecksumKey, the checksum of the whole file with zeros for
// its digits, and "format", whose value begins with "rnrun ". Other readers ignore them; files of other writers have no
// checksum.
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

// What is wrong with a file, without its name: "not a valid safetensors file: only 3 bytes long".
class FormatError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

struct TensorView {
  DType dtype = DType::f32;
  std::vector<int64_t> shape;       // empty: a scalar
  std::span<const std::byte> data;  // in the file's bytes
};

using Metadata = std::map<std::string, std::string>;

struct Safetensors {
  Metadata metadata;  // but for checksum and format of a file that is no checkpoint
  std::map<std::string, TensorView> tensors;
};

// Files come from anywhere: lengths, types, shapes, offsets, overlaps and holes are checked before anything
// is allocated for them, and before all of that the checksum, if there is or should be one. Throws
// FormatError. The result refers to `bytes`.
Safetensors parse_safetensors(std::span<const std::byte> bytes);

inline constexpr const char* kChecksumKey = "rnrun.xxh3_64";

// A file as rnrun writes it: with a checksum, and a "format" unless the metadata has one. The same content
// gives the same bytes. The tensors' data stay where they are.
class SafetensorsImage {
 public:
  explicit SafetensorsImage(const Safetensors& content);
  SafetensorsImage(const SafetensorsImage&) = delete;
  SafetensorsImage& operator=(const SafetensorsImage&) = delete;
  // The bytes of the file, one part after the other.
  std::span<const std::span<const std::byte>> parts() const { return parts_; }

 private:
  std::string head_;
  std::vector<std::span<const std::byte>> parts_;  // the head, then the tensors
};

// Whether the file is a checkpoint of rnrun, in which "ema.<name>" is the moving average of a weight.
bool is_checkpoint(const Metadata& metadata);
// A model with the same tensors may still compute something else. Of a checkpoint that another one wrote than
// this: "a checkpoint of another model: a with graph hash 0123456789abcdef, not b with fedcba9876543210";
// else empty.
std::string other_model(const Metadata& metadata, std::string_view model, std::string_view graph_hash);
// The names that a checkpoint has for the classes, in the order of their labels; none if it has none. Throws
// FormatError.
inline constexpr const char* kClassesKey = "classes";
std::vector<std::string> class_names(const Metadata& metadata);
// As text, and back; throws FormatError.
std::vector<std::string> class_names_of(const std::string& text);
std::string class_names_text(const std::vector<std::string>& names);

// Whether to_f32 takes tensors of this type: f32, f16, bf16 and f64.
bool converts_to_f32(DType dtype);
// The elements in f32: exactly, but f64 is rounded. Throws FormatError naming `name` where a number is beyond
// f32.
std::vector<float> to_f32(const TensorView& tensor, const std::string& name);
// The other way, to f16 or bf16 (or f32): rounded to the nearest, of two the even one. Throws FormatError naming
// `name` where a finite number is beyond the type.
std::vector<std::byte> from_f32(std::span<const float> values, DType dtype, const std::string& name);

// "62 tensors of f16 and 1 of f64 were converted to f32"; empty if there are none.
std::string conversions_text(const std::map<DType, int64_t>& converted);

}  // namespace contract
