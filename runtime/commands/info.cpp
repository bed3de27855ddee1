// rnrun info: what a model is, what it holds, and the memory it takes.
#include <fmt/format.h>

#include <algorithm>
#include <memory>

#include "runtime/commands/commands.h"
#include "runtime/model/cpu_features.h"
#include "runtime/model/variants.h"
#include "runtime/report/model_json.h"
#include "runtime/support/array.h"
#include "runtime/support/output.h"
#include "runtime/support/thread_pool.h"

namespace rnrun {

namespace {

struct InfoOptions {
  ModelFlags model;
  bool json = false;
  bool tensors = false;
  int64_t batch = 0;
  int threads = default_threads();
};

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

void print_memory(const Model& model, const InfoOptions& options) {
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
      print(" {:>11}", bytes_text(memory_bytes(model, e, batch, options.threads)));
    print("\n");
  }
}

void print_tensors(const Model& model) {
  print("\ntensors\n");
  for (const rn_tensor& t : model.tensors())
    print("  {:<9} {} : {}\n", kind_name(t), t.name, type_text(t.type));
}

// The one that is used stands above, as what the model was compiled for.
void print_variants(const Model& model) {
  const auto all = variants(model.descriptor(), model.path());
  if (all.size() == 1) return;
  print("{:<12}", "variants");
  for (const rn_model_descriptor* variant : all)
    print("{}{}{}", variant == all.front() ? "" : ", ", variant->cpu,
          variant == &model.descriptor()                    ? " (used)"
          : missing_cpu_features(variant->features).empty() ? ""
                                                            : " (not for this CPU)");
  print("\n");
}

int info(const InfoOptions& options) {
  const auto model = load_model(options.model);
  if (options.json) {
    print("{}\n", model_json(*model, options.batch, options.threads).dump(2));
    return 0;
  }
  const rn_model_descriptor& d = model->descriptor();
  print("{:<12}{}\n", "model", d.name);
  print("{:<12}{} for {} {}\n", "compiled by", d.compiler, d.triple, d.cpu);
  print("{:<12}{}\n", "features", d.features);
  print("{:<12}{}\n", "precision", d.precision);
  print_variants(*model);
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
  auto options = std::make_shared<InfoOptions>();
  CLI::App* command = app.add_subcommand("info", "Describe a model: target, entries, memory, tensors");
  add_model_options(*command, options->model);
  command->add_option("-b,--batch-size", options->batch, "show memory at this batch")
      ->check(CLI::Range(int64_t{1}, int64_t{1} << 20));
  command->add_flag("--tensors", options->tensors, "list every tensor");
  command->add_flag("--json", options->json, "print everything as JSON");
  add_threads_option(*command, options->threads);
  return {command, [options] { return info(*options); }};
}

}  // namespace rnrun
