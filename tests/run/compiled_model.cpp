#include "tests/run/compiled_model.h"

#include <algorithm>
#include <cstdlib>

#include "compiler/embed_weights.h"
#include "passes/pipeline.h"
#include "runtime/model/session.h"

namespace rnc::test {
namespace {

template <class T>
rnrun::Array converted(rnrun::DType dtype, const TensorData& data) {
  const std::vector<T> values(data.values.begin(), data.values.end());
  return rnrun::Array::of<T>(dtype, data.shape, values);
}

TensorData from_array(const rnrun::Array& array) {
  if (array.dtype == rnrun::DType::i32) {
    const auto numbers = array.as<int32_t>();
    return {array.shape, {numbers.begin(), numbers.end()}};
  }
  check(array.dtype == rnrun::DType::f32, "results of a model are f32, or i32");
  const auto values = array.as<float>();
  return {array.shape, {values.begin(), values.end()}};
}

// Runs the pipeline; as soon as there are all entries, those not named go. None named: all stay.
void run_pipeline(Compilation& compilation, const std::set<std::string>& entries) {
  const std::span<const Pass> passes = pipeline();
  const auto differentiated = std::ranges::find(passes, "differentiate", &Pass::name) + 1;
  run_passes(compilation, {passes.begin(), differentiated});
  if (!entries.empty()) {
    std::erase_if(compilation.module.entries,
                  [&](const Graph& entry) { return !entries.contains(entry.name); });
  }
  run_passes(compilation, {differentiated, passes.end()});
}

std::unique_ptr<Compiled> compile(Module module, const std::string& cpu, const Recompute& recompute,
                                  const ConvRules& conv = {}, const std::set<std::string>& entries = {},
                                  const PrecisionRules& precision = {}, const Tensors* weights = nullptr) {
  Target target = target_of(cpu, !precision.empty());
  target.info.conv = conv;
  target.info.precision = precision;
  Compilation compilation{
      .module = std::move(module), .target = target.info, .program = {}, .recompute = recompute};
  if (weights != nullptr) reduce_to_inference(compilation.module);
  run_pipeline(compilation, entries);
  if (weights != nullptr) embed_weights(compilation, *weights);
  return std::make_unique<Compiled>(LoweredModel{compilation.module, *compilation.program, target, 0, false});
}

}  // namespace

rnrun::Array to_array(rnrun::DType dtype, const TensorData& data) {
  switch (dtype) {
    case rnrun::DType::f32:
      return converted<float>(dtype, data);
    case rnrun::DType::u8:
      return converted<uint8_t>(dtype, data);
    case rnrun::DType::i32:
      return converted<int32_t>(dtype, data);
    case rnrun::DType::f64:
      return converted<double>(dtype, data);
    default:
      unreachable("element type of a model");
  }
}

CompiledModel::CompiledModel(Module module, const std::string& cpu, const Recompute& recompute,
                             const ConvRules& conv, const std::set<std::string>& entries,
                             const PrecisionRules& precision)
    : library_(compile(std::move(module), cpu, recompute, conv, entries, precision)) {}

CompiledModel::CompiledModel(Module module, const std::string& cpu, const Tensors& weights)
    : library_(compile(std::move(module), cpu, std::nullopt, {}, {}, {}, &weights)) {}

int64_t CompiledModel::arena(const std::string& entry, int64_t batch) const {
  const auto model = std::make_shared<const rnrun::Model>(library_->descriptor(), "test");
  const rn_extent bytes = rnrun::arena(model->entry(entry), batch);
  return bytes.fixed + bytes.per_sample * batch;
}

int64_t CompiledModel::min_batch(const std::string& entry) const {
  return rnrun::Model(library_->descriptor(), "test").entry(entry).min_batch;
}

namespace {

Tensors from_arrays(const rnrun::Arrays& arrays) {
  Tensors values;
  for (const auto& [key, array] : arrays) values[key] = from_array(array);
  return values;
}

// Gives the tensors to the session and returns the last step's outputs.
rnrun::Arrays call(rnrun::Session& session, const std::string& name, const Tensors& inputs,
                   const Tensors& tensors, int steps) {
  for (const rn_tensor& tensor : session.model().tensors()) {
    const auto given = tensors.find(tensor.name);
    if (given != tensors.end())
      session.set_tensor(tensor, to_array(rnrun::DType::f32, given->second), "test");
  }
  rnrun::Arrays arguments;
  bool counts_steps = false;
  const rn_entry& entry = session.model().entry(name);
  for (const rn_value& value : rnrun::inputs(entry)) {
    const auto given = inputs.find(value.name);
    if (given != inputs.end()) arguments[value.name] = to_array(rnrun::dtype(value.type), given->second);
    counts_steps = counts_steps || value.name == std::string("step");
  }
  session.prepare_for(entry);
  rnrun::Arrays results;
  for (int step = 1; step <= steps; ++step) {
    if (counts_steps) arguments["step"] = rnrun::Array::scalar(rnrun::DType::f64, static_cast<double>(step));
    results = session.call(name, arguments);
  }
  return results;
}

}  // namespace

Tensors CompiledModel::run(const std::string& name, const Tensors& inputs, const Tensors& tensors, int steps,
                           int threads) const {
  rnrun::ThreadPool pool(threads);
  rnrun::Session session(std::make_shared<const rnrun::Model>(library_->descriptor(), "test"), pool);
  rnrun::Arrays results = call(session, name, inputs, tensors, steps);
  results.merge(session.tensors({RN_PARAMETER, RN_BUFFER, RN_SLOT, RN_GRADIENT}));
  return from_arrays(results);
}

Tensors CompiledModel::outputs(const std::string& name, const Tensors& inputs, const Tensors& tensors,
                               int threads) const {
  rnrun::ThreadPool pool(threads);
  rnrun::Session session(std::make_shared<const rnrun::Model>(library_->descriptor(), "test"), pool);
  return from_arrays(call(session, name, inputs, tensors, 1));
}

uint64_t first_seed() {
  const char* seed = std::getenv("RNC_TEST_SEED");
  return seed == nullptr ? 1 : std::strtoull(seed, nullptr, 10);
}

}  // namespace rnc::test
