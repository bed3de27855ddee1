// Reads entries.
#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "ir/loops/program.h"
#include "ir/loops/text/parts.h"

namespace rnc::loops {

// An entry as it is read: kernels may come after the calls that name them, constants after the buffers.
struct ReadEntry {
  EntryProgram entry;
  SourceLocation place;
  std::vector<Token> kernels;          // by call: the name of its kernel
  std::vector<SourceLocation> places;  // of buffers
  struct Constant {
    Token index;
    int64_t bytes;
  };
  std::vector<Constant> constants;  // that buffers name
};

class EntryReader {
 public:
  explicit EntryReader(TokenStream& tokens) : tokens_(tokens) {}
  // After the word "entry". Calls have their places in the text for locations; `origins` are those in the
  // spec.
  ReadEntry read(std::vector<SourceLocation>& origins);

 private:
  using BufferName = std::pair<std::string, int64_t>;
  void statement();
  void input();
  void output();
  void least_batch();
  void buffer();
  void region(Buffer& buffer);
  void arena();
  void call();
  void fact(Call& call, bool& has_operations);
  void size_fact(Work& work, bool& has_operations);
  BufferName buffer_name();
  int buffer_index();

  TokenStream& tokens_;
  ReadEntry result_;
  std::map<BufferName, int> buffers_;
  std::vector<SourceLocation> origins_;
};

}  // namespace rnc::loops
