#include "runtime/train/recipe_settings.h"

#include <fmt/format.h>

#include "runtime/model/attributes.h"
#include "runtime/support/error.h"

namespace rnrun {

TrainSettings recipe_settings(const Model& model, const rn_entry& step) {
  const rn_attributes& recipe = model.descriptor().recipe;
  TrainSettings settings;
  for (const Setting& setting : train_settings()) {
    const rn_attribute* given = find(recipe, setting.name);
    if (given != nullptr && !set(settings, setting, given->text))
      throw Error(fmt::format("the recipe of the model {} has {} = {}: must be {}", model.name(),
                              setting.name, given->text, allowed(setting)));
  }
  for (const rn_value& v : inputs(step))
    if (v.type.rank == 0 && !is_set_by_training(v)) settings.hyper[v.name] = v.default_value;
  return settings;
}

}  // namespace rnrun
