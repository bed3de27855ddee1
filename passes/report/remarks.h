// Remarks: why a pass decided as it did, for whoever asks by --remarks.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "ir/graph/diagnostics.h"

namespace rnc {

struct Remark {
  std::string_view pass;
  SourceLocation location;  // of what was decided about, in the spec
  std::string text;         // "layer1.0.conv1: winograd4, ..."
};
using Remarks = std::vector<Remark>;

// "resnet18.graph:12:7: remark: layer1.0.conv1: winograd4, ... [choose_algorithm]", a line each.
std::string str(const Remarks& remarks);

}  // namespace rnc
