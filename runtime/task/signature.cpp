#include "runtime/task/signature.h"

#include <string_view>

namespace rnrun {

Signature signature_of(const Model& model, const rn_entry& entry) {
  Signature s;
  for (const rn_value& v : inputs(entry)) {
    if (v.type.rank == 0) {
      s.unknown = s.unknown || (v.type.dtype != RN_F32 && v.type.dtype != RN_F64);
      continue;
    }
    switch (v.role) {
      case RN_SAMPLE:
        s.samples.push_back(&v);
        break;
      case RN_TARGET:
        (has_batch(v) || v.type.dtype != RN_F32 ? s.targets : s.shared).push_back(&v);
        break;
      case RN_MIXTURE_TARGET:
        s.others.push_back(&v);
        break;
      default:
        s.unknown = true;
    }
  }
  for (const rn_value& v : outputs(entry)) {
    if (v.role == RN_LOSS_TERM) s.terms.push_back(&v);
    if (v.role == RN_LOSS && v.type.dtype == RN_F32 && v.type.rank == 0) s.loss = &v;
    if (v.role != RN_PREDICTION) continue;
    const bool first = std::string_view(v.name) == model.descriptor().predict;
    s.predictions.insert(first ? s.predictions.begin() : s.predictions.end(), &v);
  }
  return s;
}

}  // namespace rnrun
