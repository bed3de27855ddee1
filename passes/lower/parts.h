// Concatenations and slices that cost nothing: values that lie in the memory of another one.
//
// Along blocks of channels, an operand of concat is a part of every image of the result, and a slice is one of its
// operand. What makes the operand stores it there, image by image, and what reads the slice reads it there. A
// concatenation of parts that follow each other already is where they are: in a dense block all are in that of the last
// layer. It takes whole blocks of channels, images of whole cache lines, and memory that nothing sees otherwise than
// image by image. A kernel is made for the size of the images that its parts are of; so slices of which convolutions are
// computed are copied, as the gradient of each layer of a dense block is one of a larger value than the last, and each
// would take kernels of its own.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <set>

#include "ir/graph/graph.h"

namespace rnc {

struct Part {
  ValueId whole = kNoValue;  // which is no part itself
  int64_t offset = 0;        // bytes in each image of the whole
  int64_t pitch = 0;         // bytes of such an image
};

class Parts {
 public:
  // Whether a value has planned memory of its own that may lie anywhere.
  using Movable = std::function<bool(ValueId)>;
  Parts() = default;
  // Of a graph whose nodes have their kernels.
  Parts(const Graph& graph, const Movable& movable);

  // Null where the value is no part.
  const Part* find(ValueId v) const;
  // Whether the elements of this concatenation or slice are in its memory already.
  bool copies_nothing(ValueId v) const { return free_.contains(v); }

 private:
  Part place_of(const Graph& graph, ValueId v) const;
  void place_operands(const Graph& graph, ValueId v, const Movable& movable);
  // Whether the operands of a concatenation do.
  bool follow_each_other(const Graph& graph, ValueId v) const;
  void place_slice(const Graph& graph, ValueId v);

  std::map<ValueId, Part> parts_;
  std::set<ValueId> free_;
};

}  // namespace rnc
