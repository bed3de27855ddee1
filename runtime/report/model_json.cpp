#include "runtime/report/model_json.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "runtime/model/cpu_features.h"
#include "runtime/model/layout.h"
#include "runtime/model/variants.h"
#include "runtime/support/array.h"

namespace rnrun {

using nlohmann::ordered_json;

namespace {

// Arguments or results of an entry; the batch has the size -1.
ordered_json values_json(std::span<const rn_value> values) {
  ordered_json json = ordered_json::array();
  for (const rn_value& v : values) {
    json.push_back({{"name", v.name}, {"dtype", name(dtype(v.type))}, {"shape", shape_of(v.type, -1)}});
    if (v.classes > 0) json.back()["classes"] = v.classes;
    if (v.type.rank == 0 && !std::isnan(v.default_value)) json.back()["default"] = v.default_value;
    if (is_set_by_training(v)) json.back()["set_by_training"] = true;
  }
  return json;
}

// Best first; "runs" where this CPU has the features, "used" for the model itself.
ordered_json variants_json(const Model& model) {
  ordered_json json = ordered_json::array();
  for (const rn_model_descriptor* variant : variants(model.descriptor(), model.path()))
    json.push_back({{"name", variant->cpu},
                    {"features", variant->features},
                    {"runs", missing_cpu_features(variant->features).empty()},
                    {"used", variant == &model.descriptor()}});
  return json;
}

}  // namespace

std::string_view kind_name(const rn_tensor& tensor) {
  constexpr std::string_view kKinds[RN_TENSOR_KINDS] = {"parameter", "buffer", "slot", "gradient",
                                                        "prepared"};
  return kKinds[tensor.kind];
}

int64_t elements_of(const Model& model, rn_tensor_kind kind) {
  int64_t count = 0;
  for (const rn_tensor& t : model.tensors())
    if (t.kind == kind) count += element_count(t.type);
  return count;
}

// Bytes of the tensor regions an entry reads or writes.
int64_t tensor_bytes(const Model& model, const rn_entry& entry) {
  int64_t bytes = 0;
  for (size_t kind = 0; kind < RN_TENSOR_KINDS; ++kind)
    if ((entry.tensor_kinds >> kind & 1) != 0) bytes += model.descriptor().region_bytes[kind];
  return bytes;
}

int64_t memory_bytes(const Model& model, const rn_entry& entry, int64_t batch, int threads) {
  return tensor_bytes(model, entry) + at(arena(entry, batch), batch) +
         threads * model.descriptor().scratch_bytes_per_worker;
}

std::string values_text(std::span<const rn_value> values) {
  std::string text;
  for (const rn_value& v : values)
    text += fmt::format("{}{}: {}", text.empty() ? "" : ", ", v.name, type_text(v.type));
  return text;
}

ordered_json model_json(const Model& model, int64_t batch, int threads) {
  const rn_model_descriptor& d = model.descriptor();
  ordered_json json = {{"name", d.name},
                       {"compiler", d.compiler},
                       {"triple", d.triple},
                       {"cpu", d.cpu},
                       {"features", d.features},
                       {"precision", d.precision},
                       {"variants", variants_json(model)},
                       {"graph_hash", model.graph_hash()},
                       {"predict", d.predict},
                       {"optimizer", d.optimizer},
                       {"threads", threads},
                       {"parameters", elements_of(model, RN_PARAMETER)},
                       {"buffers", elements_of(model, RN_BUFFER)}};
  json["classes"] = ordered_json::array();
  for (int64_t i = 0; i < d.class_count; ++i) json["classes"].push_back(d.classes[i]);
  for (const auto& [key, list] : {std::pair{"recipe", &d.recipe}, {"hyper", &d.hyper}}) {
    json[key] = ordered_json::object();
    for (int64_t i = 0; i < list->count; ++i) json[key][list->items[i].name] = list->items[i].text;
  }
  json["tensors"] = ordered_json::array();
  for (const rn_tensor& t : model.tensors())
    json["tensors"].push_back({{"name", t.name},
                               {"kind", kind_name(t)},
                               {"dtype", name(dtype(t.type))},
                               {"shape", shape_of(t.type)},
                               {"bytes", t.bytes}});
  batch = std::max<int64_t>(batch, 1);
  json["entries"] = ordered_json::array();
  for (const rn_entry& e : model.entries())
    json["entries"].push_back({{"name", e.name},
                               {"inputs", values_text(inputs(e))},
                               {"outputs", values_text(outputs(e))},
                               {"input_types", values_json(inputs(e))},
                               {"output_types", values_json(outputs(e))},
                               {"calls", e.call_count},
                               {"arena_fixed", e.arena[0].fixed},
                               {"arena_per_sample", e.arena[0].per_sample},
                               {"tensor_bytes", tensor_bytes(model, e)},
                               {"scratch_bytes", threads * d.scratch_bytes_per_worker},
                               {"batch", batch},
                               {"memory_bytes", memory_bytes(model, e, batch, threads)},
                               {"direct_flops", at(e.direct_flops, batch)}});
  return json;
}

}  // namespace rnrun
