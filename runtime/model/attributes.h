// Reads rn_attributes: named values a model carries.
#pragma once

#include <optional>
#include <string_view>

#include "runtime/contract/abi.h"

namespace rnrun {

inline const rn_attribute* find(const rn_attributes& attributes, std::string_view name) {
  for (int64_t i = 0; i < attributes.count; ++i)
    if (attributes.items[i].name == name) return &attributes.items[i];
  return nullptr;
}

// Nothing where the attribute is missing or not a number.
inline std::optional<double> number(const rn_attributes& attributes, std::string_view name) {
  const rn_attribute* attribute = find(attributes, name);
  if (attribute == nullptr || attribute->number != attribute->number) return std::nullopt;
  return attribute->number;
}

inline std::string_view text(const rn_attributes& attributes, std::string_view name,
                             std::string_view otherwise) {
  const rn_attribute* attribute = find(attributes, name);
  return attribute == nullptr ? otherwise : attribute->text;
}

}  // namespace rnrun
