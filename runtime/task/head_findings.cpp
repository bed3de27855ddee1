#include "runtime/task/head_findings.h"

#include <fmt/format.h>

namespace rnrun {

using nlohmann::ordered_json;

void HeadFindings::add(std::span<const uint32_t> indices, const BoundEntry& entry, const Batch& batch) {
  for (const Named& head : heads_) head.findings->add(indices, entry, batch);
}

ordered_json HeadFindings::report(int64_t epoch) const {
  if (heads_.empty()) return nullptr;
  ordered_json json;
  for (const Named& head : heads_) {
    json["heads"][head.name] = head.findings->report(epoch);
    json["heads"][head.name]["class_names"] = numbers_of(head.classes);
  }
  return json;
}

std::vector<std::string> numbers_of(int64_t classes) {
  std::vector<std::string> names;
  for (int64_t k = 0; k < classes; ++k) names.push_back(fmt::format("{}", k));
  return names;
}

// The names of classes are one head's or nobody's: here each head numbers its own.
std::string HeadFindings::text(const std::vector<std::string>&) const {
  std::string text;
  for (const Named& head : heads_) {
    const std::string own = head.findings->text(numbers_of(head.classes));
    if (!own.empty()) text += fmt::format("{}:\n{}", head.name, own);
  }
  return text;
}

ordered_json HeadFindings::json(const std::vector<std::string>&) const {
  ordered_json json = ordered_json::object();
  for (const Named& head : heads_) json["heads"][head.name] = head.findings->json(numbers_of(head.classes));
  return json;
}

}  // namespace rnrun
