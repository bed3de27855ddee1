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
//   - An access that runs whenever its task does (under no `if`) does not lie outside its memory for every
//     value of the variables. (The interpreter checks each access that runs.)
//   - With more than one task, no store to a parameter writes the same elements in all of them: an index, a
//     loop's bound or a condition around it depends on the task. (The interpreter finds the other conflicts.)
#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <map>

#include "ir/loops/loops.h"

namespace rnc::loops {
namespace {

constexpr int64_t kInfinity = int64_t{1}
                              << 40;  // larger than any size; products of two of them fit twice in 128 bits

// The values an i64 expression can take, both ends included.
struct Interval {
  int64_t low = -kInfinity;
  int64_t high = kInfinity;
};

int64_t clamp(__int128 value) {
  return static_cast<int64_t>(std::clamp<__int128>(value, -kInfinity, kInfinity));
}

// An end that may be anything stays so.
int64_t plus(int64_t a, int64_t b) {
  if (std::abs(a) == kInfinity) return a;
  if (std::abs(b) == kInfinity) return b;
  return clamp(static_cast<__int128>(a) + b);
}

Interval interval(Binary op, Interval a, Interval b) {
  switch (op) {
    case Binary::add:
      return {plus(a.low, b.low), plus(a.high, b.high)};
    case Binary::sub:
      return {plus(a.low, -b.high), plus(a.high, -b.low)};
    case Binary::mul: {
      const __int128 products[] = {
          static_cast<__int128>(a.low) * b.low, static_cast<__int128>(a.low) * b.high,
          static_cast<__int128>(a.high) * b.low, static_cast<__int128>(a.high) * b.high};
      return {clamp(std::ranges::min(products)), clamp(std::ranges::max(products))};
    }
    case Binary::div:
      if (b.low <= 0) return {0, kInfinity};
      return {std::max<int64_t>(a.low, 0) / b.high, a.high == kInfinity ? kInfinity : a.high / b.low};
    case Binary::mod:
      return {0, std::min(a.high, b.high - 1)};
    case Binary::min:
      return {std::min(a.low, b.low), std::min(a.high, b.high)};
    case Binary::max:
      return {std::max(a.low, b.low), std::max(a.high, b.high)};
    default:
      return {};
  }
}

// What is known of an expression or a variable.
struct Facts {
  ValueType type;
  Interval values;
  bool constant = false;  // once loops are unrolled
  bool by_task = false;   // may differ between tasks
};

// Thrown inside the verifier only: the rule broken.
struct Broken {
  std::string rule;
};

template <class... Args>
void require(bool condition, fmt::format_string<Args...> rule, Args&&... args) {
  if (!condition) throw Broken{fmt::format(rule, std::forward<Args>(args)...)};
}

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
    variables_["N"] = {.type = {Scalar::i64, 1}, .values = {1, kInfinity}};
    variables_["threads"] = {.type = {Scalar::i64, 1}, .values = {1, kInfinity}};
    const int64_t last_task = tasks.per_sample > 0 ? kInfinity : tasks.fixed - 1;
    variables_["task"] = {.type = {Scalar::i64, 1}, .values = {0, last_task}, .by_task = true};
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
    const auto same_name = [&](const MemoryRef& other) { return other->name == memory->name; };
    require(std::ranges::none_of(memories_, same_name), "two memories are called {}", memory->name);
    memories_.push_back(memory);
  }

  // Calls `body` with the variable in scope.
  template <class Body>
  void with_variable(const std::string& name, const Facts& facts, Body body) {
    const auto [place, fresh] = variables_.emplace(name, facts);
    require(fresh, "variable {} is bound twice", name);
    body();
    variables_.erase(place);
  }

