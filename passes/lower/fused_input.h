// What a kernel reads as an operand of its anchor: an array, or an elementwise expression of arrays that the
// kernel's own group computes before the anchor, applied to the vectors as they are loaded.
#pragma once

#include <optional>

#include "passes/lower/fused.h"

namespace rnc {

class FusedInput {
 public:
  // `value` as an operand of the anchor of `group`, with dimensions `view`.
  FusedInput(Lowering& lowering, KernelBuilder& kernel, const Group& group, std::string_view name,
             ValueId value, const std::vector<loops::Extent>& view);

  // Loads what the expression has per channel, for the vector of channels that begins at `channel`. To be
  // called before load(), in `body` or one around it.
  void channels(Body& body, loops::Expr channel);
  // The vector at `index`; lanes run along the last dimension. Where the condition `inside` does not hold,
  // zero, and nothing is read.
  loops::Expr load(Body& body, const std::vector<loops::Expr>& index, const loops::Expr& inside = {}) const;
  // Asks for what load() reads at `index`.
  void prefetch(Body& body, const std::vector<loops::Expr>& index) const;

  const std::vector<loops::Extent>& view() const { return view_; }

  // The maps that load() reads.
  Group operands() const { return code_ ? code_->operands() : Group{value_}; }
  // Bytes per element that load() reads: for profiles.
  int64_t bytes_per_element() const;

 private:
  ValueId value_;
  int lanes_;
  std::vector<loops::Extent> view_;
  loops::MemoryRef memory_;        // of a stored operand, or
  std::optional<FusedCode> code_;  // what computes it
  FusedCode::Values channels_;
};

}  // namespace rnc
