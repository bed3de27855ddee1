#include "compiler/layer_kernels.h"

#include <fmt/format.h>

#include <map>
#include <utility>

namespace rnc {

loops::Program kernels_by_layer(const loops::Program& program) {
  loops::Program result = program;
  result.kernels.clear();
  std::map<std::pair<int, std::string>, int> indices;
  for (loops::EntryProgram& entry : result.entries) {
    for (loops::Call& call : entry.calls) {
      const auto next = static_cast<int>(result.kernels.size());
      const auto [at, is_new] = indices.emplace(std::pair(call.kernel, call.label), next);
      if (is_new) {
        loops::Kernel kernel = program.kernels.at(static_cast<size_t>(call.kernel));
        if (!call.label.empty()) kernel.name = fmt::format("{}.{}", call.label, kernel.name);
        if (call.location) kernel.location = call.location;
        result.kernels.push_back(std::move(kernel));
      }
      call.kernel = at->second;
    }
  }
  return result;
}

}  // namespace rnc
