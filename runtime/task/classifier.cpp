#include "runtime/task/classifier.h"

#include <fmt/format.h>

#include <algorithm>

#include "runtime/support/error.h"

namespace rnrun {

namespace {

// What an entry takes and returns, as far as it is what a classifier does.
struct Signature {
  Classifier classifier;
  bool other = false;  // it takes something else
};

bool is_labels(const rn_value& v) { return v.type.dtype == RN_I32 && v.type.rank == 1 && v.type.dims[0] < 0; }
bool is_images(const rn_value& v) { return v.type.dtype == RN_U8 && v.type.rank == 4 && v.type.dims[0] < 0; }

void read_input(const rn_value& v, Signature& s) {
  Classifier& c = s.classifier;
  if (v.type.rank == 0) {
    s.other = s.other || (v.type.dtype != RN_F32 && v.type.dtype != RN_F64);
  } else if (v.role == RN_SAMPLE && is_images(v) && c.image.empty()) {
    c.image = v.name;
    c.shape = {v.type.dims[1], v.type.dims[2], v.type.dims[3]};
  } else if (v.role == RN_TARGET && is_labels(v) && c.label.empty()) {
    c.label = v.name;
  } else if (v.role == RN_MIXTURE_TARGET && is_labels(v) && c.label2.empty()) {
    c.label2 = v.name;
  } else {
    s.other = true;
  }
}

Signature signature_of(const Model& model, const rn_entry& entry) {
  Signature result;
  Classifier& c = result.classifier;
  for (const rn_value& v : inputs(entry)) read_input(v, result);
  for (const rn_value& v : outputs(entry)) {
    const rn_type& t = v.type;
    if (v.role == RN_LOSS && t.dtype == RN_F32 && t.rank == 0) c.loss = v.name;
    if (v.role == RN_PREDICTION && std::string_view(v.name) == model.descriptor().predict &&
        t.dtype == RN_F32 && t.rank == 2 && t.dims[0] < 0) {
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

Classifier classifier_of(const Model& model, const rn_entry& entry) {
  const Signature s = signature_of(model, entry);
  const Classifier& c = s.classifier;
  if (s.other || c.image.empty() || c.label.empty() || c.predict.empty() || c.loss.empty())
    throw Error(
        fmt::format("entry '{}' of the model {} does not classify images: it should take u8[N, C, H, W] and "
                    "i32[N], and return f32[N, classes] and loss",
                    entry.name, model.name()));
  return c;
}

Classifier predictor_of(const Model& model) {
  const Signature s = signature_of(model, model.entry(RN_INFER));
  const Classifier& c = s.classifier;
  if (s.other || c.image.empty() || !c.label.empty() || c.predict.empty())
    throw Error(fmt::format(
        "entry 'infer' of the model {} does not classify images: it should take u8[N, C, H, W] and "
        "return f32[N, classes]",
        model.name()));
  return c;
}

void bind_batch(BoundEntry& entry, const Classifier& classifier, const Batch& batch) {
  entry.bind(classifier.image, batch.pixels);
  if (!classifier.label.empty()) entry.bind(classifier.label, batch.labels);
  if (classifier.label2.empty()) return;
  entry.bind(classifier.label2, batch.labels2);
  entry.set_scalar(RN_MIXTURE_SHARE, batch.share);
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
