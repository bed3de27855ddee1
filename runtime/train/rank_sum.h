// Adds up over the ranks of a job what each has added up of its own parts of a step, in the order of the tree
// (sum_tree.h). Each rank gets a slice of every rank's partial sums, adds these up, and sends the result to all: with one
// partial sum a rank, 2 (R - 1) / R times their size goes out of each of R ranks, which is the least there is (Patarasuk
// and Yuan, "Bandwidth optimal all-reduce algorithms for clusters of workstations", 2009).
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "runtime/ranks/communicator.h"
#include "runtime/support/memory.h"
#include "runtime/support/thread_pool.h"
#include "runtime/train/sum_tree.h"

namespace rnrun {

class RankSum {
 public:
  // `pool` must outlive it.
  RankSum(ThreadPool& pool, Communicator ranks) : pool_(&pool), ranks_(std::move(ranks)) {}
  // `own`: this rank's nodes of the tree over `leaves`, nodes_of its range by parts_of_rank. The sum of all goes to `total`,
  // which is returned; it is of the same size on every rank, a multiple of Communicator::kBlock bytes, as the partial sums.
  std::span<const float> sum(int64_t leaves, std::span<const PartialSum> own, std::span<float> total);

 private:
  void send_out(int64_t leaves, std::span<const PartialSum> own, int64_t floats);
  std::span<float> add_slices(int64_t leaves, int64_t floats);

  ThreadPool* pool_;
  Communicator ranks_;
  Memory out_, in_;  // slices for the ranks, and of them
};

}  // namespace rnrun
