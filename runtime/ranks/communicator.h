// The ranks of a job: processes, on one machine or on many, that do one thing together. The only place that knows how they
// speak with each other; everything above it gives and takes bytes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/ranks/job.h"
#include "runtime/support/memory.h"

namespace rnrun {

// A handle, to be copied. Every rank calls the same functions in the same order, from one thread at a time; each waits for
// the others, and throws RankFailed when one of them has failed, Error when the wait has taken too long or the network
// fails. A process alone is rank 0 of 1; nothing waits then.
class Communicator {
 public:
  Communicator() = default;  // this process alone
  // The ranks that a launcher of MPI has started (mpi_library.h), or this process alone. No wait may take longer than
  // `timeout` seconds, or, after a signal that asks to stop, half a minute.
  static Communicator start(double timeout);

  int rank() const;
  int size() const;
  bool is_first() const { return rank() == 0; }
  // Whether a launcher has started this process, be it as the only one.
  bool is_launched() const { return launched_; }

  // What every rank gives, by rank.
  std::vector<std::string> exchange(std::string_view mine) const;
  // Rank 0's bytes; those of the others are replaced.
  void broadcast(std::string& bytes) const;
  // Parts for the ranks one after the other, each so many blocks long (kBlock); gives what they have sent in the same way.
  static constexpr int64_t kBlock = 64;
  void swap(const Memory& out, std::span<const int> blocks_out, Memory& in,
            std::span<const int> blocks_in) const;
  // Gives all ranks' parts of `all`, which come one after the other, to all; each has its own there already.
  void gather(std::span<std::byte> all, std::span<const int> blocks) const;

  // Seconds that this rank has waited in the functions above.
  double waited() const;

  // Tells this rank's user and the other ranks that it has failed, and ends all; does not return.
  [[noreturn]] void fail(const Error& error) const;
  // At the end: waits for all. No other function may be called afterwards.
  void finish() const;

 private:
  std::shared_ptr<Job> job_;  // null: alone
  bool launched_ = false;
};

}  // namespace rnrun
