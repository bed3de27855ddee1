// The functions of rnrun.h that are about models.
#include <cstddef>

#include "runtime/library/handles.h"
#include "runtime/library/numbers.h"
#include "runtime/library/status.h"
#include "runtime/measure/bench.h"
#include "runtime/model/model_bytes.h"
#include "runtime/model/variants.h"
#include "runtime/report/model_json.h"

using namespace rnrun;

rnrun_status rnrun_model_load(const char* path, rnrun_model** model) {
  return guarded([&] {
    need(path, "path", model, "model");
    *model = new rnrun_model{chosen_variant(Model::load(path))};
  });
}

rnrun_status rnrun_model_load_bytes(const void* bytes, size_t size, rnrun_model** model) {
  return guarded([&] {
    need(bytes, "bytes", model, "model");
    *model = new rnrun_model{chosen_variant(load_model({static_cast<const std::byte*>(bytes), size}))};
  });
}

rnrun_status rnrun_model_linked(const rn_model_descriptor* descriptor, rnrun_model** model) {
  return guarded([&] {
    need(descriptor, "descriptor", model, "model");
    const std::string path = "the model linked into the program";
    *model = new rnrun_model{chosen_variant(std::make_shared<Model>(best_variant(*descriptor, path), path))};
  });
}

rnrun_status rnrun_model_variant(const rnrun_model* model, const char* name, rnrun_model** variant) {
  return guarded([&] {
    need(model, "model", name, "name", variant, "variant");
    *variant = new rnrun_model{variant_of(model->model, name)};
  });
}

void rnrun_model_free(rnrun_model* model) { delete model; }

const rn_model_descriptor* rnrun_model_descriptor(const rnrun_model* model) {
  return model == nullptr ? nullptr : &model->model->descriptor();
}

rnrun_status rnrun_model_json(const rnrun_model* model, int64_t batch, int threads, char** json) {
  return guarded([&] {
    need(model, "model", json, "json");
    *json =
        text_for_caller(model_json(*model->model, checked_batch(batch), checked_threads(threads)).dump(2));
  });
}

rnrun_status rnrun_model_bench(const rnrun_model* model, int train, int64_t batch, int threads, char** json) {
  return guarded([&] {
    need(model, "model", json, "json");
    BenchOptions options;
    options.mode = train != 0 ? BenchMode::train : BenchMode::infer;
    options.batch = checked_batch(batch);
    options.threads = checked_threads(threads);
    *json = text_for_caller(to_json(bench(model->model, options)).dump(2));
  });
}
