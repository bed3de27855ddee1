// rnrun call: runs one entry on tensors from a file and writes what it returns.
#include <fmt/format.h>

#include <cmath>
#include <memory>

#include "runtime/commands/commands.h"
#include "runtime/model/session.h"
#include "runtime/support/error.h"
#include "runtime/support/output.h"
#include "runtime/support/random.h"
#include "runtime/support/safetensors.h"
#include "runtime/train/checkpoint.h"
#include "runtime/train/weights/weights.h"

namespace rnrun {

namespace {

constexpr int64_t kMaxSteps = 1'000'000'000;

struct CallOptions {
  ModelFlags model;
  std::string entry;
  std::string in;
  std::string out;
  std::string params;
  bool partial = false;
  int64_t steps = 1;
  double lr = 0;
  uint64_t seed = 0;
  ScalarInputs inputs;
  int threads = default_threads();
  bool steps_given = false;
  bool lr_given = false;
};

// The gradients that entry "update" reads are tensors, not arguments: moves them from `inputs` into the
// session.
void take_gradients(Session& session, Arrays& inputs, const std::string& source) {
  Arrays gradients;
  for (const rn_tensor& t : session.model().tensors()) {
    if (t.kind != RN_GRADIENT) continue;
    if (auto node = inputs.extract(std::string(t.name))) gradients.insert(std::move(node));
  }
  session.set_tensors({RN_GRADIENT}, gradients, source);
}

// The tensors the entry changed.
Arrays changed_tensors(const Session& session, const rn_entry& entry) {
  switch (entry.role) {
    case RN_BACKWARD:
      return session.tensors({RN_GRADIENT, RN_BUFFER});
    case RN_UPDATE:
      return session.tensors({RN_PARAMETER, RN_SLOT});
    case RN_TRAIN_STEP:
      return session.tensors({RN_PARAMETER, RN_BUFFER, RN_SLOT});
    case RN_PREPARE:
      return session.tensors({RN_PREPARED});
    default:
      return {};
  }
}

// A loss that is not finite ends the entries that train, whose other results are incomplete.
void note_loss(const rn_entry& entry, const Arrays& results) {
  const rn_value* loss = find(rnrun::outputs(entry), RN_LOSS);
  if (loss == nullptr || entry.role == RN_EVALUATE) return;
  const float value = results.at(loss->name).as<float>()[0];
  if (!std::isfinite(value))
    print_message(fmt::format("rnrun: warning: the loss is {}: {} ended there, and nothing is updated", value,
                              entry.name));
}

int call(const CallOptions& options) {
  const auto model = load_model(options.model);
  const rn_entry& entry = model->entry(options.entry);
  const bool updates = entry.role == RN_TRAIN_STEP || entry.role == RN_UPDATE;
  if (options.steps_given && !updates)
    throw UsageError(fmt::format("--steps is for entries train_step and update, not '{}'", options.entry));
  const rn_value* lr = find(rnrun::inputs(entry), RN_LEARNING_RATE);
  const rn_value* step_number = find(rnrun::inputs(entry), RN_STEP);
  if (options.lr_given && lr == nullptr)
    throw UsageError(fmt::format("--lr: entry '{}' has no learning rate", options.entry));

  ThreadPool pool(options.threads);
  Session session(model, pool);
  session.initialize(options.seed);
  if (!options.params.empty()) {
    const WeightsMatch match =
        load_weights(options.params, session, {.partial = options.partial, .slots = true});
    if (options.partial) print_message(weights_text(options.params, match));
    print_notes(options.params, match);
  }
  Arrays inputs;
  if (!options.in.empty()) inputs = read_safetensors(options.in).tensors;
  check_inputs(*model, entry, options.inputs);
  for (const auto& [name, value] : options.inputs) inputs[name] = Array::scalar(static_cast<float>(value));
  if (entry.role == RN_UPDATE) take_gradients(session, inputs, options.in);
  const bool has_lr = lr == nullptr || options.lr_given || inputs.contains(lr->name);
  if (!has_lr && std::isnan(session.scalar(*lr)))  // no recipe says it
    throw UsageError(fmt::format("entry '{}' takes a learning rate: pass --lr", options.entry));
  if (options.lr_given) inputs[lr->name] = Array::scalar(DType::f64, options.lr);
  session.prepare_for(entry);

  const rn_value* seed = find(rnrun::inputs(entry), RN_SEED);
  const bool draws_seeds = seed != nullptr && !inputs.contains(seed->name);
  const bool count_steps = step_number != nullptr && !inputs.contains(step_number->name);
  for (const rn_value& v : rnrun::inputs(entry))
    if (v.type.rank == 0 && !is_set_by_training(v) && std::isnan(v.default_value) && !inputs.contains(v.name))
      throw UsageError(missing_input(*model, v.name));
  Arrays results;
  for (int64_t step = 1; step <= options.steps; ++step) {
    if (count_steps) inputs[step_number->name] = Array::scalar(DType::f64, static_cast<double>(step));
    if (draws_seeds) inputs[seed->name] = Array::scalar(DType::f64, seed_of_run(options.seed, step));
    results = session.call(options.entry, inputs, options.in.empty() ? "call" : options.in);
  }
  note_loss(entry, results);
  results.merge(changed_tensors(session, entry));
  write_safetensors(options.out, {{}, std::move(results)});
  return 0;
}

}  // namespace

Command add_call(CLI::App& app) {
  auto options = std::make_shared<CallOptions>();
  CLI::App* command =
      app.add_subcommand("call", "Run one entry of a model on tensors from a safetensors file");
  add_model_options(*command, options->model);
  command->add_option("entry", options->entry, "infer, loss, backward, update, train_step or prepare")
      ->required();
  command->add_option(
      "--in", options->in,
      "the entry's inputs by name; scalars may stay at the model's defaults, or be set with --input");
  command->add_option("--out", options->out, "where to write the results")->required();
  CLI::Option* params = command->add_option(
      "--params", options->params,
      "parameters and buffers, or a checkpoint; without it, those that came with the model, else "
      "initial values from --seed");
  command
      ->add_flag("--partial", options->partial,
                 "load what fits of --params, and count it; the rest is as without it")
      ->needs(params);
  add_input_option(*command, options->inputs);
  command->add_option("--steps", options->steps, "run train_step this often on the same batch")
      ->check(CLI::Range(int64_t{1}, kMaxSteps))
      ->each([options](const std::string&) { options->steps_given = true; });
  command->add_option("--lr", options->lr, "the learning rate")->each([options](const std::string&) {
    options->lr_given = true;
  });
  command->add_option("--seed", options->seed, "for initial values");
  add_threads_option(*command, options->threads);
  return {command, [options] { return call(*options); }};
}

}  // namespace rnrun
