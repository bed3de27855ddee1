// Building loop-IR bodies in the order they run: a Body collects statements, and turns `let` and `alloc`
// (which in the loop IR enclose what sees them) into nested statements at the end.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "ir/loops/loops.h"

namespace rnc {

// Hands out variable and memory names that are unique in one kernel: "t", "t1", "t2", ...
class Names {
 public:
  std::string fresh(std::string_view base);

 private:
  std::map<std::string, int, std::less<>> used_;
};

class Body {
 public:
  using Fill = std::function<void(Body&)>;
  using FillLoop = std::function<void(Body&, loops::Expr)>;

  explicit Body(Names& names) : names_(&names) {}

  void add(loops::Stmt stmt);
  // Binds `value` and returns the variable. Constants and variables are returned as they are.
  loops::Expr let(std::string_view name, loops::Expr value);
  loops::MemoryRef alloc(std::string_view name, loops::Scalar scalar, const std::vector<int64_t>& dims,
                         loops::Space space);
  void store(const loops::MemoryRef& memory, std::vector<loops::Expr> index, loops::Expr value);
  void store(const loops::MemoryRef& memory, std::vector<loops::Expr> index, loops::Expr value, int lane_dim,
             loops::Expr valid = {});
  // memory[index] += value, along lane_dim if value is a vector.
  void accumulate(const loops::MemoryRef& memory, const std::vector<loops::Expr>& index, loops::Expr value,
                  int lane_dim);
  void loop(std::string_view variable, loops::Expr begin, loops::Expr end, int64_t step,
            const FillLoop& fill);
  void unrolled(std::string_view variable, int64_t begin, int64_t end, const FillLoop& fill);
  // An empty condition means always.
  void when(loops::Expr condition, const Fill& fill, const Fill& otherwise = {});
  // A comment on the next statement added.
  void comment(std::string text) { comment_ = std::move(text); }

  std::vector<loops::Stmt> finish();

 private:
  struct Item {
    loops::Stmt stmt;      // or, where empty:
    std::string variable;  //   a binding of `value`
    loops::Expr value;
    loops::MemoryRef memory;  //   an allocation
  };
  Names* names_;
  std::vector<Item> items_;
  std::string comment_;
};

// As it is computed with, if it is stored in fewer bytes.
loops::Expr widened(loops::Expr value);
// loops::load, so widened; stores of a Body round what memory holds in fewer bytes.
loops::Expr loaded(const loops::MemoryRef& memory, std::vector<loops::Expr> index, int lanes = 1,
                   int lane_dim = -1, loops::Expr valid = {});

}  // namespace rnc
