// What tests of the loop IR share.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "ir/loops/loops.h"

namespace rnc::loops {

inline MemoryRef memory(std::string name, std::vector<Extent> dims, Space space = Space::parameter,
                        Access access = Access::read, Scalar scalar = Scalar::f32) {
  return std::make_shared<const Memory>(Memory{std::move(name), scalar, std::move(dims), space, access});
}

}  // namespace rnc::loops
