// The syntax tree: what the parser makes of a text and the elaborator turns into a module.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "ir/graph/diagnostics.h"
#include "ir/graph/type.h"

namespace rnc::text {

struct Expr {
  enum class Kind : uint8_t { integer, real, boolean, string, name, list, call, index, unary, binary };
  Kind kind = Kind::integer;
  SourceLocation location;  // binary: of the operator
  int64_t integer = 0;      // integer, boolean
  double real = 0;
  std::string text;            // string: its value; name; call: what is called; unary, binary: the operator
  std::vector<Expr> operands;  // list: its elements; call: its arguments; index: list and index
  std::string keyword;         // as an argument `keyword = value`; empty: positional
  SourceLocation keyword_location;
  int depth = 1;  // of the tree below, itself included
};

// f32[N, 64, 56, 56 | 1:16]. A dimension is an expression; the name N is the batch.
struct TypeSyntax {
  SourceLocation location;
  std::string dtype;
  std::vector<Expr> dims;
  Layout layout;
};

// @ "resnet18.graph" 12:3 in layer1.0.conv1: where a statement of a dump comes from.
struct Origin {
  SourceLocation location;           // none: not given
  std::optional<std::string> layer;  // none: as the node's name
  std::string phase;                 // empty: not given
};

struct Statement {
  enum class Kind : uint8_t {
    let,        // name : type = value
    condition,  // if value { body } else { otherwise }
    loop,       // for name in value { body }
    result,     // return value
    predict,    // predict value
    loss,       // loss value
    train,      // train value
    classes,    // classes value
    hash,       // hash value
    freeze,     // freeze value
    recipe,     // value = recipe(...)
    init,       // init name = value
    tensor,     // word name : type = value; the word is parameter, buffer, ...
    entry,      // entry name : role { body }
    kernel,     // kernel name { body }
    output,     // output name : role = value
    assign,     // assign name = value
    failed,     // could not be read; its body has a `let` for each name that it may have defined
  };
  Kind kind = Kind::let;
  SourceLocation location;
  std::string word;  // the first; empty: let
  std::string name;
  std::vector<std::string> more;  // of a let: the names behind the first, of the elements of a list
  std::string role;               // of an entry or output; empty: that of its name
  std::string of;  // of a tensor: the parameter that it belongs to; empty: that of its name, if any
  std::optional<TypeSyntax> type;
  std::optional<Expr> value;
  std::vector<Statement> body;
  std::vector<Statement> otherwise;
  std::optional<Origin> origin;
};

struct Parameter {
  std::string name;
  SourceLocation location;
  std::optional<TypeSyntax> type;     // of a model's input
  std::optional<Expr> default_value;  // of a block's parameter or a model's scalar input
};

// [inline] block name(parameters) { body } and model name(parameters) { body }
struct Definition {
  std::string name;
  SourceLocation location;
  bool inlined = false;  // a call opens no scope
  std::vector<Parameter> parameters;
  std::vector<Statement> body;
};

struct Item {
  enum class Kind : uint8_t { include, constant, block, model };
  Kind kind = Kind::include;
  SourceLocation location;
  std::string name;           // include: the path; constant: its name
  std::optional<Expr> value;  // constant
  std::shared_ptr<const Definition> definition;
};

struct File {
  std::vector<Item> items;
  bool intact = true;  // all items could be read, but for failed statements in them
};

}  // namespace rnc::text
