// The attributes of a node.
#include <fmt/format.h>

#include "ir/onnx/call.h"

namespace rnc::onnx {

const proto::AttributeProto* Call::find(std::string_view name) const {
  for (const proto::AttributeProto& attribute : node_.attribute())
    if (attribute.name() == name) return &attribute;
  return nullptr;
}

int64_t Call::integer(std::string_view name, int64_t otherwise) const {
  const auto* found = find(name);
  if (found == nullptr) return otherwise;
  if (!found->has_i()) refuse(fmt::format("attribute {} must be an integer", name));
  return found->i();
}

double Call::real(std::string_view name, double otherwise) const {
  const auto* found = find(name);
  if (found == nullptr) return otherwise;
  if (!found->has_f()) refuse(fmt::format("attribute {} must be a number", name));
  return shortest(found->f());
}

std::string Call::string(std::string_view name, const std::string& otherwise) const {
  const auto* found = find(name);
  if (found == nullptr) return otherwise;
  if (!found->has_s()) refuse(fmt::format("attribute {} must be a string", name));
  return found->s();
}

std::vector<int64_t> Call::integers(std::string_view name, std::vector<int64_t> otherwise) const {
  const auto* found = find(name);
  if (found == nullptr) return otherwise;
  return {found->ints().begin(), found->ints().end()};
}

std::vector<double> Call::reals(std::string_view name) const {
  const auto* found = find(name);
  if (found == nullptr) return {};
  return {found->floats().begin(), found->floats().end()};
}

std::vector<int64_t> Call::integers_of(size_t i, std::string_view name) const {
  return has(i) ? numbers(i, name) : integers(name);
}

int64_t Call::axis(int64_t given, int64_t rank) const {
  if (given < -rank || given >= rank) refuse(fmt::format("axis {} is none of {} dimensions", given, rank));
  return given < 0 ? given + rank : given;
}

}  // namespace rnc::onnx
