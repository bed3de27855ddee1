// An entry together with memory for its arguments, for running it again and again.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "runtime/model/session.h"

namespace rnrun {

// Inputs and outputs are found by name and hold up to `max_batch` samples. Scalar inputs, and those without a
// batch, start with the session's values. `session` must outlive it.
class BoundEntry {
 public:
  // An entry of the session's model.
  BoundEntry(Session& session, const rn_entry& entry, int64_t max_batch);

  const rn_entry& entry() const { return *entry_; }
  const Session& session() const { return *session_; }
  int64_t max_batch() const { return max_batch_; }
  // Throw Error when the entry has no such input or output, or it has another element type than T.
  template <class T>
  T* input(std::string_view name) {
    return reinterpret_cast<T*>(find(inputs(*entry_), in_, name, dtype_of(T{})).data());
  }
  template <class T>
  const T* output(std::string_view name) const {
    return reinterpret_cast<const T*>(find(outputs(*entry_), out_, name, dtype_of(T{})).data());
  }
  // The output's values of `batch` samples, to be changed. Throws as `output` does.
  std::span<float> rows(std::string_view name, int64_t batch);
  // Takes the input, of elements of this type, from elsewhere from now on; RN_ALIGNMENT-aligned. Throws as `input` does.
  void bind(std::string_view name, DType dtype, const void* data);
  // Do nothing when the entry has no such input.
  void set_scalar(std::string_view name, double value);
  void set_scalar(rn_value_role role, double value);
  // Throws Error while a scalar input has no value.
  void run(int64_t batch, Recorder recorder = {});

 private:
  static rn_dtype dtype_of(float) { return RN_F32; }
  static rn_dtype dtype_of(uint8_t) { return RN_U8; }
  static rn_dtype dtype_of(int32_t) { return RN_I32; }
  const Memory& find(std::span<const rn_value> values, const std::vector<Memory>& memory,
                     std::string_view name, rn_dtype dtype) const;

  Session* session_;
  const rn_entry* entry_;
  int64_t max_batch_;
  std::vector<Memory> in_;
  std::vector<Memory> out_;
  std::vector<const void*> in_pointers_;
  std::vector<std::string_view> unset_;  // scalar inputs
  std::vector<void*> out_pointers_;
};

}  // namespace rnrun
