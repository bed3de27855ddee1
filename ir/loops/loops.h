// The loop IR: what lowering writes and what code generation, the verifier and the loop interpreter read.
// A kernel is one parallel loop over tasks whose body is serial code over explicit vectors. LLVM emission
// knows this and nothing about operations.
//
//   kernel := "kernel" name "(" param* ")" "tasks" extent body
//   param  := ("read" | "write" | "update") name ":" scalar "[" extent* "]" ("pitch" elements)?
//             -- an array given by the caller
//   stmt   := block | for | if | let | alloc | store | prefetch
//   expr   := constant | variable | unary | binary | fma | dot_pairs | select | cast
//           | broadcast | spread | interleave | zip | mask | ramp | random | reduce | load
//
// Index arithmetic is i64. The variables "task", "N" (the batch) and "threads" (that run the tasks) are
// predefined. Every variable is bound once on the way to its use (a `for` or a `let`) and visible in its body
// only. An array access names one index per dimension; a vector access runs along one of them (`lane_dim`),
// from the given index.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "ir/graph/diagnostics.h"
#include "runtime/contract/dtype.h"

namespace rnc::loops {

// Of a kernel: u8, i32, i64, f32, f64 and boolean; bf16 is loaded, stored and cast from and to f32.
using Scalar = contract::DType;
using contract::bytes;
using contract::name;

struct ValueType {
  Scalar scalar = Scalar::f32;
  int lanes = 1;  // 1: a scalar
  bool operator==(const ValueType&) const = default;
};
std::string str(ValueType);  // "f32", "f32x16"

// A size that may grow with the batch: fixed + per_sample * N.
struct Extent {
  int64_t fixed = 0;
  int64_t per_sample = 0;
  int64_t at(int64_t batch) const { return fixed + per_sample * batch; }
  bool operator==(const Extent&) const = default;
  Extent operator*(int64_t n) const { return {fixed * n, per_sample * n}; }
};
std::string str(const Extent&);  // "64", "N", "4 + 2 * N"

// Memory a body can load from and store to.
enum class Space : uint8_t {
  parameter,  // an array given by the caller
  registers,  // a register tile: every index must be constant once unrolled loops are expanded
  scratch,    // per-worker memory, undefined at the start of each task
};
enum class Access : uint8_t { read, write, update };  // write: every element is stored before any is read
struct Memory {
  std::string name;
  Scalar scalar = Scalar::f32;
  std::vector<Extent> dims;  // row-major; only the first may depend on the batch
  Space space = Space::parameter;
  Access access = Access::read;
  // Of parameters: the elements from one first index to the next, where these lie in larger arrays, as a part of every
  // image does; 0: as many as the other dimensions have.
  int64_t pitch = 0;
};
// The elements between neighbours along a dimension.
int64_t stride_of(const Memory& memory, size_t dim);
using MemoryRef = std::shared_ptr<const Memory>;

enum class ExprKind : uint8_t {
  constant,
  variable,
  unary,
  binary,
  fma,
  dot_pairs,
  select,
  cast,
  broadcast,
  spread,
  interleave,
  zip,
  mask,
  ramp,
  random,
  reduce,
  load
};
enum class Unary : uint8_t { neg, sqrt, exp, log, floor, tanh, erf };  // tanh and erf of f32 only
enum class Binary : uint8_t {
  add,
  sub,
  mul,
  div,  // integers: div truncates, operands are >= 0
  mod,
  min,
  max,  // min/max on floats: as llvm.minnum/maxnum where neither is NaN; see `Select` for NaN-exact choices
  lt,
  le,
  eq,
  ne,  // result: boolean; ordered, so false on NaN except ne
  logic_and,
  logic_or,
};
enum class Reduce : uint8_t { add, max };

struct ExprNode;
// An immutable expression; copying shares it.
class Expr {
 public:
  Expr() = default;
  Expr(int value);      // NOLINT: i64 constant, so that index arithmetic reads as such
  Expr(int64_t value);  // NOLINT: i64 constant
  explicit Expr(std::shared_ptr<const ExprNode> node) : node_(std::move(node)) {}
  const ExprNode& operator*() const { return *node_; }
  const ExprNode* operator->() const { return node_.get(); }
  explicit operator bool() const { return node_ != nullptr; }
  const ExprNode* get() const { return node_.get(); }

