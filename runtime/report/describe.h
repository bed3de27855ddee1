// What a report shows of a model, as JSON: see run_data.h for the keys.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "runtime/measure/predictions.h"
#include "runtime/model/model.h"
#include "runtime/model/profile.h"

namespace rnrun {

nlohmann::ordered_json network_json(const Model& model);
nlohmann::ordered_json memory_json(const rn_entry& entry, int64_t batch);
nlohmann::ordered_json kernels_json(const EntryProfile& profile);
// After epoch `epoch`.
nlohmann::ordered_json evaluation_json(const Predictions& predictions, int64_t epoch);

// An image as a PNG file, and as "data:image/png;base64,...". Channels: 1 (grey) or 3 (RGB); of others the
// first.
std::string png_file(const ImageShape& shape, std::span<const uint8_t> pixels);
std::string png_uri(const ImageShape& shape, std::span<const uint8_t> pixels);

}  // namespace rnrun
