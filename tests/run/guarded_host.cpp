#include "tests/run/guarded_host.h"

#include <doctest/doctest.h>
#include <fmt/format.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cmath>
#include <csignal>
#include <cstring>
#include <new>
#include <span>

#include "ir/graph/diagnostics.h"
#include "passes/passes.h"
#include "passes/pipeline.h"
#include "runtime/model/session.h"
#include "tests/run/compiled_model.h"
#include "tests/run/guarded_entries.h"
#include "tests/support/random_graph.h"
#include "tests/unit/compiler/compiled.h"

namespace rnc::test {
namespace {

// Update and steps count from 1.
constexpr std::array kEntries = {"prepare", "infer",      "loss",       "backward",
                                 "update",  "train_step", "train_step", "train_step"};

rnrun::Arrays arguments(const rn_entry& entry, const HostedData& data, int step) {
  rnrun::Arrays all;
  for (const rn_value& value : rnrun::inputs(entry)) {
    const auto given = data.inputs.find(value.name);
    const auto dtype = rnrun::dtype(value.type);
    if (value.role == RN_STEP || value.role == RN_SEED)
      all[value.name] = rnrun::Array::scalar(dtype, step);
    else if (given != data.inputs.end())
      all[value.name] = to_array(dtype, given->second);
    else
      all[value.name] = rnrun::Array::scalar(dtype, value.default_value);
  }
  return all;
}

// A model's entries in an ordinary host.
class OrdinaryRun {
 public:
  OrdinaryRun(const rn_model_descriptor& descriptor, const rnrun::Arrays& tensors)
      : model_(std::make_shared<const rnrun::Model>(descriptor, "test")), session_(model_, pool_) {
    for (const rn_tensor& tensor : model_->tensors()) {
      const auto given = tensors.find(tensor.name);
      if (given != tensors.end()) session_.set_tensor(tensor, given->second, "test");
    }
  }

  HostedStep run(const rn_entry& entry, rnrun::Arrays inputs) {
    HostedStep step{entry.name, std::move(inputs), {}, {}};
    step.outputs = session_.call(entry.name, step.inputs);
    for (const rn_tensor& tensor : model_->tensors()) {
      const auto kind = static_cast<rn_tensor_kind>(tensor.kind);
      const std::byte* data = session_.region(kind).data() + tensor.offset;
      step.tensors[tensor.name] = {data, data + tensor.bytes};
    }
    return step;
  }

