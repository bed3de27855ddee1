// The functions of rnrun.h that make sessions and set numbers in them.
#include <fmt/format.h>

#include "runtime/library/handles.h"
#include "runtime/library/numbers.h"
#include "runtime/library/status.h"

using namespace rnrun;

void rnrun_session::prepare(const rn_entry& entry) {
  if ((entry.tensor_kinds >> RN_PREPARED & 1) == 0) return;
  const bool trains = entry.role == RN_TRAIN_STEP || entry.role == RN_BACKWARD;
  bool& done = trains ? prepared_for_training : prepared_for_inference;
  if (done) return;
  session.prepare_for(entry);
  done = prepared_for_training = true;
}

Arguments& rnrun_session::arguments(const rn_entry& entry) {
  return bound.try_emplace(&entry, session, entry).first->second;
}

rnrun_status rnrun_session_create(const rnrun_model* model, int threads, rnrun_session** session) {
  const rnrun_host host{.threads = threads};
  return rnrun_session_create_in(model, &host, session);
}

rnrun_status rnrun_session_create_in(const rnrun_model* model, const rnrun_host* host,
                                     rnrun_session** session) {
  return guarded([&] {
    need(model, "model", host, "host", session, "session");
    const rnrun_host h = *host;
    if ((h.allocate == nullptr) != (h.release == nullptr))
      throw UsageError("a host gives both functions for memory, or neither");
    if (h.parallel_for != nullptr && h.threads < 1)
      throw UsageError("a host's parallel_for has at least 1 thread");
    ThreadPool::Host threads;
    if (h.parallel_for != nullptr)
      threads = [h](int64_t count, rn_task task, const void* data) {
        h.parallel_for(h.context, count, task, data);
      };
    Allocator memory;
    if (h.allocate != nullptr) {
      memory.allocate = [h](size_t bytes) { return h.allocate(h.context, bytes); };
      memory.release = [h](void* data, size_t bytes) { h.release(h.context, data, bytes); };
    }
    auto created = std::make_unique<rnrun_session>(model->model, checked_threads(h.threads),
                                                   std::move(threads), std::move(memory));
    created->session.initialize(0);
    *session = created.release();
  });
}

rnrun_status rnrun_set_progress(rnrun_session* session, rnrun_progress progress, void* context) {
  return guarded([&] {
    need(session, "session");
    const std::lock_guard lock(session->mutex);
    RunProgress told;
    if (progress != nullptr)
      told = [progress, context](int64_t done, int64_t calls) { return progress(context, done, calls) == 0; };
    session->session.set_progress(std::move(told));
  });
}

void rnrun_session_free(rnrun_session* session) { delete session; }

rnrun_status rnrun_initialize(rnrun_session* session, uint64_t seed) {
  return guarded([&] {
    need(session, "session");
    const std::lock_guard lock(session->mutex);
    session->session.initialize(seed);
    session->seed = seed;
    session->steps = 0;
    session->weights_changed();
  });
}

rnrun_status rnrun_set_number(rnrun_session* session, const char* name, double value) {
  return guarded([&] {
    need(session, "session", name, "name");
    const std::lock_guard lock(session->mutex);
    bool found = false;
    for (const rn_entry& entry : session->session.model().entries())
      for (const rn_value& v : inputs(entry))
        found = found || (v.type.rank == 0 && std::string_view(v.name) == name);
    if (!found)
      throw UsageError(fmt::format("no entry of the model {} has a scalar input '{}'",
                                   session->session.model().name(), name));
    session->session.set_scalar(name, value);
    session->numbers[name] = value;
  });
}

int64_t rnrun_steps(rnrun_session* session) {
  if (session == nullptr) return 0;
  const std::lock_guard lock(session->mutex);
  return session->steps;
}

int64_t rnrun_copied_bytes(rnrun_session* session) {
  if (session == nullptr) return 0;
  const std::lock_guard lock(session->mutex);
  return session->copied;
}
