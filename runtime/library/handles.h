// What the handles of rnrun.h are.
#pragma once

#include <cmath>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "runtime/model/arguments.h"
#include "runtime/model/model.h"
#include "runtime/model/session.h"
#include "runtime/rnrun.h"
#include "runtime/support/thread_pool.h"

struct rnrun_model {
  std::shared_ptr<const rnrun::Model> model;
};

struct rnrun_session {
  // With threads and memory of the host's, where it gives functions for them.
  rnrun_session(std::shared_ptr<const rnrun::Model> model, int threads, rnrun::ThreadPool::Host host,
                rnrun::Allocator memory)
      : allocator(std::move(memory)),
        pool(host ? rnrun::ThreadPool(threads, std::move(host)) : rnrun::ThreadPool(threads)),
        session(std::move(model), pool, allocator.allocate ? &allocator : nullptr) {}

  // Runs entry `prepare` if tensors have changed since that `entry` reads through it.
  void prepare(const rn_entry& entry);
  // The entry's arguments, kept so that a call allocates nothing that the one before had.
  rnrun::Arguments& arguments(const rn_entry& entry);
  void weights_changed() { prepared_for_training = prepared_for_inference = false; }

  std::mutex mutex;  // held while it is used
  rnrun::Allocator allocator;
  rnrun::ThreadPool pool;
  rnrun::Session session;
  std::map<const rn_entry*, rnrun::Arguments> bound;
  std::map<std::string, double> numbers;  // that were set
  double lr = std::nan("");               // of the last training step; NaN: there was none
  uint64_t seed = 0;
  int64_t steps = 0;
  int64_t copied = 0;
  // Of frozen layers, which training does not change; and of all.
  bool prepared_for_training = false;
  bool prepared_for_inference = false;
};
