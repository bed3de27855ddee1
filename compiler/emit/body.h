// Emits the statements and expressions of one kernel's body into the LLVM function being built. Internal to
// compiler/emit.
#pragma once

#include <llvm/IR/IRBuilder.h>

#include <map>
#include <string>
#include <unordered_map>
#include <vector>

#include "compiler/emit/affine.h"
#include "compiler/emit/repeated_loads.h"
#include "compiler/target.h"
#include "ir/loops/loops.h"

namespace rnc {

class BodyEmitter {
 public:
  // The builder stands at the end of the function's entry block, where `batch`, `worker` and the base of each
  // parameter and of the worker's scratch (null: the kernel has none) are known. `noalias[i]`: parameter i
  // shares no memory with any other. `subprogram`: what line tables refer to; null: there are none.
  struct Frame {
    llvm::Value* batch;
    llvm::Value* threads;
    llvm::Value* worker;
    llvm::Value* scratch;
    std::vector<llvm::Value*> params;
  };
  BodyEmitter(llvm::IRBuilder<>& builder, const Target& target, const loops::Kernel& kernel,
              const Frame& frame, const std::vector<bool>& noalias, llvm::DISubprogram* subprogram);

  // for task = begin .. end-1: the kernel's body. Leaves the builder behind the loop.
  void emit_tasks(llvm::Value* begin, llvm::Value* end);

 private:
  // What a variable stands for: index arithmetic if `value` is null.
  struct Binding {
    Affine affine;
    llvm::Value* value = nullptr;
  };
  struct Place {
    llvm::Value* base = nullptr;
    llvm::MDNode* scope = nullptr;    // alias.scope of accesses
    llvm::MDNode* noalias = nullptr;  // the scopes they do not touch; set when all memories are known
  };

  // statements (body.cpp)
  void emit(const loops::Stmt& stmt);
  void emit_all(const std::vector<loops::Stmt>& body);
  void emit_for(const loops::StmtNode& loop);
  void emit_if(const loops::StmtNode& branch);
  void emit_let(const loops::StmtNode& let);
  void emit_alloc(const loops::StmtNode& alloc);
  template <class Body>
  void emit_loop(const std::string& variable, const Affine& begin, const Affine& end, int64_t step,
                 const Body& body);
  void bind_alias_scopes(const loops::Kernel& kernel, const std::vector<bool>& noalias);

  // memory (memory.cpp)
  void emit_store(const loops::StmtNode& store);
  void emit_prefetch(const loops::StmtNode& prefetch);
  llvm::Value* emit_load(const loops::ExprNode& load);
  llvm::Value* load_strided(const loops::ExprNode& load, llvm::Value* base, int64_t stride, Affine offset);
  void store_strided(const loops::StmtNode& store, llvm::Value* value, llvm::Value* base, int64_t stride,
                     Affine offset);
  // The byte offset of an element in its memory.
  Affine offset_of(const loops::Memory& memory, const std::vector<loops::Expr>& index);
  llvm::Value* pointer(llvm::Value* base, const Affine& offset);
  llvm::Value* lane_mask(const Affine& valid, int lanes);
  llvm::Value* lane_pointers(llvm::Value* first, int64_t stride, int lanes);
  template <class Instruction>
  Instruction* tagged(Instruction* access, const loops::MemoryRef& memory);

  // expressions (expression.cpp)
  llvm::Value* emit(const loops::Expr& e);
  llvm::Value* emit_uncached(const loops::ExprNode& e);
  llvm::Value* emit_unary(loops::Unary op, llvm::Value* a, loops::Scalar scalar);
  llvm::Value* emit_binary(loops::Binary op, llvm::Value* a, llvm::Value* b, loops::Scalar scalar);
  llvm::Value* emit_random(llvm::Value* key, llvm::Value* stream, llvm::Value* counter);
  llvm::Value* emit_cast(llvm::Value* a, loops::Scalar from, loops::ValueType to);
  llvm::Value* emit_reduce(loops::Reduce op, llvm::Value* a, loops::ValueType type);
  Affine affine(const loops::Expr& e);
  Affine affine_binary(const loops::ExprNode& e);
  llvm::Value* materialize(const Affine& a);
  Atom atom(llvm::Value* value, int depth) { return {value, depth, next_atom_++}; }
  llvm::Type* type(loops::ValueType t);

  llvm::IRBuilder<>& b_;
  const Target& target_;
  const loops::Kernel& kernel_;
  llvm::Value* scratch_;
  llvm::DISubprogram* subprogram_;
  std::map<std::string, Binding> variables_;
  std::unordered_map<const loops::Memory*, Place> places_;
  // Values of the current statement's expressions: they are shared (a DAG), and memory changes only between
  // statements.
  std::unordered_map<const loops::ExprNode*, llvm::Value*> values_;
  int depth_ = 0;
  int next_atom_ = 0;
  int64_t scratch_used_ = 0;
  RepeatedLoads repeated_loads_;
  // Around the current statement, within the innermost loop that stays one:
  int unrolled_ = 0;     // unrolled loops
  int values_held_ = 0;  // lets that hold a loaded or computed value
};

}  // namespace rnc
