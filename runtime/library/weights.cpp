// The functions of rnrun.h that read and write tensors.
#include "runtime/train/weights/weights.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>

#include "runtime/library/arrays.h"
#include "runtime/library/handles.h"
#include "runtime/library/status.h"
#include "runtime/model/layout.h"
#include "runtime/support/safetensors.h"
#include "runtime/train/checkpoint.h"
#include "runtime/train/recipe_settings.h"

using namespace rnrun;

namespace {

// The tensor that the array is called after. Throws UsageError without one, Error where type or shape differ.
const rn_tensor& tensor_of(const Session& session, const Argument& array) {
  const rn_tensor* tensor = session.model().find_tensor(array.name);
  if (tensor == nullptr)
    throw UsageError(fmt::format("the model {} has no tensor '{}'", session.model().name(), array.name));
  if (array.dtype != dtype(tensor->type) || !std::ranges::equal(array.shape, shape_of(tensor->type)))
    throw Error(fmt::format("tensor '{}' is {}, the array {}", array.name, type_text(tensor->type),
                            type_text(array.dtype, array.shape)));
  return *tensor;
}

void need_trainable(const Session& session) {
  if (session.model().find_entry(RN_TRAIN_STEP) == nullptr)
    throw UsageError(fmt::format("the model {} cannot be trained and has no checkpoints; save its weights",
                                 session.model().name()));
}

std::string notes_of(const std::string& path, const WeightsMatch& match, bool partial) {
  std::vector<std::string> notes = match.notes;
  if (partial) notes.push_back(weights_text(path, match));
  return fmt::format("{}", fmt::join(notes, "\n"));
}

}  // namespace

rnrun_status rnrun_load_weights(rnrun_session* session, const char* path, int partial, char** notes) {
  return guarded([&] {
    need(session, "session", path, "path");
    const std::lock_guard lock(session->mutex);
    session->weights_changed();
    const WeightsMatch match =
        load_weights(path, session->session, {.partial = partial != 0, .inputs = true});
    if (notes != nullptr) *notes = text_for_caller(notes_of(path, match, partial != 0));
  });
}

rnrun_status rnrun_save_weights(rnrun_session* session, const char* path) {
  return guarded([&] {
    need(session, "session", path, "path");
    const std::lock_guard lock(session->mutex);
    write_safetensors(path, {{}, session->session.tensors({RN_PARAMETER, RN_BUFFER})});
  });
}

rnrun_status rnrun_get_tensor(rnrun_session* session, const rnrun_array* array) {
  return guarded([&] {
    need(session, "session", array, "array");
    const Argument place = argument_of(*array);
    const std::lock_guard lock(session->mutex);
    const Array value = session->session.tensor(tensor_of(session->session, place));
    std::ranges::copy(value.data, static_cast<std::byte*>(place.data));
  });
}

rnrun_status rnrun_set_tensor(rnrun_session* session, const rnrun_array* array) {
  return guarded([&] {
    need(session, "session", array, "array");
    const Argument given = argument_of(*array);
    const std::lock_guard lock(session->mutex);
    const rn_tensor& tensor = tensor_of(session->session, given);
    Array value = Array::zeros(given.dtype, {given.shape.begin(), given.shape.end()});
    std::copy_n(static_cast<const std::byte*>(given.data), value.data.size(), value.data.begin());
    session->session.set_tensor(tensor, value, "the call");
    session->weights_changed();
  });
}

rnrun_status rnrun_save_checkpoint(rnrun_session* session, const char* path) {
  return guarded([&] {
    need(session, "session", path, "path");
    const std::lock_guard lock(session->mutex);
    need_trainable(session->session);
    const Model& model = session->session.model();
    Checkpoint checkpoint;
    checkpoint.settings = recipe_settings(model, model.entry(RN_TRAIN_STEP));
    if (!std::isnan(session->lr)) checkpoint.settings.lr = session->lr;
    if (std::isnan(checkpoint.settings.lr))
      checkpoint.settings.lr = 0;  // neither a step nor the recipe had one
    checkpoint.settings.seed = session->seed;
    for (const auto& [name, value] : session->numbers) checkpoint.settings.hyper[name] = value;
    std::erase_if(checkpoint.settings.hyper, [](const auto& number) { return std::isnan(number.second); });
    checkpoint.position.step = session->steps;
    save_checkpoint(path, session->session, checkpoint);
  });
}

rnrun_status rnrun_load_checkpoint(rnrun_session* session, const char* path) {
  return guarded([&] {
    need(session, "session", path, "path");
    const std::lock_guard lock(session->mutex);
    need_trainable(session->session);
    session->weights_changed();
    const Checkpoint checkpoint = load_checkpoint(path, session->session);
    for (const auto& [name, value] : checkpoint.settings.hyper) session->session.set_scalar(name, value);
    for (const auto& [name, values] : checkpoint.settings.shared_inputs)
      session->session.set_shared_input(name, values);
    session->numbers = checkpoint.settings.hyper;
    session->seed = checkpoint.settings.seed;
    session->steps = checkpoint.position.step;
  });
}
