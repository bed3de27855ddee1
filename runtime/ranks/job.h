// A process's connection to the other ranks of its job: waiting for what is under way, and failing together.
#pragma once

#include <chrono>
#include <string_view>

#include "runtime/ranks/mpi_interface.h"
#include "runtime/support/error.h"

namespace rnrun {

// Another rank has failed: what it says.
class RankFailed : public Error {
 public:
  RankFailed(int rank, std::string_view why);
  int rank() const { return rank_; }

 private:
  int rank_;
};

class Job {
 public:
  // See Communicator::start.
  Job(const rnrun_mpi& mpi, double timeout);
  Job(const Job&) = delete;
  Job& operator=(const Job&) = delete;

  int rank() const { return rank_; }
  int size() const { return size_; }
  double waited() const { return waited_; }
  const rnrun_mpi& mpi() const { return mpi_; }
  rnrun_mpi_context* context() const { return context_; }

  // Until all of an operation is done. Throws RankFailed and Error as Communicator says; the other ranks know it then, and
  // nothing but `fail` may be called.
  void wait(rnrun_mpi_operation* operation);
  // See Communicator::fail.
  [[noreturn]] void fail(const Error& error) const;
  void finish();

 private:
  using Clock = std::chrono::steady_clock;
  void await(rnrun_mpi_operation* operation, Clock::time_point start);
  void check(int error, std::string_view what) const;
  void note_signal();
  void hear_failure() const;
  void tell(int rank, char kind, std::string_view text) const;
  void tell_all(std::string_view text) const;
  void await_notes(int count) const;

  const rnrun_mpi& mpi_;
  double timeout_;
  rnrun_mpi_context* context_ = nullptr;
  int rank_ = 0;
  int size_ = 1;
  double waited_ = 0;
  bool stopping_ = false;  // a signal has asked for it, and the user knows
  bool broken_ =
      false;  // MPI may not be called for anything that moves data: the memory of what was under way is gone
};

}  // namespace rnrun
