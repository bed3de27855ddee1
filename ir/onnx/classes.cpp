#include "ir/onnx/classes.h"

#include <fmt/format.h>

#include <sstream>

#include "ir/text/lexer.h"
#include "ir/text/text.h"

namespace rnc::onnx {
namespace {

std::vector<std::string> names_in(const std::string& path) {
  const auto source = read_source(path);
  text::check_is_text(source);
  std::istringstream text(source->text);
  std::vector<std::string> names;
  for (std::string line; std::getline(text, line);) {
    if (line.ends_with('\r')) line.pop_back();
    if (line.empty())
      throw UserError({}, fmt::format("--classes: line {} of {} is empty", names.size() + 1, path));
    names.push_back(std::move(line));
  }
  return names;
}

}  // namespace

void read_classes(Module& module, const std::string& path) {
  std::vector<std::string> names = names_in(path);
  const Graph& graph = *module.find_entry(EntryRole::model);
  const Output& prediction = graph.outputs.at(0);
  const Shape& shape = graph[prediction.value].type.shape;
  if (shape.size() < 2 || shape[1] != static_cast<int64_t>(names.size()))
    throw UserError({}, fmt::format("--classes: {} has {} names, and the prediction {} is {}", path,
                                    names.size(), prediction.name, rnc::str(graph[prediction.value].type)));
  module.classes = std::move(names);
}

}  // namespace rnc::onnx
