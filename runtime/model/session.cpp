#include "runtime/model/session.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "runtime/contract/bfloat16.h"
#include "runtime/model/arguments.h"
#include "runtime/model/initialize.h"
#include "runtime/model/layout.h"
#include "runtime/support/error.h"

namespace rnrun {

namespace {

bool contains(std::initializer_list<rn_tensor_kind> kinds, int32_t kind) {
  return std::ranges::find(kinds, static_cast<rn_tensor_kind>(kind)) != kinds.end();
}

bool matches(const Array& array, const rn_type& type) {
  return array.dtype == dtype(type) && array.shape == shape_of(type);
}

int64_t extent(const rn_extent& e, int64_t batch, std::string_view what) {
  int64_t bytes = 0;
  if (__builtin_mul_overflow(e.per_sample, batch, &bytes) || __builtin_add_overflow(bytes, e.fixed, &bytes))
    throw Error(fmt::format("cannot allocate {}: batch {} is too large", what, batch));
  return bytes;
}

// What parallel_for is given.
struct RunContext {
  ThreadPool* pool;
  Recorder recorder;
  const std::byte* arena;
  const rn_entry* entry;
  const RunProgress* progress;
  int64_t done = 0;
  bool ended = false;
};

// Whether the call is to run.
bool goes_on(RunContext& run, int64_t call) {
  if (run.ended) return false;
  const bool wanted = (*run.progress)(run.done++, run.entry->call_count);
  const rn_entry& entry = *run.entry;
  const int64_t last = entry.loss_calls > 0      ? entry.loss_calls
                       : entry.role == RN_UPDATE ? 1
                                                 : entry.call_count;
  run.ended = !wanted && call < last;
  return !run.ended;
}

// A task wrapped so that each part's time is recorded.
struct TracedTask {
  rn_task task;
  const void* frame;
  int64_t call;
  Trace* trace;

