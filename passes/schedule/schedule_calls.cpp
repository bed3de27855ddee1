// Two calls may change places when neither stores to a buffer that the other touches. The last use of a
// buffer has to stay the last, and so counts as a store. A part of a buffer counts as all of it.
#include "passes/schedule/schedule_calls.h"

#include <algorithm>
#include <map>

#include "ir/loops/buffers.h"

namespace rnc {
namespace {

using loops::Access;
using loops::Call;
using loops::EntryProgram;
using loops::Region;

// The buffers a call touches, and whether other calls that touch them must stay on their side of it.
using Touches = std::map<int, bool>;

bool may_swap(const Touches& a, const Touches& b) {
  return std::ranges::none_of(a, [&](const auto& touch) {
    const auto& [buffer, fixed] = touch;
    const auto other = b.find(buffer);
    return other != b.end() && (fixed || other->second);
  });
}

}  // namespace

bool schedule_calls(const loops::Program& program, EntryProgram& entry) {
  std::map<int, size_t> first, last;  // the calls that touch each arena buffer
  for (size_t c = 0; c < entry.calls.size(); ++c) {
    for (const int argument : entry.calls[c].arguments) {
      const int buffer = loops::whole_of(entry.buffers, argument);
      if (entry.buffers[static_cast<size_t>(buffer)].region != Region::arena) continue;
      first.emplace(buffer, c);
      last[buffer] = c;
    }
  }
  std::vector<Touches> touched;
  std::vector<size_t> order;
  for (size_t c = 0; c < entry.calls.size(); ++c) {
    const Call& call = entry.calls[c];
    const loops::Kernel& kernel = program.kernels[static_cast<size_t>(call.kernel)];
    Touches& touches = touched.emplace_back();
    bool begins = false, ends = false;
    for (size_t i = 0; i < call.arguments.size(); ++i) {
      const int buffer = loops::whole_of(entry.buffers, call.arguments[i]);
      const bool is_last = last.contains(buffer) && last[buffer] == c;
      begins = begins || (first.contains(buffer) && first[buffer] == c);
      ends = ends || is_last;
      touches[buffer] = touches[buffer] || is_last || kernel.params[i]->access != Access::read;
    }
    auto place = order.end();
    if (ends && !begins) {
      while (place != order.begin() && may_swap(touched[*std::prev(place)], touches)) --place;
    }
    order.insert(place, c);
  }
  std::vector<Call> calls;
  for (const size_t c : order) calls.push_back(std::move(entry.calls[c]));
  entry.calls = std::move(calls);
  return !std::ranges::is_sorted(order);
}

}  // namespace rnc