 private:
  std::shared_ptr<const rnrun::Model> model_;
  rnrun::ThreadPool pool_{1};
  rnrun::Session session_;
};

const rn_entry* find_entry(const rn_model_descriptor& model, const std::string& name) {
  for (int64_t i = 0; i < model.entry_count; ++i)
    if (name == model.entries[i].name) return &model.entries[i];
  return nullptr;
}

// The first output or tensor of an ordinary run that has a number that is not finite.
std::string not_finite(const HostedStep& step) {
  const auto is_finite = [](std::span<const std::byte> bytes) {
    for (size_t i = 0; i + sizeof(float) <= bytes.size(); i += sizeof(float)) {
      float value = 0;
      std::memcpy(&value, bytes.data() + i, sizeof value);
      if (!std::isfinite(value)) return false;
    }
    return true;
  };
  for (const auto& [name, value] : step.outputs)
    if (!is_finite(value.data)) return fmt::format("{}: the output '{}' is not finite", step.entry, name);
  for (const auto& [name, bytes] : step.tensors)
    if (!is_finite(bytes)) return fmt::format("{}: '{}' is not finite", step.entry, name);
  return "";
}

std::string first_fault(const rn_model_descriptor& model, const HostedData& data, const Hosting& hosting,
                        Progress& progress) {
  rnrun::Arrays tensors;
  for (const auto& [name, value] : data.tensors) tensors[name] = to_array(rnrun::DType::f32, value);
  OrdinaryRun ordinary(model, tensors);
  GuardedRun guarded(model, hosting, tensors, progress);
  int steps = 0;
  for (const std::string name : kEntries) {
    const rn_entry* entry = find_entry(model, name);
    if (entry == nullptr) continue;
    if (name == "update" || name == "train_step") ++steps;
    const HostedStep step = ordinary.run(*entry, arguments(*entry, data, steps));
    std::string fault = guarded.run(step);
    if (fault.empty() && data.finite) fault = not_finite(step);
    if (!fault.empty()) return fault;
  }
  return "";
}

std::string crash_text(int signal, const Progress& progress) {
  const rn_entry* entry = progress.entry;
  if (entry == nullptr) return fmt::format("{} in the ordinary run", strsignal(signal));
  const rn_call_info& call = entry->calls[progress.call];
  return fmt::format("{}: {} in kernel {}, {} {}", entry->name, strsignal(signal), call.kernel, call.layer,
                     call.direction);
}

// What f(progress) returns in a process of its own, which may crash.
template <class F>
std::string in_child(const F& f) {
  void* shared = mmap(nullptr, sizeof(Progress), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  int pipe_ends[2];
  check(shared != MAP_FAILED && pipe(pipe_ends) == 0, "no means to watch a process");
  auto* progress = new (shared) Progress;
  const pid_t child = fork();
  check(child >= 0, "no process to run a model in");
  if (child == 0) {
    const rlimit no_core{};
    setrlimit(RLIMIT_CORE, &no_core);
    for (const int signal : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT}) std::signal(signal, SIG_DFL);
    std::string text;
    try {
      text = f(*progress);
    } catch (const std::exception& error) {  // must not leave: the child would go on with the parent's tests
      text = error.what();
    }
    const bool written = write(pipe_ends[1], text.data(), text.size()) == static_cast<ssize_t>(text.size());
    _exit(written ? 0 : 1);
  }
  close(pipe_ends[1]);
  std::string text;
  char buffer[4096];
  for (ssize_t n = 0; (n = read(pipe_ends[0], buffer, sizeof buffer)) > 0;)
    text.append(buffer, static_cast<size_t>(n));
  close(pipe_ends[0]);
  int status = 0;
  waitpid(child, &status, 0);
  if (WIFSIGNALED(status)) text = crash_text(WTERMSIG(status), *progress);
  if (WIFEXITED(status) && WEXITSTATUS(status) != 0) text = "the run failed: " + text;
  munmap(shared, sizeof(Progress));
  return text;
}

std::unique_ptr<Compiled> compile(const Module& elaborated, const std::string& cpu, int64_t batch,
                                  const ConvRules& conv) {
  Target target = target_of(cpu);
  target.info.conv = conv;
  Compilation compilation{.module = elaborated, .target = target.info, .program = {}};
  run_passes(compilation, pipeline());
  add_guarded_entries(compilation.module, *compilation.program, batch);
  loops::verify(*compilation.program);
  return std::make_unique<Compiled>(LoweredModel{compilation.module, *compilation.program, target, 0, false});
}

}  // namespace

std::string hosted_fault(const rn_model_descriptor& model, const HostedData& data, const Hosting& hosting) {
  return in_child([&](Progress& progress) { return first_fault(model, data, hosting, progress); });
}

HostedData random_hosted_data(const Module& elaborated, int64_t batch, uint64_t seed) {
  Module module = elaborated;
  derive_entries(module);
  decompose_losses(module);
  linear_to_conv(module);
  differentiate(module);
  HostedData data{{}, random_tensors(module, seed), batch};
  for (const Graph& entry : module.entries) data.inputs.merge(random_inputs(module, entry, batch, seed));
  std::erase_if(data.tensors, [](const auto& tensor) { return tensor.first.starts_with("grad."); });
  return data;
}

std::string hosted_fault(const Module& elaborated, const std::string& cpu, const HostedData& data,
                         const ConvRules& conv) {
  const auto library = compile(elaborated, cpu, data.batch, conv);
  for (const Hosting& hosting : {Hosting{"", Flush::end, 1}, Hosting{prefix_of(Flush::end), Flush::end, 3},
                                 Hosting{prefix_of(Flush::start), Flush::start, 1}}) {
    const std::string fault = hosted_fault(library->descriptor(), data, hosting);
    if (!fault.empty()) return fault;
  }
  return "";
}

void check_hosted(const Module& elaborated, const std::string& cpu, const HostedData& data,
                  const ConvRules& conv) {
  CAPTURE(elaborated.name);
  CAPTURE(cpu);
  CHECK(hosted_fault(elaborated, cpu, data, conv) == "");
}

}  // namespace rnc::test
