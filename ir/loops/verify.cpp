// The rules of the loop IR. The constructors have checked the types of operands already.
//
//   - A kernel has a name, tasks for every batch, and vectors of a power of two of bytes, at least 4.
//   - Memories have positive sizes; only the first dimension of a parameter depends on the batch. Booleans
//     are not stored in memory.
//   - Parameters are parameters and allocations are not; names of memories in scope differ.
//   - A memory is used only where it is a parameter or allocated around the use.
//   - A variable is bound once: no `for`, `let` or predefined name around hides another. It is used only in
//     the body that binds it, with the type it was bound with.
//   - Memories with access `read` are not stored to.
//   - Bounds of unrolled loops, and indices of register tiles, are made of constants and of variables of
//     unrolled loops only, or of lets of those: they are constant once loops are unrolled.
//   - A pitch is no less than the elements of an image.
//   - Every load and store, of each lane that `valid` lets it touch, is proven to lie inside its memory for all batches,
//     threads and tasks, by what loops, conditions and lets say of the indices (bounds.h). One that lies inside but
//     cannot be proven to breaks the rule too. Prefetches may lie anywhere.
//   - With more than one task, no store to a parameter writes the same elements in all of them: an index, a
//     loop's bound or a condition around it depends on the task. (The interpreter finds the other conflicts.)
#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <map>
#include <optional>

#include "ir/loops/bounds.h"
#include "ir/loops/verifiers.h"

namespace rnc::loops {
namespace {

// What is known of an expression or a variable.
struct Known {
  ValueType type;
  bool constant = false;  // once loops are unrolled
  bool by_task = false;   // may differ between tasks
};

class Verifier {
 public:
  void kernel(const Kernel& kernel) {
    require(!kernel.name.empty(), "the kernel has no name");
    require(
        std::has_single_bit(static_cast<uint64_t>(kernel.code_vector_bytes)) && kernel.code_vector_bytes >= 4,
        "vectors of {} bytes", kernel.code_vector_bytes);
    const Extent tasks = kernel.tasks;
    require(tasks.fixed >= 0 && tasks.per_sample >= 0 && tasks.at(1) > 0, "the kernel has {} tasks",
            str(tasks));
    many_tasks_ = tasks != Extent{1, 0};
    bounds_.emplace(tasks);
    for (const char* name : {"N", "threads", "task"}) variables_[name] = {.type = {Scalar::i64, 1}};
    variables_["task"].by_task = true;
    for (const MemoryRef& memory : kernel.params) {
      require(memory != nullptr, "a parameter is missing");
      require(memory->space == Space::parameter, "parameter {} is a register tile or scratch", memory->name);
      declare(memory);
    }
    require(kernel.body != nullptr, "the kernel has no body");
    stmt(kernel.body);
  }

 private:
  void declare(const MemoryRef& memory) {
    require(memory->scalar != Scalar::boolean, "{} holds booleans", memory->name);
    for (size_t i = 0; i < memory->dims.size(); ++i) {
      const Extent dim = memory->dims[i];
      require(dim.at(1) > 0 && dim.per_sample >= 0, "dimension {} of {} has size {}", i, memory->name,
              str(dim));
      require(dim.per_sample == 0 || (i == 0 && memory->space == Space::parameter),
              "dimension {} of {} depends on the batch", i, memory->name);
    }
    if (memory->pitch != 0) {
      int64_t image = 1;
      for (size_t i = 1; i < memory->dims.size(); ++i) image *= memory->dims[i].fixed;
      require(memory->space == Space::parameter && !memory->dims.empty(), "{} has a pitch", memory->name);
      require(memory->pitch >= image, "the pitch of {} is {}, less than an image's {}", memory->name,
              memory->pitch, image);
    }
    const auto same_name = [&](const MemoryRef& other) { return other->name == memory->name; };
    require(std::ranges::none_of(memories_, same_name), "two memories are called {}", memory->name);
    memories_.push_back(memory);
  }

  void bind(const std::string& name, const Known& facts) {
    require(variables_.emplace(name, facts).second, "variable {} is bound twice", name);
  }

  // Calls `body` with the variable in scope.
  template <class Body>
  void with_variable(const std::string& name, const Known& facts, Body body) {
    bind(name, facts);
    body();
    variables_.erase(name);
  }

  Known expr(const Expr& e) {
    require(static_cast<bool>(e), "an expression is missing");
    switch (e->kind) {
      case ExprKind::constant:
        return {.type = e->type, .constant = true};
      case ExprKind::variable: {
        const auto found = variables_.find(e->variable);
        require(found != variables_.end(), "variable {} is used outside its scope", e->variable);
        require(found->second.type == e->type, "variable {} has type {}, used as {}", e->variable,
                str(found->second.type), str(e->type));
        return found->second;
      }
      case ExprKind::load:
        access(e->memory, e->operands, e->type.lanes, e->lane_dim, e->valid);
        return {.type = e->type, .by_task = true};
      default:
        return operation(*e);
    }
  }

  Known operation(const ExprNode& e) {
    Known known{.type = e.type, .constant = true};
    for (const Expr& operand : e.operands) {
      const Known of_operand = expr(operand);
      known.constant = known.constant && of_operand.constant;
      known.by_task = known.by_task || of_operand.by_task;
    }
    return known;
  }

  void require_declared(const MemoryRef& memory) {
    require(std::ranges::find(memories_, memory) != memories_.end(), "{} is used where it is not declared",
            memory->name);
  }

