#include "runtime/report/describe.h"

#include <fmt/format.h>

namespace rnrun {

using nlohmann::ordered_json;

namespace {

// The call in words: "layer1.0.conv1 forward".
std::string call_text(const rn_call_info& call) {
  const std::string_view direction = call.direction;
  return direction.empty() ? call.layer : fmt::format("{} {}", call.layer, direction);
}

// The shape of a layer's tensor "weight"; null if it has none.
ordered_json weight_shape(const Model& model, const rn_layer& layer) {
  const rn_tensor* weight = model.find_tensor(fmt::format("{}.weight", layer.name));
  if (weight == nullptr) return nullptr;
  return ordered_json(std::span(weight->type.dims, static_cast<size_t>(weight->type.rank)));
}

}  // namespace

ordered_json network_json(const Model& model) {
  const rn_model_descriptor& d = model.descriptor();
  ordered_json layers = ordered_json::array();
  for (int64_t i = 0; i < d.layer_count; ++i) {
    const rn_layer& layer = d.layers[i];
    ordered_json inputs = ordered_json::array();
    for (int64_t k = 0; k < layer.input_count; ++k) inputs.push_back(layer.inputs[k]);
    layers.push_back({{"name", layer.name},
                      {"operation", layer.operation},
                      {"result", layer.result},
                      {"text", layer.text},
                      {"inputs", inputs},
                      {"parameters", layer.parameters},
                      {"multiply_adds", layer.multiply_adds},
                      {"weight", weight_shape(model, layer)}});
  }
  return layers;
}

ordered_json memory_json(const rn_entry& entry, int64_t batch) {
  ordered_json buffers = ordered_json::array();
  for (int64_t i = 0; i < entry.buffer_count; ++i) {
    const rn_buffer& b = entry.buffers[i];
    buffers.push_back({b.name, at(b.bytes, batch), at(b.offset, batch), b.first_call, b.last_call});
  }
  ordered_json names = ordered_json::array();
  for (const rn_call_info& call : calls(entry)) names.push_back(call_text(call));
  return {{"entry", entry.name},
          {"batch", batch},
          {"arena", at(arena(entry, batch), batch)},
          {"bound", at(entry.live_bound, batch)},
          {"buffers", buffers},
          {"calls", names}};
}

ordered_json kernels_json(const EntryProfile& p) {
  ordered_json rows = ordered_json::array();
  const auto runs = static_cast<double>(p.runs);
  for (int64_t i = 0; i < p.entry->call_count; ++i) {
    const rn_call_info& call = p.entry->calls[i];
    const double seconds = p.profile.seconds[static_cast<size_t>(i)] / runs;
    const CallWork work = work_of(call, p.batch);
    rows.push_back({{"layer", call.layer},
                    {"direction", call.direction},
                    {"algorithm", work.algorithm},
                    {"kernel", call.kernel},
                    {"ms", 1e3 * seconds},
                    {"gflops", seconds > 0 ? work.flops / seconds / 1e9 : 0}});
  }
  return {{"entry", p.entry->name}, {"batch", p.batch}, {"step_ms", 1e3 * p.seconds / runs}, {"calls", rows}};
}

}  // namespace rnrun
