// A model for several CPUs has a variant for each (rn_model_descriptor.variants): which of them is used. Each is a model of
// its own, with the parameters, names and hash of all.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/model/model.h"

namespace rnrun {

// Best first; `model` itself where there are no others. Throws Error where what it refers to is no model of this version,
// or another one; `path` is for messages.
std::vector<const rn_model_descriptor*> variants(const rn_model_descriptor& model, const std::string& path);

// The best that this CPU runs. Throws Error where it runs none, with the features that it lacks for each.
const rn_model_descriptor& best_variant(const rn_model_descriptor& model, const std::string& path);

// Another variant, by its name: that of its CPU. Throws Error where there is none of this name, or where this CPU lacks
// what it needs.
std::shared_ptr<const Model> variant_of(const std::shared_ptr<const Model>& model, std::string_view name);

// The variant of this name or, where it is empty, that which the environment's RNRUN_VARIANT names or, without that, the
// model as it is. Throws Error as variant_of does.
std::shared_ptr<const Model> chosen_variant(const std::shared_ptr<const Model>& model,
                                            const std::string& name = {});

}  // namespace rnrun
