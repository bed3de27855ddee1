#include "runtime/task/classifier.h"

#include <fmt/format.h>

#include <algorithm>

#include "runtime/support/error.h"

namespace rnrun {

namespace {

// What an entry takes and returns, as far as it is what a classifier does.
struct Signature {
  Classifier classifier;
  bool loss = false;
  bool other = false;  // it takes something else
};

Signature signature_of(const Model& model, const rn_entry& entry) {
  Signature result;
  Classifier& c = result.classifier;
  for (const rn_value& v : inputs(entry)) {
    const rn_type& t = v.type;
    const std::string_view called = v.name;
    if (t.rank == 0) {
      if (called == "lambda" && t.dtype == RN_F32) c.lambda = called;
      if (t.dtype != RN_F32 && t.dtype != RN_F64) result.other = true;
      continue;
    }
    if (t.dtype == RN_U8 && t.rank == 4 && t.dims[0] < 0 && c.image.empty()) {
      c.image = v.name;
      c.shape = {t.dims[1], t.dims[2], t.dims[3]};
    } else if (t.dtype == RN_I32 && t.rank == 1 && t.dims[0] < 0 && called == "label2") {
      c.label2 = called;
    } else if (t.dtype == RN_I32 && t.rank == 1 && t.dims[0] < 0 && c.label.empty()) {
      c.label = called;
    } else {
      result.other = true;
    }
  }
  if (c.label2.empty()) c.lambda = {};  // a scalar like any other
  if (c.label2.empty() != c.lambda.empty()) result.other = true;
  for (const rn_value& v : outputs(entry)) {
    const rn_type& t = v.type;
    if (std::string_view(v.name) == "loss" && t.dtype == RN_F32 && t.rank == 0) result.loss = true;
    if (std::string_view(v.name) == model.descriptor().predict && t.dtype == RN_F32 && t.rank == 2 &&
        t.dims[0] < 0) {
      c.predict = v.name;
      c.classes = t.dims[1];
    }
  }
  c.labels = c.classes;
  for (const rn_value& v : inputs(entry))
    if (v.classes > 0) c.labels = std::min(c.labels, v.classes);
  return result;
}

}  // namespace

Classifier classifier_of(const Model& model, std::string_view name) {
  const Signature s = signature_of(model, model.entry(name));
  const Classifier& c = s.classifier;
  if (s.other || c.image.empty() || c.label.empty() || c.predict.empty() || !s.loss)
    throw Error(
        fmt::format("entry '{}' of the model {} does not classify images: it should take u8[N, C, H, W] and "
                    "i32[N], and return f32[N, classes] and loss",
                    name, model.name()));
  return c;
}

Classifier predictor_of(const Model& model) {
  const Signature s = signature_of(model, model.entry("infer"));
  const Classifier& c = s.classifier;
  if (s.other || c.image.empty() || !c.label.empty() || c.predict.empty())
    throw Error(fmt::format(
        "entry 'infer' of the model {} does not classify images: it should take u8[N, C, H, W] and "
        "return f32[N, classes]",
        model.name()));
  return c;
}

std::vector<std::string> model_class_names(const Model& model) {
  const rn_model_descriptor& d = model.descriptor();
  return {d.classes, d.classes + d.class_count};
}

std::vector<std::string> class_names(const std::vector<std::string>& names, const Model& model,
                                     int64_t classes) {
  const auto count = static_cast<size_t>(classes);
  std::vector<std::string> result = names.empty() ? model_class_names(model) : names;
  result.resize(std::min(result.size(), count));
  while (result.size() < count) result.push_back(fmt::format("{}", result.size()));
  return result;
}

}  // namespace rnrun
