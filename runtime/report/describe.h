// What a report shows of a model, as JSON: see run_data.h for the keys.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "runtime/model/model.h"
#include "runtime/model/profile.h"

namespace rnrun {

nlohmann::ordered_json network_json(const Model& model);
nlohmann::ordered_json memory_json(const rn_entry& entry, int64_t batch);
nlohmann::ordered_json kernels_json(const EntryProfile& profile);

}  // namespace rnrun
