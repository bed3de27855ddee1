// The report as a page: one file with everything in it, so that it can be read anywhere, without a network.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

namespace rnrun {

// HTML that shows runs (run_data.h), one or several of them over each other.
std::string report_page(const std::vector<nlohmann::ordered_json>& runs, std::string_view title);

// HTML that shows a learning-rate range test: {"model", "data", "batch_size", "optimizer", "suggestion": number or null,
// "diverged", "points": [{"lr", "loss", "smoothed"}]}.
std::string lr_find_page(const nlohmann::ordered_json& find);

// HTML that shows where a network looks: {"model", "layer", "images": [{"name", "image", "map": data: URIs, "most": the
// largest value of the map, "explained": what is, "answer", "text": see Answer in task/findings.h}]}.
std::string explain_page(const nlohmann::ordered_json& explanations);

}  // namespace rnrun
