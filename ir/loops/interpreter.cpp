#include "ir/loops/interpreter.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <map>
#include <numeric>
#include <random>

#include "ir/loops/interpreter_code.h"

namespace rnc::loops {
namespace {

// A statement in the form that runs.
struct Step {
  StmtKind kind = StmtKind::block;
  std::vector<Instruction> code;  // evaluates what the statement needs, and stores
  Slot variable = 0;              // for
  Slot begin = 0, end = 0;        // for
  int64_t step = 1;               // for
  Slot condition = 0;             // if
  size_t view = 0;                // alloc
  std::vector<Step> body;         // of if: [then] or [then, else]
};

int64_t elements(const View& view) {
  return std::accumulate(view.dims.begin(), view.dims.end(), int64_t{1}, std::multiplies<>());
}

// Turns a kernel into steps and fills a machine's frame and views.
class Compiler {
 public:
  explicit Compiler(Machine& machine) : machine_(machine) {
    bind("N", new_slot({Scalar::i64, 1}));
    bind("threads", new_slot({Scalar::i64, 1}));
    bind("task", new_slot({Scalar::i64, 1}));
  }

  Slot slot_of(const std::string& variable) const { return variables_.at(variable); }

  void declare(const Memory& memory, int64_t batch) {
    View view{.memory = &memory};
    for (size_t d = 0; d < memory.dims.size(); ++d) {
      view.dims.push_back(memory.dims[d].at(batch));
      view.strides.push_back(stride_of(memory, d));
    }
    if (memory.space != Space::parameter) {
      view.own.resize(static_cast<size_t>(elements(view) * bytes(memory.scalar)));
      view.data = view.own.data();
    }
    views_[&memory] = machine_.views.size();
    machine_.views.push_back(std::move(view));
  }

  Step stmt(const StmtNode& s) {
    Step step{.kind = s.kind};
    slots_.clear();  // what was evaluated before may have changed
    switch (s.kind) {
      case StmtKind::block:
      case StmtKind::prefetch:
        break;
      case StmtKind::for_loop:
        step.begin = expr(s.begin, step.code);
        step.end = expr(s.end, step.code);
        step.step = s.step;
        step.variable = new_slot({Scalar::i64, 1});
        bind(s.variable, step.variable);
        break;
      case StmtKind::if_then:
        step.condition = expr(s.value, step.code);
        break;
      case StmtKind::let:
        bind(s.variable, expr(s.value, step.code));
        break;
      case StmtKind::alloc:
        declare(*s.memory, 0);
        step.view = views_.at(s.memory.get());
        break;
      case StmtKind::store: {
        const Slot value = expr(s.value, step.code);
        Place to = place(*s.memory, s.index, s.lane_dim, s.valid, step.code);
        step.code.push_back(store_instruction(s.value->type, value, std::move(to)));
        break;
      }
    }
    for (const Stmt& child : s.body) step.body.push_back(stmt(*child));
    return step;
  }

 private:
  Slot new_slot(ValueType type) {
    const auto slot = static_cast<Slot>(machine_.frame.size());
    const auto size = static_cast<size_t>(bytes(type.scalar) * type.lanes);
    machine_.frame.resize(machine_.frame.size() + (size + 7) / 8 * 8);
    return slot;
  }

  // A name may be bound again once its scope has ended.
  void bind(const std::string& variable, Slot slot) { variables_[variable] = slot; }

  Place place(const Memory& memory, const std::vector<Expr>& index, int lane_dim, const Expr& valid,
              std::vector<Instruction>& code) {
    Place place{.view = views_.at(&memory), .lane_dim = lane_dim};
    for (const Expr& i : index) place.index.push_back(expr(i, code));
    if (valid) {
      place.has_valid = true;
      place.valid = expr(valid, code);
    }
    return place;
  }

