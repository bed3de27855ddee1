// JSON files of a training's directory, read with errors that name the file.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace rnrun {

// The object in a file. Throws Error "<path> is damaged: not a JSON object where one should be".
nlohmann::ordered_json read_json(const std::string& path);
// The objects of a file with one per line; none if there is no such file. Throws as read_json does.
std::vector<nlohmann::ordered_json> read_json_lines(const std::string& path);

}  // namespace rnrun
