#include "runtime/classifier.h"

#include <fmt/format.h>

#include "runtime/error.h"

namespace rnrun {

Classifier classifier_of(const Model& model, std::string_view name) {
  const rn_entry& entry = model.entry(name);
  Classifier result;
  bool other = false;
  for (const rn_value& v : inputs(entry)) {
    const rn_type& t = v.type;
    if (t.rank == 0) continue;
    if (t.dtype == RN_U8 && t.rank == 4 && t.dims[0] < 0 && result.image.empty()) {
      result.image = v.name;
      result.shape = {t.dims[1], t.dims[2], t.dims[3]};
    } else if (t.dtype == RN_I32 && t.rank == 1 && t.dims[0] < 0 && result.label.empty()) {
      result.label = v.name;
    } else {
      other = true;
    }
  }
  bool loss = false;
  for (const rn_value& v : outputs(entry)) {
    const rn_type& t = v.type;
    if (std::string_view(v.name) == "loss" && t.dtype == RN_F32 && t.rank == 0) loss = true;
    if (std::string_view(v.name) == model.descriptor().predict && t.dtype == RN_F32 && t.rank == 2 &&
        t.dims[0] < 0) {
      result.predict = v.name;
      result.classes = t.dims[1];
    }
  }
  if (other || result.image.empty() || result.label.empty() || result.predict.empty() || !loss)
    throw Error(
        fmt::format("entry '{}' of the model {} does not classify images: it should take u8[N, C, H, W] and "
                    "i32[N], and return f32[N, classes] and loss",
                    name, model.name()));
  return result;
}

}  // namespace rnrun
