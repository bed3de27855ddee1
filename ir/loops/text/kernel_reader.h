// Reads kernels.
#pragma once

#include <string>
#include <vector>

#include "ir/loops/text/expression_reader.h"

namespace rnc::loops {

// Bodies in each other; with the lets and allocations around; what unrolling may repeat a statement; bytes of register tiles.
inline constexpr int kMostBodies = 64;
inline constexpr int kMostNesting = 1400;
inline constexpr int64_t kMostUnrolled = 1 << 16;
inline constexpr int64_t kMostStatements = 1 << 20;  // of a kernel, once loops are unrolled
inline constexpr int64_t kMostRegisterBytes = 1 << 20;

class KernelReader {
 public:
  explicit KernelReader(TokenStream& tokens) : tokens_(tokens), expressions_(tokens, scope_) {}
  // After the word "kernel". Its statements have their places in the text for locations, the kernel its own
  // of the spec.
  Kernel read();

 private:
  // A statement, or the beginning of one that holds those after it.
  struct Item {
    Stmt stmt;
    Token variable;  // of a let
    Expr value;
    MemoryRef memory;  // of an allocation
    std::string comment;
    SourceLocation location;
  };

  void parameters(Kernel& kernel);
  std::vector<Stmt> body();
  Item item();
  Stmt loop(bool unrolled);
  int64_t unrolled_copies(const Token& variable, const StmtNode& loop) const;
  Stmt condition();
  Stmt store();
  Stmt prefetch();
  std::string comments();

  TokenStream& tokens_;
  Scope scope_;
  ExpressionReader expressions_;
  int nesting_ = 0, bodies_ = 0;
  int64_t copies_ = 1;  // that unrolling makes of what is read
  int64_t statements_ = 0;
};

}  // namespace rnc::loops
