// Patterns of names on the command line and in specs: --freeze 'layer1.*', --conv='layer2.0.conv1=direct'.
#pragma once

#include <string>
#include <string_view>

namespace rnc::text {

// Whether the pattern fits a name, or the name of a layer that the named thing is in; `*` stands for any
// characters.
bool fits(std::string_view pattern, std::string_view name);

}  // namespace rnc::text
