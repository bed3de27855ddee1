// Kernels are compared by their text, which shows all of them.
#include <algorithm>

#include "ir/loops/text/text.h"

namespace rnc::loops {
namespace {

std::string place(const SourceLocation& location) { return location.str(); }

// Of two parts of programs.
struct Equal {
  bool operator()(const Node& a, const Node& b) const {
    return a.name == b.name && a.type == b.type && a.attributes == b.attributes;
  }

  bool operator()(const Buffer& a, const Buffer& b) const {
    return a.name == b.name && a.region == b.region && a.index == b.index && a.size == b.size &&
           a.offset == b.offset && a.type == b.type;
  }

  bool operator()(const Work& a, const Work& b) const {
    return a.flops == b.flops && a.bytes == b.bytes && a.algorithm == b.algorithm &&
           a.direction == b.direction && a.operations == b.operations && a.from_batch == b.from_batch &&
           a.direct_bytes == b.direct_bytes;
  }

  bool operator()(const Call& a, const Call& b) const {
    return a.kernel == b.kernel && a.label == b.label && place(a.location) == place(b.location) &&
           a.arguments == b.arguments && a.in_place == b.in_place && (*this)(a.work, b.work);
  }

  bool operator()(const EntryProgram& a, const EntryProgram& b) const {
    return a.name == b.name && a.role == b.role && a.roles == b.roles && lists(a.inputs, b.inputs) &&
           a.classes == b.classes && a.ignored_labels == b.ignored_labels && a.min_batch == b.min_batch &&
           a.min_batch_layer == b.min_batch_layer && a.outputs == b.outputs && lists(a.buffers, b.buffers) &&
           lists(a.calls, b.calls) && a.arena == b.arena && a.live_bound == b.live_bound &&
           a.direct_flops == b.direct_flops;
  }

  bool operator()(const Kernel& a, const Kernel& b) const {
    return print(a) == print(b) && place(a.location) == place(b.location) &&
           scratch_bytes(a) == scratch_bytes(b);
  }

  template <class T>
  bool lists(const std::vector<T>& a, const std::vector<T>& b) const {
    return std::ranges::equal(a, b, *this);
  }
};

}  // namespace

bool equal(const Program& a, const Program& b) {
  const Equal equal;
  return equal.lists(a.kernels, b.kernels) && equal.lists(a.entries, b.entries) && a.constants == b.constants;
}

}  // namespace rnc::loops
