// rnrun info: what a model is, what it holds, and the memory it takes.
#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <nlohmann/json.hpp>

#include "runtime/commands/commands.h"
#include "runtime/model/layout.h"
#include "runtime/support/array.h"
#include "runtime/support/output.h"
#include "runtime/support/thread_pool.h"

namespace rnrun {

namespace {

struct Options {
  std::string model;
  bool json = false;
  bool tensors = false;
  int64_t batch = 0;
  int threads = default_threads();
};

constexpr std::string_view kKinds[RN_TENSOR_KINDS] = {"parameter", "buffer", "slot", "gradient", "prepared"};

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

int64_t memory(const Model& model, const rn_entry& entry, int64_t batch, int threads) {
  return tensor_bytes(model, entry) + at(arena(entry, batch), batch) +
         threads * model.descriptor().scratch_bytes_per_worker;
}

std::string values_text(std::span<const rn_value> values) {
  std::string text;
  for (const rn_value& v : values)
    text += fmt::format("{}{}: {}", text.empty() ? "" : ", ", v.name, type_text(v.type));
  return text;
}

void print_attributes(std::string_view title, const rn_attributes& attributes) {
  if (attributes.count == 0) return;
  print("{:<12}", title);
  for (int64_t i = 0; i < attributes.count; ++i)
    print("{}{} = {}", i == 0 ? "" : ", ", attributes.items[i].name, attributes.items[i].text);
  print("\n");
}

void print_entries(const Model& model) {
  print("\nentries\n");
  for (const rn_entry& e : model.entries())
    print("  {:<11} ({}) -> ({}); kernel calls: {}\n", e.name, values_text(inputs(e)),
          values_text(outputs(e)), e.call_count);
}

void print_memory(const Model& model, const Options& options) {
  std::vector<int64_t> batches = {1, 16, 64, 256};
  if (options.batch > 0) batches = {options.batch};
  print(
      "\nmemory with {} threads: tensors + arena + scratch (without inputs and outputs); "
      "fixed and per sample as with many samples\n",
      options.threads);
  print("  {:<11} {:>11} {:>11} {:>11}", "entry", "tensors", "fixed", "per sample");
  for (const int64_t batch : batches) print(" {:>11}", fmt::format("batch {}", batch));
  print("\n");
  for (const rn_entry& e : model.entries()) {
    const int64_t fixed = e.arena[0].fixed + options.threads * model.descriptor().scratch_bytes_per_worker;
    print("  {:<11} {:>11} {:>11} {:>11}", e.name, bytes_text(tensor_bytes(model, e)), bytes_text(fixed),
          bytes_text(e.arena[0].per_sample));
    for (const int64_t batch : batches)
      print(" {:>11}", bytes_text(memory(model, e, batch, options.threads)));
    print("\n");
  }
}

void print_tensors(const Model& model) {
  print("\ntensors\n");
  for (const rn_tensor& t : model.tensors())
    print("  {:<9} {} : {}\n", kKinds[t.kind], t.name, type_text(t.type));
}

nlohmann::ordered_json to_json(const Model& model, const Options& options) {
  using nlohmann::ordered_json;
  const rn_model_descriptor& d = model.descriptor();
  ordered_json json = {{"name", d.name},
                       {"compiler", d.compiler},
                       {"triple", d.triple},
                       {"cpu", d.cpu},
                       {"features", d.features},
                       {"graph_hash", model.graph_hash()},
                       {"predict", d.predict},
                       {"optimizer", d.optimizer},
                       {"threads", options.threads},
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
                               {"kind", kKinds[t.kind]},
                               {"dtype", name(dtype(t.type))},
                               {"shape", shape_of(t.type)},
                               {"bytes", t.bytes}});
  const int64_t batch = std::max<int64_t>(options.batch, 1);
  json["entries"] = ordered_json::array();
  for (const rn_entry& e : model.entries())
    json["entries"].push_back({{"name", e.name},
                               {"inputs", values_text(inputs(e))},
                               {"outputs", values_text(outputs(e))},
                               {"calls", e.call_count},
                               {"arena_fixed", e.arena[0].fixed},
                               {"arena_per_sample", e.arena[0].per_sample},
                               {"tensor_bytes", tensor_bytes(model, e)},
                               {"scratch_bytes", options.threads * d.scratch_bytes_per_worker},
                               {"batch", batch},
                               {"memory_bytes", memory(model, e, batch, options.threads)},
                               {"direct_flops", at(e.direct_flops, batch)}});
  return json;
}

int info(const Options& options) {
  const auto model = Model::load(options.model);
  if (options.json) {
    print("{}\n", to_json(*model, options).dump(2));
    return 0;
  }
  const rn_model_descriptor& d = model->descriptor();
  print("{:<12}{}\n", "model", d.name);
  print("{:<12}{} for {} {}\n", "compiled by", d.compiler, d.triple, d.cpu);
  print("{:<12}{}\n", "features", d.features);
  print("{:<12}{}\n", "graph hash", model->graph_hash());
  print("{:<12}{} elements\n", "parameters", elements_of(*model, RN_PARAMETER));
  print("{:<12}{} elements\n", "buffers", elements_of(*model, RN_BUFFER));
  print("{:<12}{}\n", "predicts", d.predict);
  print("{:<12}{}\n", "optimizer", *d.optimizer == '\0' ? "none" : d.optimizer);
  print_attributes("  with", d.hyper);
  print_attributes("recipe", d.recipe);
  if (d.class_count > 0) {
    print("{:<12}{}:", "classes", d.class_count);
    for (int64_t i = 0; i < std::min<int64_t>(d.class_count, 20); ++i) print(" {}", d.classes[i]);
    print("{}\n", d.class_count > 20 ? " ..." : "");
  }
  print_entries(*model);
  print_memory(*model, options);
  if (options.tensors) print_tensors(*model);
  return 0;
}

}  // namespace

Command add_info(CLI::App& app) {
  auto options = std::make_shared<Options>();
  CLI::App* command = app.add_subcommand("info", "Describe a model: target, entries, memory, tensors");
  command->add_option("model", options->model, "the model library")->required();
  command->add_option("-b,--batch-size", options->batch, "show memory at this batch")
      ->check(CLI::Range(int64_t{1}, int64_t{1} << 20));
  command->add_flag("--tensors", options->tensors, "list every tensor");
  command->add_flag("--json", options->json, "print everything as JSON");
  add_threads_option(*command, options->threads);
  return {command, [options] { return info(*options); }};
}

}  // namespace rnrun
