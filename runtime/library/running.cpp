// The functions of rnrun.h that run entries.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "runtime/library/arrays.h"
#include "runtime/library/handles.h"
#include "runtime/library/status.h"
#include "runtime/support/random.h"

using namespace rnrun;

namespace {

constexpr std::string_view kSource = "the call";

// What the caller wants of one run.
struct Wanted {
  const rnrun_array* inputs;
  int64_t input_count;
  const rnrun_array* outputs;
  int64_t output_count;
};

// A scalar of an entry that the caller may leave out.
class DefaultNumber {
 public:
  void add_to(std::vector<Argument>& inputs, const rn_entry& entry, rn_value_role role, double value) {
    const rn_value* input = find(rnrun::inputs(entry), role);
    if (input == nullptr || std::ranges::find(inputs, input->name, &Argument::name) != inputs.end()) return;
    value_ = value;
    inputs.push_back({input->name, DType::f64, {}, &value_});
  }

 private:
  double value_ = 0;
};

// Runs the entry. Returns its loss, NaN if it has none.
double run(rnrun_session& s, const rn_entry& entry, const Wanted& wanted) {
  std::vector<Argument> inputs = arguments_of(wanted.inputs, wanted.input_count, "inputs");
  const std::vector<Argument> outputs = arguments_of(wanted.outputs, wanted.output_count, "outputs");
  DefaultNumber step, seed;
  step.add_to(inputs, entry, RN_STEP, static_cast<double>(s.steps + 1));
  seed.add_to(inputs, entry, RN_SEED, seed_of_run(s.seed, s.steps + 1));
  Arguments& arguments = s.arguments(entry);
  arguments.bind_inputs(inputs, kSource);
  arguments.bind_outputs(outputs, kSource);
  s.prepare(entry);
  arguments.run();
  s.copied = arguments.copied();
  if (const rn_value* lr = find(rnrun::inputs(entry), RN_LEARNING_RATE))
    s.lr = *static_cast<const double*>(arguments.input(*lr));
  const rn_value* loss = find(rnrun::outputs(entry), RN_LOSS);
  return loss == nullptr ? std::nan("")
                         : static_cast<double>(*static_cast<const float*>(arguments.output(*loss)));
}

// Running statistics change with every training step, parameters when it updates them.
void note_changes(rnrun_session& s, const rn_entry& entry) {
  if (entry.role == RN_TRAIN_STEP || entry.role == RN_BACKWARD || entry.role == RN_UPDATE)
    s.prepared_for_inference = false;
}

rnrun_status run_role(rnrun_session* session, rn_entry_role role, const Wanted& wanted, double* loss) {
  return guarded([&] {
    need(session, "session");
    const std::lock_guard lock(session->mutex);
    const rn_entry* entry = session->session.model().find_entry(role);
    if (entry == nullptr) {
      try {
        session->session.model().entry(role);
      } catch (const Error& error) {
        throw UsageError(error.what());
      }
    }
    const double value = run(*session, *entry, wanted);
    if (loss != nullptr) *loss = value;
    note_changes(*session, *entry);
    if (role != RN_TRAIN_STEP) return;
    if (!std::isfinite(value))
      throw Diverged(fmt::format("the loss is {} in step {}; the training has diverged: try a lower lr",
                                 value, session->steps + 1));
    ++session->steps;
  });
}

}  // namespace

rnrun_status rnrun_infer(rnrun_session* session, const rnrun_array* inputs, int64_t input_count,
                         const rnrun_array* outputs, int64_t output_count) {
  return run_role(session, RN_INFER, {inputs, input_count, outputs, output_count}, nullptr);
}

rnrun_status rnrun_evaluate(rnrun_session* session, const rnrun_array* inputs, int64_t input_count,
                            const rnrun_array* outputs, int64_t output_count, double* loss) {
  return run_role(session, RN_EVALUATE, {inputs, input_count, outputs, output_count}, loss);
}

rnrun_status rnrun_train_step(rnrun_session* session, const rnrun_array* inputs, int64_t input_count,
                              const rnrun_array* outputs, int64_t output_count, double* loss) {
  return run_role(session, RN_TRAIN_STEP, {inputs, input_count, outputs, output_count}, loss);
}

rnrun_status rnrun_call(rnrun_session* session, const char* entry, const rnrun_array* inputs,
                        int64_t input_count, const rnrun_array* outputs, int64_t output_count) {
  return guarded([&] {
    need(session, "session", entry, "entry");
    const std::lock_guard lock(session->mutex);
    const Model& model = session->session.model();
    const rn_entry* found = model.find_entry(entry);
    if (found == nullptr) {
      try {
        model.entry(entry);
      } catch (const Error& error) {
        throw UsageError(error.what());
      }
    }
    run(*session, *found, {inputs, input_count, outputs, output_count});
    note_changes(*session, *found);
    if (found->role == RN_TRAIN_STEP || found->role == RN_UPDATE) ++session->steps;
  });
}
