// What the tests of the text form share.
#pragma once

#include <doctest/doctest.h>

#include <algorithm>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "ir/text/text.h"

namespace rnc {

inline std::shared_ptr<const SourceFile> source_of(std::string_view text) {
  return std::make_shared<SourceFile>(SourceFile{"m.graph", std::string(text)});
}

inline Module parse_text(std::string_view text, const ElaborateOptions& options = {}) {
  return parse(source_of(text), options);
}

// The full text of the diagnostic that parsing ends in; "no error" if there is none.
inline std::string error_of(std::string_view text, const ElaborateOptions& options = {}) {
  try {
    parse_text(text, options);
    return "no error";
  } catch (const UserError& error) {
    return error.render();
  }
}

// The node of this name in the module's first entry.
inline const Node& node(const Module& module, std::string_view name) {
  const std::vector<Node>& nodes = module.entries.at(0).nodes;
  const auto it = std::ranges::find(nodes, name, &Node::name);
  REQUIRE(it != nodes.end());
  return *it;
}

// A model with an image of 3x8x8 and a label. `body` starts and ends inside a line.
inline std::string spec(std::string_view body) {
  return "model m(x: f32[N, 3, 8, 8], label: i32[N]) {" + std::string(body) + "\n}\n";
}

// The dump of a model with one tensor w : f32[4].
inline std::string dump(std::string_view body) {
  return "model m {\n  parameter w : f32[4]" + std::string(body) + "\n}\n";
}

struct ErrorCase {
  const char* what;
  std::string text;
  std::string error;
  ElaborateOptions options;
};
inline void check_errors(const std::vector<ErrorCase>& cases) {
  for (const ErrorCase& each : cases) {
    CAPTURE(each.what);
    CHECK(error_of(each.text, each.options) == each.error);
  }
}

}  // namespace rnc
