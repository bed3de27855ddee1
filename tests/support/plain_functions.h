// The operations of one operand, any real number, without attributes. A new one is tested wherever these are.
#pragma once

#include <vector>

#include "ir/ops/op.h"

namespace rnc::test {

// Those with a formula, but for functions of positive numbers and of an optimizer's.
inline std::vector<Op> plain_functions() {
  std::vector<Op> found;
  for (const Op op : all_ops()) {
    const OpInfo& row = info(op);
    if (row.formula && row.max_inputs == 1 && row.attributes.empty()) found.push_back(op);
  }
  for (const Op op : {Op::sqrt, Op::rsqrt, Op::log, Op::complement}) std::erase(found, op);
  return found;
}

}  // namespace rnc::test