 private:
  std::shared_ptr<const ExprNode> node_;
};

struct ExprNode {
  ExprKind kind;
  ValueType type;
  // constant: the value (real for floats), of every lane. integer of a spread: the index; interleave: the half; ramp: the
  // step
  int64_t integer = 0;
  double real = 0;
  std::string variable;
  Unary unary{};
  Binary binary{};
  Reduce reduce{};
  int group = 0;               // spread
  std::vector<Expr> operands;  // load: one index per dimension
  // load
  MemoryRef memory;
  int lane_dim = -1;  // dimension the lanes run along; -1: scalar
  Expr valid;         // i64: lanes >= this read as 0 and are not touched; none: all lanes
};

// What constructors throw where types or constants do not fit: lowering's bug, which the pass manager makes a
// failed check, or a mistake in a text, which its reader (ir/loops/text) reports at its place.
class BrokenRule : public std::logic_error {
 public:
  using std::logic_error::logic_error;
};

// Constructors. They check types, throwing BrokenRule, and fold integer constants.
Expr constant(Scalar scalar, double value, int lanes = 1);
Expr variable(std::string name, ValueType type = {Scalar::i64, 1});
Expr batch();    // N
Expr task();     // index of the current task
Expr threads();  // that run the tasks: for dividing work, results must not depend on it
Expr unary(Unary op, Expr a);
Expr binary(Binary op, Expr a, Expr b);
Expr fma(Expr a, Expr b, Expr c);  // a * b + c, rounded once
// c + a[2i + 1] * b[2i + 1] + a[2i] * b[2i] in lane i of f32, rounded after each product; a and b are bf16, b may be one
// pair for all lanes. AVX512-BF16's vdpbf16ps, which takes denormals for zeros.
Expr dot_pairs(Expr a, Expr b, Expr c);
Expr select(Expr condition, Expr yes, Expr no);  // lane-wise
Expr cast(Expr a, Scalar to);                    // f -> int truncates towards zero
Expr broadcast(Expr a, int lanes);
// Lane l is lane l / group * group + index of the vector: one element of each group of lanes, in all its
// lanes.
Expr spread(Expr a, int group, int index);
// The lanes of a and b in turn: a0 b0 a1 b1 ... of their first halves (half = 0), or of their second (1).
Expr interleave(Expr a, Expr b, int half);
// a0 b0 a1 b1 ..., of twice the lanes.
Expr zip(Expr a, Expr b);
// The first `count` lanes (i64; none where it is not positive) of the vector; zero in the others.
Expr mask(Expr a, Expr count);
// first, first + step, first + 2 step, ...: i32, as `first`.
Expr ramp(Expr first, int64_t step, int lanes);
// philox(key, stream, counter) of ir/ops/random.h, in each lane, all i32.
Expr random(Expr key, Expr stream, Expr counter);
Expr reduce(Reduce op, Expr a);  // over lanes, as a balanced tree (halves added lane-wise)
// `lanes` elements along dimension `lane_dim`, which says nothing where it is one; the first `valid`, then zeros.
Expr load(MemoryRef memory, std::vector<Expr> index);
Expr load(MemoryRef memory, std::vector<Expr> index, int lanes, int lane_dim, Expr valid = {});
Expr operator+(Expr a, Expr b);
Expr operator-(Expr a, Expr b);
Expr operator*(Expr a, Expr b);
Expr operator/(Expr a, Expr b);
Expr operator%(Expr a, Expr b);
Expr min(Expr a, Expr b);
Expr max(Expr a, Expr b);
Expr less(Expr a, Expr b);  // a < b
Expr less_equal(Expr a, Expr b);
Expr both(Expr a, Expr b);  // of two conditions

enum class StmtKind : uint8_t { block, for_loop, if_then, let, alloc, store, prefetch };
struct StmtNode;
using Stmt = std::shared_ptr<const StmtNode>;

struct StmtNode {
  StmtKind kind;
  SourceLocation location;  // of the graph node this comes from; may be empty (inherit)
  std::string comment;      // printed before the statement
  std::vector<Stmt> body;   // block; for; if: [then] or [then, else], each one statement; alloc and let: the
                            // statements that see it
  // for: variable from `begin` to before `end` by a constant step
  std::string variable;
  Expr begin, end;
  int64_t step = 1;
  bool unrolled =
      false;   // expanded by emission; begin and end must be constant once outer unrolled loops are expanded
  Expr value;  // if: the condition; let and store: the value
  MemoryRef memory;         // alloc, store, prefetch
  std::vector<Expr> index;  // store, prefetch
  int lane_dim = -1;        // store of a vector
  Expr valid;               // store: lanes >= this are not written
};

Stmt block(std::vector<Stmt> body);
Stmt for_loop(std::string variable, Expr begin, Expr end, int64_t step, std::vector<Stmt> body);
Stmt unrolled(std::string variable, int64_t begin, int64_t end, int64_t step, std::vector<Stmt> body);
Stmt if_then(Expr condition, std::vector<Stmt> yes, std::vector<Stmt> no = {});
Stmt let(std::string variable, Expr value, std::vector<Stmt> body);
Stmt alloc(MemoryRef memory, std::vector<Stmt> body);
Stmt store(MemoryRef memory, std::vector<Expr> index, Expr value);
Stmt store(MemoryRef memory, std::vector<Expr> index, Expr value, int lane_dim, Expr valid = {});
// A hint, nothing is read: the element may lie outside the memory.
Stmt prefetch(MemoryRef memory, std::vector<Expr> index);
Stmt with_comment(Stmt stmt, std::string comment);
Stmt with_location(Stmt stmt, SourceLocation location);

struct Kernel {
  std::string name;  // a valid symbol; says operation and sizes
  std::vector<MemoryRef> params;
  Extent tasks;  // independent; run in any order on any thread
  Stmt body;
  SourceLocation location;  // of the first graph node it was made for
  int64_t code_vector_bytes = 64;
  std::string layer;  // of that node; may be empty
};

// Text of one kernel, for --emit=loops and for finding equal kernels: two kernels with the same text but for
// the first line, which has name, layer and location, do the same. ir/README.md has the language.
std::string print(const Kernel&);
std::string print(const Expr&);
std::string origin_text(const SourceLocation&);  // " @ "m.graph" 4:3"; empty where no place is known
// A rule broken is a failed check that prints the kernel. The rules stand at the head of verify.cpp.
void verify(const Kernel&);
// The first rule broken, at the innermost statement that has a location, or else the kernel's; none if the
// kernel is valid.
std::optional<Diagnostic> find_violation(const Kernel&);
// The same in words; empty if the kernel is valid.
std::string broken_rule(const Kernel&);
// Bytes of scratch one worker needs: an allocation lies behind those around it, each rounded up to 64.
int64_t scratch_bytes(const Kernel&);

}  // namespace rnc::loops
