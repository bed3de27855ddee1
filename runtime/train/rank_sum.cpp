#include "runtime/train/rank_sum.h"

#include <algorithm>

#include "runtime/train/for_blocks.h"

namespace rnrun {

namespace {

constexpr int64_t kFloats = Communicator::kBlock / static_cast<int64_t>(sizeof(float));  // of a block

// The slice of a rank, in blocks.
PartRange slice_of(int64_t floats, int rank, int ranks) {
  return parts_of_rank(floats / kFloats, rank, ranks);
}

int64_t blocks_in(PartRange slice) { return slice.end - slice.begin; }

void reserve(Memory& memory, int64_t floats) {
  const auto bytes = floats * static_cast<int64_t>(sizeof(float));
  if (memory.size() < bytes) memory = Memory(bytes, "gradients of other ranks");
}

}  // namespace

// Gets of every rank this one's slice of its partial sums, one after the other, into in_.
void RankSum::send_out(int64_t leaves, std::span<const PartialSum> own, int64_t floats) {
  const int size = ranks_.size();
  const PartRange mine = slice_of(floats, ranks_.rank(), size);
  std::vector<int> blocks_out, blocks_in_;
  int64_t all_in = 0;
  for (int r = 0; r < size; ++r) {
    const auto nodes = static_cast<int64_t>(nodes_of(leaves, parts_of_rank(leaves, r, size)).size());
    blocks_out.push_back(
        static_cast<int>(static_cast<int64_t>(own.size()) * blocks_in(slice_of(floats, r, size))));
    blocks_in_.push_back(static_cast<int>(nodes * blocks_in(mine)));
    all_in += blocks_in_.back();
  }
  reserve(out_, static_cast<int64_t>(own.size()) * floats);
  reserve(in_, all_in * kFloats);
  auto* at = reinterpret_cast<float*>(out_.data());
  for (int r = 0; r < size; ++r) {
    const PartRange slice = slice_of(floats, r, size);
    for (const PartialSum& sum : own) {
      at =
          std::copy(sum.values.begin() + slice.begin * kFloats, sum.values.begin() + slice.end * kFloats, at);
    }
  }
  ranks_.swap(out_, blocks_out, in_, blocks_in_);
}

// Of what has come in.
std::span<float> RankSum::add_slices(int64_t leaves, int64_t floats) {
  const int size = ranks_.size();
  const auto each = static_cast<size_t>(blocks_in(slice_of(floats, ranks_.rank(), size)) * kFloats);
  auto* at = reinterpret_cast<float*>(in_.data());
  std::vector<PartialSum> sums;
  for (int r = 0; r < size; ++r)
    for (const PartRange node : nodes_of(leaves, parts_of_rank(leaves, r, size))) {
      sums.push_back({node, {at, each}});
      at += each;
      add_up(sums, leaves, [&](auto sum, auto values) { add_to(*pool_, sum, values); });
    }
  return sums.front().values;
}

std::span<const float> RankSum::sum(int64_t leaves, std::span<const PartialSum> own, std::span<float> total) {
  const auto floats = static_cast<int64_t>(total.size());
  send_out(leaves, own, floats);
  const std::span<float> slice = add_slices(leaves, floats);
  std::vector<int> blocks;
  for (int r = 0; r < ranks_.size(); ++r)
    blocks.push_back(static_cast<int>(blocks_in(slice_of(floats, r, ranks_.size()))));
  std::ranges::copy(slice, total.begin() + slice_of(floats, ranks_.rank(), ranks_.size()).begin * kFloats);
  ranks_.gather(std::as_writable_bytes(total), blocks);
  return total;
}

}  // namespace rnrun
