#include "runtime/ranks/job.h"

#include <fmt/format.h>
#include <sched.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <thread>

#include "runtime/support/interrupt.h"
#include "runtime/support/output.h"

namespace rnrun {

namespace {

using std::chrono::duration;

constexpr double kSpinSeconds = 0.001;                  // a wait begins by asking again and again,
constexpr auto kPause = std::chrono::microseconds(50);  // then rests in between
constexpr int kAsksPerNote = 64;                        // between looks for notes
constexpr double kStopSeconds = 30;                     // that a wait may take after a signal to stop
constexpr double kLastSeconds = 10;                     // for all to hear of a failure before the end
constexpr char kFailedNote = 'F', kHeardNote = 'H';

double seconds_since(std::chrono::steady_clock::time_point start) {
  return duration<double>(std::chrono::steady_clock::now() - start).count();
}

}  // namespace

RankFailed::RankFailed(int rank, std::string_view why)
    : Error(fmt::format("rank {} has failed: {}", rank, why)), rank_(rank) {}

Job::Job(const rnrun_mpi& mpi, double timeout) : mpi_(mpi), timeout_(timeout) {
  check(mpi_.start(&context_, &rank_, &size_), "cannot enter the job");
}

void Job::check(int error, std::string_view what) const {
  if (error == 0) return;
  std::array<char, 512> text{};
  mpi_.error_text(error, text.data(), static_cast<int>(text.size()));
  throw Error(fmt::format("{}: {}", what, text.data()));
}

void Job::wait(rnrun_mpi_operation* operation) {
  const auto start = Clock::now();
  try {
    await(operation, start);
  } catch (const RankFailed&) {
    broken_ = true;
    throw;
  } catch (const Error& error) {
    tell_all(error.what());
    broken_ = true;
    throw;
  }
  waited_ += seconds_since(start);
}

void Job::await(rnrun_mpi_operation* operation, Clock::time_point start) {
  if (operation == nullptr) throw Error("MPI cannot begin to send");
  note_signal();
  int done = 0;
  for (int64_t asked = 0;; ++asked) {
    check(mpi_.test(operation, &done), "the network fails");
    if (done != 0) return;
    if (asked % kAsksPerNote == 0) hear_failure();
    if (seconds_since(start) < kSpinSeconds) {
      sched_yield();
      continue;
    }
    std::this_thread::sleep_for(kPause);
    note_signal();
    if (seconds_since(start) > (stopping_ ? std::min(kStopSeconds, timeout_) : timeout_))
      throw Error(fmt::format("the other ranks have not answered for {:.0f} seconds", seconds_since(start)));
  }
}

void Job::note_signal() {
  if (interrupted() == 0 || stopping_) return;
  stopping_ = true;
  print_message(
      fmt::format("rnrun: rank {}: signal {}: stopping together with the other ranks", rank_, interrupted()));
}

void Job::fail(const Error& error) const {
  const auto* other = dynamic_cast<const RankFailed*>(&error);
  print_message(
      fmt::format("rnrun: error: rank {}{}: {}", rank_, other != nullptr ? " stops" : "", error.what()));
  std::fflush(nullptr);
  if (other != nullptr)
    tell(other->rank(), kHeardNote, "");  // which then ends all, those that print included
  if (broken_) {
    std::this_thread::sleep_for(duration<double>(other != nullptr ? kLastSeconds : 1));
  } else {
    tell_all(error.what());
    await_notes(size_ - 1);
  }
  mpi_.abort(context_, error.status());
  std::_Exit(error.status());
}

void Job::finish() { check(mpi_.finish(context_), "cannot leave the job"); }

void Job::hear_failure() const {
  std::array<char, RNRUN_MPI_NOTE> note{};
  int from = -1;
  check(mpi_.hear(context_, &from, note.data()), "the network fails");
  if (from >= 0 && note[0] == kFailedNote) throw RankFailed(from, note.data() + 1);
}

void Job::tell(int rank, char kind, std::string_view text) const {
  std::array<char, RNRUN_MPI_NOTE> note{kind};
  text.copy(note.data() + 1, note.size() - 2);
  mpi_.tell(context_, rank, note.data());
}

void Job::tell_all(std::string_view text) const {
  for (int r = 0; r < size_; ++r)
    if (r != rank_) tell(r, kFailedNote, text);
}

// Waits for so many, of ranks that have heard or have failed by themselves; not for long.
void Job::await_notes(int count) const {
  std::array<char, RNRUN_MPI_NOTE> note{};
  const auto start = Clock::now();
  while (count > 0 && seconds_since(start) < kLastSeconds) {
    int from = -1;
    if (mpi_.hear(context_, &from, note.data()) != 0) return;
    if (from >= 0)
      --count;
    else
      std::this_thread::sleep_for(kPause);
  }
}

}  // namespace rnrun
