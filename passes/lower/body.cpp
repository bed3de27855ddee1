#include "passes/lower/body.h"

#include <fmt/format.h>

#include <algorithm>

namespace rnc {

using loops::Expr;
using loops::ExprKind;
using loops::MemoryRef;
using loops::Stmt;

std::string Names::fresh(std::string_view base) {
  const auto [it, is_new] = used_.try_emplace(std::string(base), 0);
  return is_new ? std::string(base) : fmt::format("{}_{}", base, ++it->second);
}

void Body::add(Stmt stmt) {
  if (!comment_.empty()) stmt = loops::with_comment(std::move(stmt), std::move(comment_));
  comment_.clear();
  items_.push_back({std::move(stmt), {}, {}, {}});
}

Expr Body::let(std::string_view name, Expr value) {
  if (value->kind == ExprKind::constant || value->kind == ExprKind::variable) return value;
  const std::string variable = names_->fresh(name);
  items_.push_back({nullptr, variable, value, nullptr});
  return loops::variable(variable, value->type);
}

MemoryRef Body::alloc(std::string_view name, loops::Scalar scalar, const std::vector<int64_t>& dims,
                      loops::Space space) {
  loops::Memory memory{names_->fresh(name), scalar, {}, space, loops::Access::update};
  for (const int64_t dim : dims) memory.dims.push_back({dim, 0});
  auto ref = std::make_shared<const loops::Memory>(std::move(memory));
  items_.push_back({nullptr, {}, {}, ref});
  return ref;
}

namespace {

// As the memory holds it, where that is in fewer bytes than it is computed with.
Expr rounded_to(const loops::Memory& memory, Expr value) {
  const bool narrows =
      value->type.scalar != memory.scalar && value->type.scalar == contract::compute_type(memory.scalar);
  return narrows ? loops::cast(std::move(value), memory.scalar) : value;
}

}  // namespace

void Body::store(const MemoryRef& memory, std::vector<Expr> index, Expr value) {
  value = rounded_to(*memory, std::move(value));
  add(loops::store(memory, std::move(index), std::move(value)));
}

void Body::store(const MemoryRef& memory, std::vector<Expr> index, Expr value, int lane_dim, Expr valid) {
  if (value->type.lanes == 1 && !valid) return store(memory, std::move(index), std::move(value));
  value = rounded_to(*memory, std::move(value));
  add(loops::store(memory, std::move(index), std::move(value), lane_dim, std::move(valid)));
}

void Body::accumulate(const MemoryRef& memory, const std::vector<Expr>& index, Expr value, int lane_dim) {
  const int lanes = value->type.lanes;
  const Expr old = loaded(memory, index, lanes, lane_dim);
  store(memory, index, old + std::move(value), lane_dim);
}

void Body::loop(std::string_view variable, Expr begin, Expr end, int64_t step, const FillLoop& fill) {
  const std::string name = names_->fresh(variable);
  Body inner(*names_);
  fill(inner, loops::variable(name));
  add(loops::for_loop(name, std::move(begin), std::move(end), step, inner.finish()));
}

void Body::unrolled(std::string_view variable, int64_t begin, int64_t end, const FillLoop& fill) {
  if (end == begin + 1) return fill(*this, begin);
  const std::string name = names_->fresh(variable);
  Body inner(*names_);
  fill(inner, loops::variable(name));
  add(loops::unrolled(name, begin, end, 1, inner.finish()));
}

void Body::when(Expr condition, const Fill& fill, const Fill& otherwise) {
  if (!condition) return fill(*this);
  Body yes(*names_), no(*names_);
  fill(yes);
  if (otherwise) otherwise(no);
  add(loops::if_then(std::move(condition), yes.finish(), no.finish()));
}

std::vector<Stmt> Body::finish() {
  std::vector<Stmt> tail;  // in reverse
  for (auto it = items_.rbegin(); it != items_.rend(); ++it) {
    if (it->stmt) {
      tail.push_back(it->stmt);
      continue;
    }
    std::vector<Stmt> inside(tail.rbegin(), tail.rend());
    tail.clear();
    tail.push_back(it->memory ? loops::alloc(it->memory, std::move(inside))
                              : loops::let(it->variable, it->value, std::move(inside)));
  }
  items_.clear();
  std::reverse(tail.begin(), tail.end());
  return tail;
}

Expr loaded(const MemoryRef& memory, std::vector<Expr> index, int lanes, int lane_dim, Expr valid) {
  return widened(loops::load(memory, std::move(index), lanes, lane_dim, std::move(valid)));
}

Expr widened(Expr value) {
  const loops::Scalar scalar = contract::compute_type(value->type.scalar);
  return loops::cast(std::move(value), scalar);
}

}  // namespace rnc