  // Returns whether the elements accessed depend on the task.
  bool access(const MemoryRef& memory, const std::vector<Expr>& index, int lanes, int lane_dim,
              const Expr& valid) {
    require_declared(memory);
    bool by_task = valid && expr(valid).by_task;
    for (size_t i = 0; i < index.size(); ++i) {
      const Known known = expr(index[i]);
      by_task = by_task || known.by_task;
      require(memory->space != Space::registers || known.constant,
              "{} is in registers and indexed by {}, which is not constant once loops are unrolled",
              memory->name, print(index[i]));
    }
    const int outside = bounds_->unproven({memory, index, lanes, lane_dim, valid});
    require(outside < 0, "{} is not bounded: index {} of dimension {}", memory->name,
            outside < 0 ? "" : print(index[static_cast<size_t>(outside)]), outside);
    return by_task;
  }

  void all(const std::vector<Stmt>& body) {
    for (const Stmt& s : body) stmt(s);
  }

  // The rule that it breaks is broken at the innermost statement that has a place.
  void stmt(const Stmt& stmt) {
    require(stmt != nullptr, "a statement is missing");
    try {
      any(*stmt);
    } catch (Broken& broken) {
      if (!broken.location) broken.location = stmt->location;
      throw;
    }
  }

  // Bodies are deep, as lets stand in each other: what needs much of the stack is in the functions called.
  void any(const StmtNode& s) {
    switch (s.kind) {
      case StmtKind::block:
        return all(s.body);
      case StmtKind::for_loop:
        return loop(s);
      case StmtKind::if_then:
        return branch(s);
      case StmtKind::let:
        return let(s);
      case StmtKind::alloc:
        declare_allocation(s.memory);
        all(s.body);
        memories_.pop_back();
        return;
      case StmtKind::store:
        return store(s);
      case StmtKind::prefetch:
        require_declared(s.memory);
        for (const Expr& index : s.index) expr(index);
        return;
    }
  }

  void let(const StmtNode& s) {
    const Known known = expr(s.value);
    bounds_->let(s.variable, s.value);
    with_variable(s.variable, known, [&] { all(s.body); });
  }

  void declare_allocation(const MemoryRef& memory) {
    require(memory->space != Space::parameter, "{} is allocated and a parameter", memory->name);
    declare(memory);
  }

  void store(const StmtNode& s) {
    expr(s.value);
    const bool by_task = access(s.memory, s.index, s.value->type.lanes, s.lane_dim, s.valid);
    if (s.memory->space != Space::parameter) return;
    require(s.memory->access != Access::read, "{} is stored to and may only be read", s.memory->name);
    require(by_task || under_task_ || !many_tasks_, "every task stores to the same elements of {}",
            s.memory->name);
  }

  void loop(const StmtNode& s) {
    const Known begin = expr(s.begin), end = expr(s.end);
    require(!s.unrolled || (begin.constant && end.constant),
            "loop {} is unrolled from {} to {}, which are not constant once loops are unrolled", s.variable,
            print(s.begin), print(s.end));
    Known variable{.type = {Scalar::i64, 1}};
    variable.constant = s.unrolled;
    variable.by_task = begin.by_task || end.by_task;
    guarded(variable.by_task, [&] {
      bounds_->loop(s);
      with_variable(s.variable, variable, [&] { all(s.body); });
    });
  }

  void branch(const StmtNode& s) {
    const bool by_task = expr(s.value).by_task;
    for (size_t i = 0; i < s.body.size(); ++i) {
      guarded(by_task, [&] {
        bounds_->assume(s.value, i == 0);
        stmt(s.body[i]);
      });
    }
  }

  // Calls `body` as code that runs under a condition, or in a loop: `by_task` if that depends on the task.
  template <class Body>
  void guarded(bool by_task, Body body) {
    const bool outer_task = under_task_;
    const Bounds::Mark mark = bounds_->mark();
    under_task_ = under_task_ || by_task;
    body();
    under_task_ = outer_task;
    bounds_->return_to(mark);
  }

  std::map<std::string, Known> variables_;
  std::vector<MemoryRef> memories_;
  bool many_tasks_ = true;
  bool under_task_ = false;  // a loop or condition around depends on the task
  std::optional<Bounds> bounds_;
};

int64_t scratch_bytes(const StmtNode& s) {
  int64_t inner = 0;
  for (const Stmt& child : s.body) inner = std::max(inner, scratch_bytes(*child));
  if (s.kind != StmtKind::alloc || s.memory->space != Space::scratch) return inner;
  int64_t size = bytes(s.memory->scalar);
  for (const Extent& dim : s.memory->dims) size *= dim.fixed;
  return inner + (size + 63) / 64 * 64;
}

}  // namespace

std::optional<Diagnostic> find_violation(const Kernel& kernel) {
  try {
    Verifier().kernel(kernel);
  } catch (const Broken& broken) {
    return Diagnostic{broken.location ? broken.location : kernel.location, broken.rule, {}};
  } catch (const Overflow&) {
    return Diagnostic{kernel.location, "the kernel's indices leave 64 bits, or have too many terms", {}};
  }
  return std::nullopt;
}

std::string broken_rule(const Kernel& kernel) {
  const std::optional<Diagnostic> violation = find_violation(kernel);
  return violation ? violation->message : std::string();
}

void verify(const Kernel& kernel) {
  const std::string rule = broken_rule(kernel);
  if (!rule.empty()) unreachable(fmt::format("kernel {}: {}\n{}", kernel.name, rule, print(kernel)));
}

int64_t scratch_bytes(const Kernel& kernel) { return scratch_bytes(*kernel.body); }

}  // namespace rnc::loops
