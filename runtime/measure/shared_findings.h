// What an evaluation shared by several ranks finds out: rank 0's findings see every batch in the order of the data, as if
// it had run them all.
#pragma once

#include <cstdint>
#include <functional>
#include <span>

#include "runtime/data/loader.h"
#include "runtime/model/bound_entry.h"
#include "runtime/ranks/communicator.h"
#include "runtime/support/memory.h"
#include "runtime/task/findings.h"

namespace rnrun {

class SharedFindings {
 public:
  // `findings` and `entry` must outlive it. A batch has `fields`.
  SharedFindings(Findings& findings, BoundEntry& entry, std::vector<Field> fields, Communicator ranks)
      : findings_(findings), entry_(entry), fields_(std::move(fields)), ranks_(std::move(ranks)) {}
  // On every rank, of which rank r has run the batch of samples batches[r], by their indices in the data set; none, if
  // that is empty. `own` is this rank's batch. Afterwards the entry's outputs are no longer those of it.
  void add(std::span<const std::span<const uint32_t>> batches, const Batch& own);

 private:
  int64_t bytes_of(int64_t samples) const;
  void for_parts(int64_t samples, const std::function<void(std::span<std::byte> output)>& output,
                 const std::function<void(size_t field, int64_t bytes)>& field) const;
  void send(const Batch& own, std::span<std::byte> to) const;
  void add_sent(std::span<const uint32_t> indices, const std::byte* from);

  Findings& findings_;
  BoundEntry& entry_;
  std::vector<Field> fields_;
  Communicator ranks_;
  Memory out_, in_;
};

}  // namespace rnrun
