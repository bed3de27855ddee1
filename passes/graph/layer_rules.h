// What an option asks for layer by layer: "direct", "layer1=direct,layer2.*.conv1=winograd4". By comma, a value for all
// layers or PATTERN=VALUE; of several that fit a layer, the last holds.
#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include "ir/graph/diagnostics.h"
#include "ir/text/pattern.h"

namespace rnc {

// The layers that `pattern` fits (ir/text/pattern.h); empty: all.
template <class Value>
struct LayerRule {
  std::string pattern;
  Value value{};
};
template <class Value>
using LayerRules = std::vector<LayerRule<Value>>;

// `option` ("--conv") and `what` ("ALGORITHM") are for messages; `parse` turns the name of a value into it. Throws
// UserError.
template <class Value, class Parse>
LayerRules<Value> parse_layer_rules(std::string_view option, std::string_view what, std::string_view text,
                                    const Parse& parse) {
  LayerRules<Value> rules;
  for (size_t begin = 0; begin <= text.size();) {
    const size_t end = std::min(text.find(',', begin), text.size());
    const std::string_view item = text.substr(begin, end - begin);
    const size_t equals = item.find('=');
    const bool all = equals == std::string_view::npos;
    if (!all && equals == 0)
      throw UserError({}, fmt::format("{}: '{}' must be LAYER={}", option, item, what));
    const std::string pattern(all ? "" : item.substr(0, equals));
    rules.push_back({pattern, parse(all ? item : item.substr(equals + 1))});
    begin = end + 1;
  }
  return rules;
}

// `otherwise` where no rule fits.
template <class Value>
Value value_for(const LayerRules<Value>& rules, std::string_view layer, Value otherwise) {
  for (const LayerRule<Value>& rule : rules) {
    if (rule.pattern.empty() || text::fits(rule.pattern, layer)) otherwise = rule.value;
  }
  return otherwise;
}

}  // namespace rnc