  Facts expr(const Expr& e) {
    require(static_cast<bool>(e), "an expression is missing");
    switch (e->kind) {
      case ExprKind::constant:
        return {e->type, {clamp(e->integer), clamp(e->integer)}, true, false};
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

  Facts operation(const ExprNode& e) {
    Facts facts{.type = e.type, .constant = true};
    std::vector<Interval> values;
    for (const Expr& operand : e.operands) {
      const Facts known = expr(operand);
      facts.constant = facts.constant && known.constant;
      facts.by_task = facts.by_task || known.by_task;
      values.push_back(known.values);
    }
    if (e.kind == ExprKind::binary && e.type.scalar == Scalar::i64) {
      facts.values = interval(e.binary, values[0], values[1]);
    }
    return facts;
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
      const Facts facts = expr(index[i]);
      by_task = by_task || facts.by_task;
      require(memory->space != Space::registers || facts.constant,
              "{} is in registers and indexed by {}, which is not constant once loops are unrolled",
              memory->name, print(index[i]));
      const Extent dim = memory->dims[i];
      const int64_t touched = static_cast<int>(i) == lane_dim && !valid ? lanes : 1;
      const bool inside = dim.per_sample > 0 || facts.values.low + touched <= dim.fixed;
      require(!certain_ || (inside && facts.values.high >= 0),
              "{} is accessed outside: index {} of dimension {}", memory->name, print(index[i]), i);
    }
    return by_task;
  }

  void all(const std::vector<Stmt>& body) {
    for (const Stmt& s : body) stmt(s);
  }

  void stmt(const Stmt& stmt) {
    require(stmt != nullptr, "a statement is missing");
    const StmtNode& s = *stmt;
    switch (s.kind) {
      case StmtKind::block:
        return all(s.body);
      case StmtKind::for_loop:
        return loop(s);
      case StmtKind::if_then:
        return branch(s);
      case StmtKind::let:
        return with_variable(s.variable, expr(s.value), [&] { all(s.body); });
      case StmtKind::alloc:
        require(s.memory->space != Space::parameter, "{} is allocated and a parameter", s.memory->name);
        declare(s.memory);
        all(s.body);
        memories_.pop_back();
        return;
      case StmtKind::store: {
        expr(s.value);
        const bool by_task = access(s.memory, s.index, s.value->type.lanes, s.lane_dim, s.valid);
        if (s.memory->space != Space::parameter) return;
        require(s.memory->access != Access::read, "{} is stored to and may only be read", s.memory->name);
        require(by_task || under_task_ || !many_tasks_, "every task stores to the same elements of {}",
                s.memory->name);
        return;
      }
      case StmtKind::prefetch:
        require_declared(s.memory);
        for (const Expr& index : s.index) expr(index);
        return;
    }
  }

  void loop(const StmtNode& s) {
    const Facts begin = expr(s.begin), end = expr(s.end);
    require(!s.unrolled || (begin.constant && end.constant),
            "loop {} is unrolled from {} to {}, which are not constant once loops are unrolled", s.variable,
            print(s.begin), print(s.end));
    Facts variable{.type = {Scalar::i64, 1}};
    variable.values = {begin.values.low, plus(end.values.high, -1)};
    variable.constant = s.unrolled;
    variable.by_task = begin.by_task || end.by_task;
    const bool runs = begin.values.high < end.values.low;
    guarded(variable.by_task, runs, [&] { with_variable(s.variable, variable, [&] { all(s.body); }); });
  }

  void branch(const StmtNode& s) {
    guarded(expr(s.value).by_task, false, [&] { all(s.body); });
  }

  // Calls `body` as code that a condition decides on: one that may depend on the task, or surely holds.
  template <class Body>
  void guarded(bool by_task, bool certain, Body body) {
    const bool outer_task = under_task_, outer_certain = certain_;
    under_task_ = under_task_ || by_task;
    certain_ = certain_ && certain;
    body();
    under_task_ = outer_task;
    certain_ = outer_certain;
  }

  std::map<std::string, Facts> variables_;
  std::vector<MemoryRef> memories_;
  bool many_tasks_ = true;
  bool under_task_ = false;  // a loop or condition around depends on the task
  bool certain_ = true;      // the statement runs in every task
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

std::string broken_rule(const Kernel& kernel) {
  try {
    Verifier().kernel(kernel);
  } catch (const Broken& broken) {
    return broken.rule;
  }
  return {};
}

void verify(const Kernel& kernel) {
  const std::string rule = broken_rule(kernel);
  if (!rule.empty()) unreachable(fmt::format("kernel {}: {}\n{}", kernel.name, rule, print(kernel)));
}

int64_t scratch_bytes(const Kernel& kernel) { return scratch_bytes(*kernel.body); }

}  // namespace rnc::loops