  // Appends what computes `e`, once per statement, and returns where it stands.
  Slot expr(const Expr& e, std::vector<Instruction>& code) {
    if (e->kind == ExprKind::variable) return variables_.at(e->variable);
    const auto found = slots_.find(e.get());
    if (found != slots_.end()) return found->second;
    Slot slot = 0;
    if (e->kind == ExprKind::load) {
      Place from = place(*e->memory, e->operands, e->lane_dim, e->valid, code);
      slot = new_slot(e->type);
      code.push_back(load_instruction(e->type, slot, std::move(from)));
    } else if (e->kind == ExprKind::constant) {
      slot = new_slot(e->type);
      write_constant(*e, machine_.frame.data() + slot);
    } else {
      std::vector<Slot> operands;
      for (const Expr& operand : e->operands) operands.push_back(expr(operand, code));
      slot = new_slot(e->type);
      code.push_back(instruction_for(*e, slot, operands));
    }
    slots_[e.get()] = slot;
    return slot;
  }

  Machine& machine_;
  std::map<std::string, Slot> variables_;
  std::map<const Memory*, size_t> views_;
  std::map<const ExprNode*, Slot> slots_;  // of the current statement
};

void execute(Machine& m, const Step& step);

void execute_all(Machine& m, const std::vector<Step>& body) {
  for (const Step& step : body) execute(m, step);
}

void execute(Machine& m, const Step& step) {
  for (const Instruction& i : step.code) i.run(m, i);
  switch (step.kind) {
    case StmtKind::for_loop: {
      const int64_t end = *m.at<int64_t>(step.end);
      for (int64_t i = *m.at<int64_t>(step.begin); i < end; i += step.step) {
        *m.at<int64_t>(step.variable) = i;
        execute_all(m, step.body);
      }
      break;
    }
    case StmtKind::if_then: {
      const size_t chosen = *m.at<uint8_t>(step.condition) != 0 ? 0 : 1;
      if (chosen < step.body.size()) execute(m, step.body[chosen]);
      break;
    }
    case StmtKind::alloc: {
      // Undefined: NaN as a float, -1 as an integer.
      View& view = m.views[step.view];
      std::memset(view.data, 0xff, view.own.size());
      execute_all(m, step.body);
      break;
    }
    default:
      execute_all(m, step.body);
  }
}

std::vector<int64_t> ordered_tasks(int64_t count, const RunOptions& options) {
  std::vector<int64_t> tasks(static_cast<size_t>(count));
  std::iota(tasks.begin(), tasks.end(), 0);
  if (options.order == TaskOrder::reverse) std::ranges::reverse(tasks);
  if (options.order == TaskOrder::shuffled) std::ranges::shuffle(tasks, std::mt19937_64(options.seed));
  return tasks;
}

}  // namespace

void run(const Kernel& kernel, int64_t batch, std::span<void* const> arguments, const RunOptions& options) {
  check(arguments.size() == kernel.params.size(), "one argument per parameter");
  Machine machine;
  Compiler compiler(machine);
  for (const MemoryRef& memory : kernel.params) compiler.declare(*memory, batch);
  std::vector<std::unique_ptr<Tracker>> trackers;
  for (size_t p = 0; p < arguments.size(); ++p) {
    View& view = machine.views[p];
    view.data = static_cast<std::byte*>(arguments[p]);
    if (!options.track || view.memory->access == Access::read) continue;
    trackers.push_back(std::make_unique<Tracker>(
        *view.memory, view.memory->pitch > 0 ? view.dims[0] * view.memory->pitch : elements(view)));
    view.tracker = trackers.back().get();
  }
  const Step body = compiler.stmt(*kernel.body);

  *machine.at<int64_t>(compiler.slot_of("N")) = batch;
  *machine.at<int64_t>(compiler.slot_of("threads")) = options.threads;
  try {
    for (const int64_t task : ordered_tasks(kernel.tasks.at(batch), options)) {
      machine.task = task;
      *machine.at<int64_t>(compiler.slot_of("task")) = task;
      execute(machine, body);
    }
  } catch (const Fault& fault) {
    throw Fault(
        fmt::format("kernel {}, batch {}, task {}: {}", kernel.name, batch, machine.task, fault.what()));
  }
  try {
    for (const auto& tracker : trackers) tracker->finish();
  } catch (const Fault& fault) {
    throw Fault(fmt::format("kernel {}, batch {}: {}", kernel.name, batch, fault.what()));
  }
}

}  // namespace rnc::loops
