#include "runtime/train/divergence.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <span>

namespace rnrun {

namespace {

bool all_finite(std::span<const float> values) {
  return std::ranges::all_of(values, [](float value) { return std::isfinite(value); });
}

std::span<const float> floats(const std::byte* data, int64_t bytes) {
  return {reinterpret_cast<const float*>(data), static_cast<size_t>(bytes) / sizeof(float)};
}

// Looks at every array when the first call has written to it.
class Search : public CallObserver {
 public:
  Search(const rn_entry& entry, int64_t batch) : entry_(entry), batch_(batch) {}
  void after(int64_t call, const std::byte* arena) override {
    for (int64_t i = 0; i < entry_.buffer_count && found_ < 0; ++i) {
      const rn_buffer& buffer = entry_.buffers[i];
      if (buffer.first_call != call || buffer.dtype != RN_F32) continue;
      if (!all_finite(floats(arena + at(buffer.offset, batch_), at(buffer.bytes, batch_)))) found_ = call;
    }
  }
  int64_t found() const { return found_; }

 private:
  const rn_entry& entry_;
  int64_t batch_;
  int64_t found_ = -1;
};

}  // namespace

const rn_tensor* first_bad_tensor(Session& session, rn_tensor_kind kind) {
  const std::byte* region = session.region(kind).data();
  for (const rn_tensor& t : session.model().tensors())
    if (t.kind == kind && t.type.dtype == RN_F32 && !all_finite(floats(region + t.offset, t.bytes)))
      return &t;
  return nullptr;
}

std::string first_bad_layer(Session& session, BoundEntry& entry, int64_t batch) {
  if (const rn_tensor* t = first_bad_tensor(session, RN_PARAMETER))
    return fmt::format("{} is not finite since the step before", t->name);
  Search search(entry.entry(), batch);
  entry.run(batch, {.observer = &search});
  if (search.found() < 0 || search.found() >= entry.entry().call_count) return {};
  return fmt::format("the first values that are not finite are those of {}",
                     entry.entry().calls[search.found()].layer);
}

}  // namespace rnrun
