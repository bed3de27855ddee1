// What PyTorch, Keras, TensorFlow and ONNX call things, and what rnc has for them.
#pragma once

#include <string_view>

#include "ir/text/suggest.h"

namespace rnc::text {

struct ForeignName {
  Wanted wanted;
  std::string_view names;  // in small letters without '_', separated by blanks
  std::string_view ours;   // empty: there is none
  std::string_view hint;   // what to do where that is not simply another name
};

// The row of a name in small letters without '_'; null if there is none.
const ForeignName* find_foreign(Wanted wanted, std::string_view name);

}  // namespace rnc::text
