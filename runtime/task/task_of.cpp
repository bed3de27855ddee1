// From what an entry takes and returns to a task. Types decide: which tensor of a sample goes where, and which target
// belongs to which prediction.
#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <string_view>

#include "runtime/model/attributes.h"
#include "runtime/support/error.h"
#include "runtime/task/heads.h"
#include "runtime/task/pairing.h"
#include "runtime/task/signature.h"
#include "runtime/task/task.h"

namespace rnrun {

namespace {

std::vector<int64_t> sample_shape(const rn_value& v) { return {v.type.dims + 1, v.type.dims + v.type.rank}; }

Field field_of(const rn_value& v, bool is_target) {
  Field field{v.name, static_cast<DType>(v.type.dtype), sample_shape(v), v.classes, is_target};
  if (v.ignored_label != RN_NO_LABEL) field.ignored = v.ignored_label;
  return field;
}

// The only picture is the "image" and the only target of whole numbers the "label", as data sets have them, whatever the
// model calls them. All others have the model's names.
void name_as_data_do(std::vector<Task::Input>& inputs) {
  const auto rename = [&](std::string_view name, auto fits) {
    if (std::ranges::count_if(inputs, fits) == 1) std::ranges::find_if(inputs, fits)->field.name = name;
  };
  rename("image", [](const Task::Input& i) {
    return !i.field.is_target && i.field.is_picture() && i.field.dtype == DType::u8;
  });
  rename("label", [](const Task::Input& i) { return i.field.is_target && i.field.dtype == DType::i32; });
}

// The entry that has the targets: the one at hand, or of those that compute a loss the first.
Signature with_targets(const Model& model, const rn_entry& entry, const Signature& own) {
  if (!own.targets.empty()) return own;
  for (const rn_entry_role role : {RN_EVALUATE, RN_TRAIN_STEP, RN_BACKWARD})
    if (const rn_entry* other = model.find_entry(role); other != nullptr && other != &entry)
      return signature_of(model, *other);
  return own;
}

// Whether every input is a batch, and so is every prediction.
bool usable(const Signature& s) {
  const auto batched = [](const auto& values) {
    return std::ranges::all_of(values, [](const rn_value* v) { return has_batch(*v); });
  };
  return !s.unknown && !s.samples.empty() && s.others.size() <= s.targets.size() && batched(s.samples) &&
         batched(s.targets) && batched(s.others);
}

struct Maker {
  std::string_view kind;  // as the recipe says
  std::vector<Task::Input> inputs;
  std::map<std::string, std::string> partners;  // of targets, by the names of inputs: see pairing.h
  std::vector<std::string> names;               // of the inputs in the model

