#include "ir/loops/tracker.h"

#include <fmt/format.h>

#include "ir/loops/interpreter.h"

namespace rnc::loops {
namespace {

constexpr int64_t kNone = -1, kSeveral = -2;  // in place of a task

}  // namespace

Tracker::Tracker(const Memory& memory, int64_t elements)
    : memory_(memory), tasks_(static_cast<size_t>(elements), {kNone, kNone}) {}

void Tracker::read(int64_t element, int64_t task) {
  auto& [writer, reader] = tasks_[static_cast<size_t>(element)];
  if (writer == kNone && memory_.access == Access::write) {
    throw Fault(fmt::format("reads element {} of {} before it is stored", element, memory_.name));
  }
  if (writer != kNone && writer != task) {
    throw Fault(fmt::format("reads element {} of {}, which task {} stores", element, memory_.name, writer));
  }
  reader = reader == kNone || reader == task ? task : kSeveral;
}

void Tracker::store(int64_t element, int64_t task) {
  auto& [writer, reader] = tasks_[static_cast<size_t>(element)];
  if (writer != kNone && writer != task) {
    throw Fault(
        fmt::format("stores element {} of {}, which task {} stores too", element, memory_.name, writer));
  }
  if (reader != kNone && reader != task) {
    const std::string by = reader == kSeveral ? "other tasks read" : fmt::format("task {} reads", reader);
    throw Fault(fmt::format("stores element {} of {}, which {}", element, memory_.name, by));
  }
  writer = task;
}

void Tracker::finish() const {
  if (memory_.access != Access::write) return;
  const auto pitch = static_cast<size_t>(memory_.pitch);
  size_t image = 1;
  for (size_t d = 1; pitch > 0 && d < memory_.dims.size(); ++d)
    image *= static_cast<size_t>(memory_.dims[d].fixed);
  for (size_t element = 0; element < tasks_.size(); ++element) {
    if (pitch > 0 && element % pitch >= image) continue;  // of what lies beside
    if (tasks_[element].writer == kNone) {
      throw Fault(fmt::format("element {} of {} is never stored", element, memory_.name));
    }
  }
}

}  // namespace rnc::loops
