// What names mean at a place in the text of a kernel.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "ir/loops/loops.h"
#include "ir/text/token_stream.h"

namespace rnc::loops {

// Variables and memories are names of two kinds: an access has brackets. Both throw UserError at the token.
class Scope {
 public:
  Scope();
  Expr variable(const text::Token& name) const;
  MemoryRef memory(const text::Token& name) const;

  // Throw where the name is taken.
  void bind(const text::Token& name, ValueType type);
  void declare(const text::Token& name, MemoryRef memory);

  // Forgets what was bound and declared since.
  size_t mark() const { return bound_.size(); }
  void return_to(size_t mark);

 private:
  struct Bound {
    std::string name;
    bool is_memory;
  };
  std::map<std::string, ValueType> variables_;
  std::map<std::string, MemoryRef> memories_;
  std::vector<Bound> bound_;
};

}  // namespace rnc::loops