  // Pairs each prediction with the first target left that makes a head with it, unless a loss compares that with another.
  std::vector<Task::NamedHead> heads(const std::vector<const rn_value*>& predictions) {
    std::vector<Task::NamedHead> made;
    std::vector<bool> used(inputs.size());
    for (const rn_value* prediction : predictions) {
      if (!has_batch(*prediction) || prediction->type.dtype != RN_F32) continue;
      for (size_t i = 0; i < inputs.size(); ++i) {
        if (used[i] || !inputs[i].field.is_target) continue;
        const auto partner = partners.find(names[i]);
        if (partner != partners.end() && partner->second != prediction->name) continue;
        auto head = make_head(kind, place_of(*prediction, i));
        if (head == nullptr) continue;
        used[i] = true;
        limit_classes(inputs[i].field, head->class_count());
        made.push_back({inputs[i].field.name, std::move(head)});
        break;
      }
    }
    return made;
  }
  // A loss may know fewer classes than are predicted.
  static void limit_classes(Field& field, int64_t predicted) {
    if (field.dtype != DType::i32 || predicted == 0) return;
    field.classes = field.classes == 0 ? predicted : std::min(field.classes, predicted);
  }
  HeadPlace place_of(const rn_value& prediction, size_t target) const {
    HeadPlace place{.prediction = prediction.name,
                    .shape = sample_shape(prediction),
                    .target = inputs[target].field,
                    .target_place = target};
    if (inputs[0].field.is_picture()) place.sample = inputs[0].field;
    return place;
  }
};

// The one input that may be shared by all samples weighs the classes.
std::string class_weights_of(const Model& model, const Signature& s,
                             const std::vector<Task::NamedHead>& heads) {
  if (s.shared.empty()) return {};
  const rn_type& type = s.shared[0]->type;
  const bool fits = heads.size() == 1 && type.rank == 1 && type.dims[0] == heads[0].head->class_count();
  if (s.shared.size() > 1 || !fits)
    throw Error(
        fmt::format("the model {} takes '{}', which is the same for all samples: rnrun gives one such input, "
                    "the weights of its classes, f32[classes]",
                    model.name(), s.shared.back()->name));
  return s.shared[0]->name;
}

}  // namespace

std::unique_ptr<const Task> task_of(const Model& model, const rn_entry& entry) {
  const Signature own = signature_of(model, entry);
  const Signature full = with_targets(model, entry, own);
  if (!usable(own) || !usable(full))
    throw Error(fmt::format(
        "entry '{}' of the model {} does not take samples: rnrun trains, evaluates and predicts with "
        "entries whose inputs are batches [N, ...] and scalars",
        entry.name, model.name()));
  Maker maker{.kind = text(model.descriptor().recipe, "task", "auto")};
  maker.partners = loss_partners(model, own.predictions, full.targets);
  const auto add = [&](Field field, std::string input, std::string other) {
    maker.names.push_back(field.name);
    maker.inputs.push_back({std::move(field), std::move(input), std::move(other)});
  };
  for (const rn_value* v : own.samples) add(field_of(*v, false), v->name, "");
  for (size_t i = 0; i < full.targets.size(); ++i) {
    Field field = field_of(*full.targets[i], true);
    const rn_value* other = i < full.others.size() ? full.others[i] : nullptr;
    if (other != nullptr && other->classes > 0) field.classes = std::min(field.classes, other->classes);
    const bool taken = !own.targets.empty();
    if (maker.kind == kSimilarity && field.is_picture()) {  // to be compared with the first one
      if (!taken) continue;
      field.is_target = false;
    }
    add(std::move(field), taken ? full.targets[i]->name : "", taken && other != nullptr ? other->name : "");
  }
  const bool has_loss =
      model.find_entry(RN_EVALUATE) != nullptr || model.find_entry(RN_TRAIN_STEP) != nullptr;
  if (full.targets.empty() && !has_loss && !own.predictions.empty() && has_batch(*own.predictions[0]))
    add(likely_target(maker.kind, sample_shape(*own.predictions[0])), "", "");
  if (maker.kind == kSimilarity) {
    const auto fits = [](const Task::Input& i) { return i.field.is_target && i.field.dtype == DType::i32; };
    if (std::ranges::none_of(maker.inputs, fits))
      add({.name = "label", .dtype = DType::i32, .is_target = true}, "", "");
    std::ranges::find_if(maker.inputs, fits)->field.is_class = true;
  }
  name_as_data_do(maker.inputs);
  std::vector<Task::NamedHead> heads = maker.heads(own.predictions);
  const auto is_asked = [&](const Task::NamedHead& h) { return h.head->kind() == maker.kind; };
  if (!compared_by(maker.kind).empty() && std::ranges::none_of(heads, is_asked))
    throw Error(fmt::format(
        "the recipe of the model {} says that its task is {}, which compares {}: it has no such prediction "
        "and target",
        model.name(), maker.kind, compared_by(maker.kind)));
  std::string class_weights = class_weights_of(model, own, heads);
  std::vector<std::string> terms;
  for (const rn_value* term : own.terms) terms.emplace_back(term->name);
  return std::make_unique<Task>(std::move(maker.inputs), std::move(heads), std::move(terms),
                                std::move(class_weights));
}

}  // namespace rnrun
