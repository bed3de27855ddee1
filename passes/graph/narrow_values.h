// Which values of an entry may be stored in fewer bytes, and in which type --precision asks for them: known before kernels
// are, as layouts of weights go by it.
#pragma once

#include <set>
#include <vector>

#include "passes/graph/precision_rules.h"

namespace rnc {

// Whether the kernels of an operation can store its result in fewer bytes than they compute with: each element is stored
// once, as it is then, and not a sum on the way.
bool stores_once(const Node& node);

class NarrowValues {
 public:
  NarrowValues(const Graph& graph, const PrecisionRules& rules);

  // The first value that computes the same, in whatever kernel.
  ValueId number(ValueId v) const { return number_[static_cast<size_t>(v)]; }
  // As what v is to be stored, if it lies in blocks of channels and another kernel reads it.
  DType of(ValueId v) const;

 private:
  void number_values();
  const Graph& graph_;
  const PrecisionRules& rules_;
  std::vector<ValueId> number_;
  std::set<ValueId> kept_;  // by number: results, and what is moved about as it lies
};

}  // namespace rnc
