// Buffers of an entry and their parts: which bytes they share, and which have been stored to.
#pragma once

#include <cstdint>
#include <map>
#include <utility>
#include <vector>

#include "ir/loops/program.h"

namespace rnc::loops {

// The buffer of which one is a part; else that one.
int whole_of(const std::vector<Buffer>& buffers, int buffer);

// Whether two buffers have bytes in common, without regard to what lies where in the arena.
bool overlap(const std::vector<Buffer>& buffers, int a, int b);

// Whether a call lets `written` take over the place of `read`: they are a pair of its in_place, their elements take as
// many bytes, so that each lies where the one it is computed from did, and it is given no part of either, whose elements
// lie elsewhere than those of the pair.
bool may_take_over(const std::vector<Buffer>& buffers, const Call& call, int written, int read);

// What calls before one have stored to.
class StoredBytes {
 public:
  explicit StoredBytes(const std::vector<Buffer>& buffers);
  void add(int buffer);
  // Whether all of it has been stored to, at once or in parts.
  bool contains(int buffer) const;

 private:
  // The bytes of each image of the whole.
  std::pair<int64_t, int64_t> range_of(int buffer) const;

  const std::vector<Buffer>& buffers_;
  std::map<int, int64_t> ends_;                       // of wholes that have parts, the bytes of an image
  std::map<int, std::map<int64_t, int64_t>> ranges_;  // of each whole, begin to end, apart
};

}  // namespace rnc::loops
