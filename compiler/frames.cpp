#include "compiler/frames.h"

#include <fmt/format.h>

#include <algorithm>

namespace rnc {

std::string frame_table(std::vector<KernelFrame> frames) {
  constexpr double kMuch = 0.01;  // of all instructions
  const size_t all = frames.size();
  const auto in_order =
      std::ranges::count_if(frames, [](const KernelFrame& f) { return !f.frame.scheduled; });
  const auto outside = std::ranges::count_if(frames, [](const KernelFrame& f) {
    return f.frame.microkernel_spills == 0 && f.frame.spill_share > kMuch;
  });
  std::erase_if(frames, [](const KernelFrame& f) { return f.frame.microkernel_spills == 0; });
  std::ranges::stable_sort(frames, std::greater<>{},
                           [](const KernelFrame& f) { return f.frame.microkernel_spills; });
  std::string text = fmt::format(
      "{} kernels, {} of them without the machine scheduler: {} spill vectors in a microkernel, {} others "
      "in more than {:.0f} % of their instructions\n",
      all, in_order, frames.size(), outside, 100 * kMuch);
  for (const auto& [kernel, frame] : frames) {
    text += fmt::format(
        "  {}: {} instructions of microkernels access spilled vectors, frame of {} bytes, scheduler {}\n",
        kernel, frame.microkernel_spills, frame.bytes, frame.scheduled ? "on" : "off");
  }
  return text;
}

int64_t largest_frame(const std::vector<KernelFrame>& frames) {
  int64_t bytes = 0;
  for (const KernelFrame& kernel : frames) bytes = std::max(bytes, kernel.frame.bytes);
  return bytes;
}

}  // namespace rnc
