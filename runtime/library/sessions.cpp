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
  return guarded([&] {
    need(model, "model", session, "session");
    auto created = std::make_unique<rnrun_session>(model->model, checked_threads(threads));
    created->session.initialize(0);
    *session = created.release();
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