  static void run(const void* self, int64_t begin, int64_t end, int64_t worker) {
    const auto& t = *static_cast<const TracedTask*>(self);
    const auto start = Clock::now();
    t.task(t.frame, begin, end, worker);
    t.trace->record(worker, t.call, start, Clock::now());
  }
};

void parallel_for(void* context, int64_t call, int64_t count, rn_task task, const void* frame) {
  auto& run = *static_cast<RunContext*>(context);
  if (*run.progress && !goes_on(run, call)) return;
  if (run.recorder.profile == nullptr) {
    run.pool->run(count, task, frame);
    if (run.recorder.observer != nullptr) run.recorder.observer->after(call, run.arena);
    return;
  }
  const auto start = Clock::now();
  if (run.recorder.trace != nullptr) {
    const TracedTask traced{task, frame, call, run.recorder.trace};
    run.pool->run(count, TracedTask::run, &traced);
  } else {
    run.pool->run(count, task, frame);
  }
  auto& seconds = run.recorder.profile->seconds;
  if (call >= 0 && static_cast<size_t>(call) < seconds.size())
    seconds[static_cast<size_t>(call)] += seconds_between(start, Clock::now());
}

std::vector<Argument> arguments_of(Arrays& arrays) {
  std::vector<Argument> arguments;
  for (auto& [name, array] : arrays) arguments.push_back({name, array.dtype, array.shape, array.data.data()});
  return arguments;
}

}  // namespace

Session::Session(std::shared_ptr<const Model> model, ThreadPool& pool, const Allocator* allocator)
    : model_(std::move(model)), pool_(&pool), allocator_(allocator) {
  const rn_model_descriptor& d = model_->descriptor();
  for (size_t kind = 0; kind < RN_TENSOR_KINDS; ++kind)
    regions_[kind] = Memory(d.region_bytes[kind], "tensors", allocator);
  scratch_ = Memory(extent({0, d.scratch_bytes_per_worker}, pool.threads(), "scratch memory"),
                    "scratch memory", allocator);
  for (const rn_tensor& t : model_->tensors())
    if (t.kind == RN_PREPARED && t.values != nullptr) take_values(t);
}

// What a prepared tensor holds for good comes as f32, whatever it is stored as.
void Session::take_values(const rn_tensor& t) {
  const std::span values(t.values, static_cast<size_t>(element_count(t.type)));
  if (t.type.dtype != RN_BF16) return from_plain(t.type, std::as_bytes(values).data(), place(t));
  std::vector<uint16_t> narrow(values.size());
  std::ranges::transform(values, narrow.begin(), contract::to_bf16);
  from_plain(t.type, std::as_bytes(std::span(narrow)).data(), place(t));
}

void Session::initialize(uint64_t seed) {
  for (const rn_tensor& t : model_->tensors()) {
    if (t.type.dtype != RN_F32 || t.kind == RN_GRADIENT || t.kind == RN_PREPARED) continue;
    const auto values = initial_values(t, seed);
    from_plain(t.type, std::as_bytes(std::span(values)).data(), place(t));
  }
}

Array Session::tensor(const rn_tensor& t) const {
  Array array = Array::zeros(dtype(t.type), shape_of(t.type));
  to_plain(t.type, place(t), array.data.data());
  return array;
}

Arrays Session::tensors(std::initializer_list<rn_tensor_kind> kinds) const {
  Arrays result;
  for (const rn_tensor& t : model_->tensors())
    if (contains(kinds, t.kind)) result[t.name] = tensor(t);
  return result;
}

void Session::set_tensor(const rn_tensor& t, const Array& value, std::string_view source) {
  if (!matches(value, t.type))
    throw Error(fmt::format("{}: tensor '{}' is {}, the model has {}", source, t.name, type_text(value),
                            type_text(t.type)));
  from_plain(t.type, value.data.data(), place(t));
}

void Session::set_tensors(std::initializer_list<rn_tensor_kind> kinds, const Arrays& values,
                          std::string_view source) {
  std::vector<std::string> problems;
  for (const rn_tensor& t : model_->tensors()) {
    if (!contains(kinds, t.kind)) continue;
    const auto found = values.find(t.name);
    if (found == values.end())
      problems.push_back(fmt::format("'{}' is missing", t.name));
    else if (!matches(found->second, t.type))
      problems.push_back(
          fmt::format("'{}' is {}, the model has {}", t.name, type_text(found->second), type_text(t.type)));
  }
  for (const auto& [name, value] : values) {
    const rn_tensor* t = model_->find_tensor(name);
    if ((t == nullptr || !contains(kinds, t->kind)) && !name.ends_with(".num_batches_tracked"))
      problems.push_back(fmt::format("'{}' is not of this model", name));
  }
  if (!problems.empty()) {
    constexpr size_t kShown = 5;
    const size_t more = problems.size() - std::min(problems.size(), kShown);
    problems.resize(problems.size() - more);
    throw Error(fmt::format("{} does not fit the model {}: {}{}", source, model_->name(),
                            fmt::join(problems, "; "), more == 0 ? "" : fmt::format("; and {} more", more)));
  }
  for (const rn_tensor& t : model_->tensors())
    if (contains(kinds, t.kind)) set_tensor(t, values.find(t.name)->second, source);
}

double Session::scalar(const rn_value& input) const {
  const auto set = scalars_.find(std::string_view(input.name));
  return set == scalars_.end() ? input.default_value : set->second;
}

std::vector<float> Session::shared_input(const rn_value& input) const {
  const auto count = static_cast<size_t>(element_count(input.type, 1));
  const auto set = shared_inputs_.find(std::string_view(input.name));
  if (set == shared_inputs_.end()) return std::vector<float>(count, 1);
  if (set->second.size() != count)
    throw Error(fmt::format("{} numbers given for the input '{}' of the model {}, which takes {}",
                            set->second.size(), input.name, model_->name(), count));
  return set->second;
}

void Session::prepare_for(const rn_entry& entry) {
  const bool reads = (entry.tensor_kinds >> RN_PREPARED & 1) != 0 && entry.role != RN_PREPARE;
  const rn_entry* prepare = model_->find_entry(RN_PREPARE);
  if (reads && prepare != nullptr) call(prepare->name, {});
}

void Session::reserve(const rn_entry& entry, int64_t batch, rn_extent other) {
  const std::string purpose = fmt::format("the arena of entry '{}' at batch {}", entry.name, batch);
  const rn_extent& needed = arena(entry, batch);
  const int64_t bytes = extent(needed, batch, purpose);
  if (bytes <= arena_.size()) return;
  arena_ = Memory();  // the old one's pages first
  // What is allocated but was never touched is still counted as available.
  rn_extent all{needed.fixed + other.fixed + scratch_.size(), needed.per_sample + other.per_sample};
  for (const rn_tensor_kind kind : {RN_GRADIENT, RN_PREPARED})
    if ((entry.tensor_kinds >> kind & 1) != 0) all.fixed += regions_[kind].size();
  check_available(all, batch, fmt::format("entry '{}'", entry.name), available_memory());
  arena_ = Memory(bytes, purpose, allocator_);
}

void Session::run(const rn_entry& entry, int64_t batch, std::span<const void* const> inputs,
                  std::span<void* const> outputs, Recorder recorder) {
  if (const std::string refusal = batch_refusal(entry, batch); !refusal.empty()) throw Error(refusal);
  if (recorder.observer != nullptr) arena_ = Memory();  // so that it is zero
  reserve(entry, batch);
  if (recorder.profile != nullptr) recorder.profile->seconds.resize(static_cast<size_t>(entry.call_count));
  RunContext context{pool_, recorder, arena_.data(), &entry, &progress_};
  rn_run run{};
  run.batch = batch;
  run.inputs = inputs.data();
  run.outputs = outputs.data();
  for (size_t kind = 0; kind < RN_TENSOR_KINDS; ++kind)
    run.tensors[kind] = (entry.tensor_kinds >> kind & 1) != 0 ? regions_[kind].data() : nullptr;
  run.arena = arena_.data();
  run.threads = pool_->threads();
  run.scratch = scratch_.data();
  run.parallel_for = parallel_for;
  run.context = &context;
  entry.run(&run);
  if (context.ended) throw Cancelled(fmt::format("entry '{}' was ended by its caller", entry.name));
}

Arrays Session::call(std::string_view name, const Arrays& given, std::string_view source) {
  Arguments arguments(*this, model_->entry(name));
  arguments.bind_inputs(arguments_of(const_cast<Arrays&>(given)), source);  // it does not write to inputs
  Arrays results;
  for (const rn_value& v : outputs(arguments.entry()))
    results[v.name] = Array::zeros(dtype(v.type), shape_of(v.type, arguments.batch()));
  arguments.bind_outputs(arguments_of(results), source);
  arguments.run();
  return results;
}

}  // namespace rnrun
