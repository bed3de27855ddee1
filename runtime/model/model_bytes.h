// A model library that lies in memory, not in a file.
#pragma once

#include <cstddef>
#include <memory>
#include <span>

#include "runtime/model/model.h"

namespace rnrun {

// Copies the bytes. Throws Error as Model::load does.
std::shared_ptr<const Model> load_model(std::span<const std::byte> bytes);

}  // namespace rnrun
