// Scheduling keeps what every call reads and what remains at the end, and lets buffers die early.
#include "passes/schedule/schedule_calls.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <map>
#include <random>
#include <set>

#include "passes/schedule/plan_memory.h"

using namespace rnc;
using namespace rnc::loops;

namespace {

MemoryRef parameter(std::string name, Access access) {
  return std::make_shared<const Memory>(
      Memory{std::move(name), Scalar::f32, {{1, 0}}, Space::parameter, access});
}

// Kernel 4 * reads + 2 * writes + updates: that many parameters of each access.
Program program_of_all_kernels() {
  Program program;
  for (int k = 0; k < 16; ++k) {
    Kernel kernel{.name = "k" + std::to_string(k), .tasks = {1, 0}, .body = block({})};
    for (int r = 0; r < k / 4; ++r) kernel.params.push_back(parameter("r" + std::to_string(r), Access::read));
    if ((k & 2) != 0) kernel.params.push_back(parameter("w", Access::write));
    if ((k & 1) != 0) kernel.params.push_back(parameter("u", Access::update));
    program.kernels.push_back(std::move(kernel));
  }
  return program;
}

std::string join(const std::vector<std::string>& parts) {
  std::string text;
  for (const std::string& part : parts) text += part + ",";
  return text;
}

// What each call saw, by label, and each buffer outside the arena at the end: names of values.
std::map<std::string, std::string> seen(const Program& program, const EntryProgram& entry) {
  std::map<std::string, std::string> result;
  std::vector<std::string> value(entry.buffers.size(), "old");
  for (const Call& call : entry.calls) {
    const Kernel& kernel = program.kernels[static_cast<size_t>(call.kernel)];
    std::vector<std::string> reads;
    for (size_t i = 0; i < call.arguments.size(); ++i) {
      if (kernel.params[i]->access != Access::write)
        reads.push_back(value[static_cast<size_t>(call.arguments[i])]);
    }
    result[call.label] = join(reads);
    for (size_t i = 0; i < call.arguments.size(); ++i) {
      if (kernel.params[i]->access != Access::read)
        value[static_cast<size_t>(call.arguments[i])] = call.label;
    }
  }
  for (size_t b = 0; b < entry.buffers.size(); ++b) {
    if (entry.buffers[b].region != Region::arena) result[entry.buffers[b].name] = value[b];
  }
  return result;
}

EntryProgram random_entry(unsigned seed) {
  std::mt19937 random(seed);
  EntryProgram entry{.name = "random"};
  for (int b = 0; b < 12; ++b) {
    entry.buffers.push_back(
        {.name = "b" + std::to_string(b), .size = {0, static_cast<int64_t>(64 * (1 + random() % 9))}});
    if (b < 4) entry.buffers.back().region = Region::tensor;
  }
  for (int c = 0; c < 30; ++c) {
    const auto kernel = static_cast<int>(1 + random() % 15);
    Call call{.kernel = kernel, .label = "c" + std::to_string(c)};
    std::set<int> used;
    const int count = kernel / 4 + (kernel >> 1 & 1) + (kernel & 1);
    while (static_cast<int>(used.size()) < count) {
      const auto b = static_cast<int>(random() % entry.buffers.size());
      if (used.insert(b).second) call.arguments.push_back(b);
    }
    entry.calls.push_back(call);
  }
  return entry;
}

}  // namespace

TEST_CASE("a moved call sees what it saw before, and memory does not grow") {
  const Program program = program_of_all_kernels();
  int moved = 0;
  for (unsigned seed = 0; seed < 200; ++seed) {
    CAPTURE(seed);
    EntryProgram entry = random_entry(seed);
    plan_memory(entry);
    EntryProgram scheduled = entry;
    schedule_calls(program, scheduled);
    plan_memory(scheduled);
    CHECK(seen(program, scheduled) == seen(program, entry));
    CHECK(scheduled.live_bound.at(kPlanningBatch) <= entry.live_bound.at(kPlanningBatch));
    const auto same = [](const Call& a, const Call& b) { return a.label == b.label; };
    moved += std::ranges::equal(scheduled.calls, entry.calls, same) ? 0 : 1;
  }
  CHECK(moved > 100);
}

TEST_CASE("updates move to where the gradient is made and the old value is no longer read") {
  const Program program = program_of_all_kernels();
  EntryProgram entry{.name = "train_step"};
  entry.buffers = {{"w1", Region::tensor, 0, {64, 0}},
                   {"w2", Region::tensor, 1, {64, 0}},
                   {"g1", Region::arena, -1, {64, 0}},
                   {"g2", Region::arena, -1, {64, 0}},
                   {"dx", Region::arena, -1, {0, 64}}};
  const int make = 4 + 2, read_update = 4 + 1, read = 4;
  entry.calls = {{.kernel = make, .label = "weight_grad2", .arguments = {1, 3}},
                 {.kernel = make, .label = "input_grad2", .arguments = {1, 4}},
                 {.kernel = make, .label = "weight_grad1", .arguments = {4, 2}},
                 {.kernel = read, .label = "other", .arguments = {0}},
                 {.kernel = read_update, .label = "update1", .arguments = {2, 0}},
                 {.kernel = read_update, .label = "update2", .arguments = {3, 1}}};
  schedule_calls(program, entry);
  std::vector<std::string> labels;
  for (const Call& call : entry.calls) labels.push_back(call.label);
  CHECK(labels == std::vector<std::string>{"weight_grad2", "input_grad2", "update2", "weight_grad1", "other",
                                           "update1"});
}

TEST_CASE("the last use of a part is not that of its memory") {
  const Program program = program_of_all_kernels();
  EntryProgram entry{.name = "infer"};
  entry.buffers = {{"x", Region::tensor, 0, {64, 0}},
                   {"y", Region::tensor, 1, {64, 0}},
                   {"whole", Region::arena, -1, {0, 128}},
                   {"left", Region::part, 2, {0, 64}, {0, 128}},
                   {"right", Region::part, 2, {0, 64}, {64, 128}}};
  const int make = 4 + 2, read = 4;
  entry.calls = {{.kernel = make, .label = "left", .arguments = {0, 3}},
                 {.kernel = make, .label = "right", .arguments = {0, 4}},
                 {.kernel = read, .label = "other", .arguments = {0}},
                 {.kernel = make, .label = "half", .arguments = {3, 1}},
                 {.kernel = read, .label = "all", .arguments = {2}}};
  CHECK(!schedule_calls(program, entry));
  entry.calls.pop_back();  // now it is
  CHECK(schedule_calls(program, entry));
  CHECK(entry.calls[2].label == "half");
}
