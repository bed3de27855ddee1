#include "runtime/model/variants.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cstdlib>

#include "runtime/model/cpu_features.h"
#include "runtime/support/error.h"

namespace rnrun {

namespace {

bool runs_here(const rn_model_descriptor& variant) { return missing_cpu_features(variant.features).empty(); }

// A variant, and the model that it is one of, which keeps the library loaded.
struct OfModel {
  std::shared_ptr<const Model> whole;
  Model variant;
};

}  // namespace

std::vector<const rn_model_descriptor*> variants(const rn_model_descriptor& model, const std::string& path) {
  constexpr int64_t kMost = 1 << 10;
  check_version(model, path);
  if (model.variant_count == 0) return {&model};
  if (model.variant_count < 0 || model.variant_count > kMost || model.variants == nullptr)
    throw Error(fmt::format("{} is damaged: {} variants", path, model.variant_count));
  const std::vector<const rn_model_descriptor*> all(model.variants, model.variants + model.variant_count);
  const auto is_of_model = [&](const rn_model_descriptor* variant) {
    return variant != nullptr && variant->magic == RN_MAGIC && variant->version == RN_ABI_VERSION &&
           variant->graph_hash == model.graph_hash;
  };
  if (!std::ranges::all_of(all, is_of_model))
    throw Error(fmt::format("{} is damaged: a variant is none of this model", path));
  return all;
}

const rn_model_descriptor& best_variant(const rn_model_descriptor& model, const std::string& path) {
  const auto all = variants(model, path);
  if (all.size() == 1) return *all.front();
  const auto best =
      std::ranges::find_if(all, [](const rn_model_descriptor* variant) { return runs_here(*variant); });
  if (best != all.end()) return **best;
  std::vector<std::string> lacks;
  for (const rn_model_descriptor* variant : all)
    lacks.push_back(
        fmt::format("{} needs {}", variant->cpu, fmt::join(missing_cpu_features(variant->features), ", ")));
  throw Error(
      fmt::format("{} has no variant for this machine's CPU, which lacks what they need: {}; compile it with "
                  "--target-cpu=native here, or with one more variant",
                  path, fmt::join(lacks, "; ")));
}

std::shared_ptr<const Model> variant_of(const std::shared_ptr<const Model>& model, std::string_view name) {
  const auto all = variants(model->descriptor(), model->path());
  const auto found =
      std::ranges::find_if(all, [&](const rn_model_descriptor* variant) { return variant->cpu == name; });
  if (found == all.end()) {
    std::vector<std::string_view> names;
    for (const rn_model_descriptor* variant : all) names.emplace_back(variant->cpu);
    throw Error(fmt::format("{} has no variant {}; it has {}", model->path(), name, fmt::join(names, ", ")));
  }
  if (*found == &model->descriptor()) return model;
  auto both = std::make_shared<const OfModel>(OfModel{model, Model(**found, model->path())});
  return {both, &both->variant};
}

std::shared_ptr<const Model> chosen_variant(const std::shared_ptr<const Model>& model,
                                            const std::string& name) {
  if (!name.empty()) return variant_of(model, name);
  const char* of_environment = std::getenv("RNRUN_VARIANT");
  if (of_environment == nullptr || *of_environment == '\0') return model;
  try {
    return variant_of(model, of_environment);
  } catch (const Error& error) {
    throw Error(fmt::format("RNRUN_VARIANT: {}", error.what()));
  }
}

}  // namespace rnrun
