// The arguments of an entry as a caller has them: by name, in memory of its own.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "runtime/model/session.h"

namespace rnrun {

// A plain row-major array that someone else owns.
struct Argument {
  std::string_view name;
  DType dtype = DType::f32;
  std::span<const int64_t> shape;  // empty: a scalar
  void* data = nullptr;            // read of inputs, written of outputs
};

// Bound to an entry again and again. An array that is RN_ALIGNMENT-aligned is used where it is, others are copied.
// Scalars that are not given, and f32[...] without a batch, have the session's values; outputs that are not given are
// kept here. `session` must outlive it.
class Arguments {
 public:
  Arguments(Session& session, const rn_entry& entry);

  // The batch is that of the inputs, 1 if none has one. Throws Error naming missing, extra or misshapen inputs, and
  // labels that are none of the classes, which compiled code relies on; `source` says where they came from.
  void bind_inputs(std::span<const Argument> given, std::string_view source);
  // After the inputs. Throws Error as bind_inputs does.
  void bind_outputs(std::span<const Argument> wanted, std::string_view source);
  void run();

  const rn_entry& entry() const { return *entry_; }
  int64_t batch() const { return batch_; }
  // Bytes of inputs and outputs that the last run copied, scalars aside.
  int64_t copied() const { return copied_; }
  // What the last run has put there: plain, at the place that was given for it.
  const void* output(const rn_value& value) const;
  // What the entry has been given.
  const void* input(const rn_value& value) const;

 private:
  const void* input_place(const rn_value& value, const Argument* given, AlignedBytes& own,
                          std::string_view source);
  [[noreturn]] void fail(std::string_view source, std::string_view what) const;
  void check_type(const Argument& given, const rn_value& value, std::string_view kind,
                  std::string_view source) const;

  Session* session_;
  const rn_entry* entry_;
  int64_t batch_ = 1;
  int64_t copied_ = 0;
  std::vector<AlignedBytes> own_inputs_;
  std::vector<AlignedBytes> own_outputs_;
  std::vector<const void*> inputs_;
  std::vector<void*> outputs_;  // that the entry writes
  std::vector<void*> wanted_;   // where the caller wants them; null: nowhere
};

}  // namespace rnrun
