// Constructors of the loop IR's statements.
#include <utility>

#include "ir/loops/construct.h"

namespace rnc::loops {
namespace {

Stmt make(StmtNode node) { return std::make_shared<const StmtNode>(std::move(node)); }

}  // namespace

Stmt block(std::vector<Stmt> body) {
  if (body.size() == 1) return std::move(body.front());
  StmtNode node{.kind = StmtKind::block};
  node.body = std::move(body);
  return make(std::move(node));
}

Stmt for_loop(std::string variable, Expr begin, Expr end, int64_t step, std::vector<Stmt> body) {
  expect_type(begin, kIndex, "the begin of loop " + variable);
  expect_type(end, kIndex, "the end of loop " + variable);
  rule(step >= 1, "a loop needs a positive step");
  StmtNode node{.kind = StmtKind::for_loop};
  node.variable = std::move(variable);
  node.begin = std::move(begin);
  node.end = std::move(end);
  node.step = step;
  node.body = std::move(body);
  return make(std::move(node));
}

Stmt unrolled(std::string variable, int64_t begin, int64_t end, int64_t step, std::vector<Stmt> body) {
  StmtNode node = *for_loop(std::move(variable), begin, end, step, std::move(body));
  node.unrolled = true;
  return make(std::move(node));
}

Stmt if_then(Expr condition, std::vector<Stmt> yes, std::vector<Stmt> no) {
  expect_type(condition, {Scalar::boolean, 1}, "the condition of if");
  if (is_constant(condition)) return block(condition->integer == 0 ? std::move(no) : std::move(yes));
  StmtNode node{.kind = StmtKind::if_then};
  node.value = std::move(condition);
  node.body.push_back(block(std::move(yes)));
  if (!no.empty()) node.body.push_back(block(std::move(no)));
  return make(std::move(node));
}

Stmt let(std::string variable, Expr value, std::vector<Stmt> body) {
  rule(static_cast<bool>(value), "let needs a value");
  StmtNode node{.kind = StmtKind::let};
  node.variable = std::move(variable);
  node.value = std::move(value);
  node.body = std::move(body);
  return make(std::move(node));
}

Stmt alloc(MemoryRef memory, std::vector<Stmt> body) {
  rule(memory && memory->space != Space::parameter, "alloc takes a register tile or scratch");
  for (const Extent& dim : memory->dims) {
    rule(dim.fixed > 0 && dim.per_sample == 0, "an allocation's size may not depend on the batch");
  }
  StmtNode node{.kind = StmtKind::alloc};
  node.memory = std::move(memory);
  node.body = std::move(body);
  return make(std::move(node));
}

Stmt store(MemoryRef memory, std::vector<Expr> index, Expr value) {
  return store(std::move(memory), std::move(index), std::move(value), -1);
}

Stmt store(MemoryRef memory, std::vector<Expr> index, Expr value, int lane_dim, Expr valid) {
  rule(static_cast<bool>(value), "store needs a value");
  const int lanes = value->type.lanes;
  StmtNode node{.kind = StmtKind::store};
  node.lane_dim = check_access(memory, index, lanes, lane_dim);
  expect_type(value, {memory->scalar, lanes}, "a value stored to " + memory->name);
  node.valid = checked_valid(std::move(valid), lanes);
  node.value = std::move(value);
  node.memory = std::move(memory);
  node.index = std::move(index);
  return make(std::move(node));
}

Stmt prefetch(MemoryRef memory, std::vector<Expr> index) {
  StmtNode node{.kind = StmtKind::prefetch};
  check_access(memory, index, 1, -1);
  rule(memory->space == Space::parameter || memory->space == Space::scratch,
       "registers cannot be prefetched");
  node.memory = std::move(memory);
  node.index = std::move(index);
  return make(std::move(node));
}

Stmt with_comment(Stmt stmt, std::string comment) {
  StmtNode node = *stmt;
  node.comment = std::move(comment);
  return make(std::move(node));
}

Stmt with_location(Stmt stmt, SourceLocation location) {
  StmtNode node = *stmt;
  node.location = std::move(location);
  return make(std::move(node));
}

}  // namespace rnc::loops
