// The text of kernels, which ir/loops/text reads back. It shows all that a kernel computes, so that equal texts
// mean equal kernels; source locations of statements are left out. `let` and `alloc` are seen by the statements
// after them, up to the closing brace.
#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <span>

#include "ir/loops/loops.h"
#include "ir/text/lexer.h"

namespace rnc::loops {
namespace {

using text::quote_name;
using text::quote_string;

// How tightly an expression binds in the text, loosest first.
enum Precedence { kOr, kAnd, kCompare, kSum, kProduct, kPrefix };

struct Operator {
  std::string_view text;
  Precedence precedence;
};

// Min and max are written as calls.
Operator infix(Binary op) {
  switch (op) {
    case Binary::add:
      return {"+", kSum};
    case Binary::sub:
      return {"-", kSum};
    case Binary::mul:
      return {"*", kProduct};
    case Binary::div:
      return {"/", kProduct};
    case Binary::mod:
      return {"%", kProduct};
    case Binary::lt:
      return {"<", kCompare};
    case Binary::le:
      return {"<=", kCompare};
    case Binary::eq:
      return {"==", kCompare};
    case Binary::ne:
      return {"!=", kCompare};
    case Binary::logic_and:
      return {"and", kAnd};
    case Binary::logic_or:
      return {"or", kOr};
    case Binary::min:
      return {"min", kPrefix};
    case Binary::max:
      return {"max", kPrefix};
  }
  unreachable("binary operation");
}

std::string_view name(Unary op) {
  constexpr std::string_view names[] = {"-", "sqrt", "exp", "log", "floor", "tanh", "erf"};
  return names[static_cast<size_t>(op)];
}

std::string text_of(const Expr& e, Precedence least = kOr);

std::string text_of_list(const std::vector<Expr>& list) {
  std::string out;
  for (const Expr& e : list) {
    if (!out.empty()) out += ", ";
    out += text_of(e);
  }
  return out;
}

std::string text_of_constant(const ExprNode& e) {
  std::string value;
  switch (e.type.scalar) {
    case Scalar::f32:
      value = fmt::to_string(static_cast<float>(e.real));
      break;
    case Scalar::f64:
      value = fmt::to_string(e.real);
      break;
    case Scalar::boolean:
      value = e.integer != 0 ? "true" : "false";
      break;
    default:
      if (e.integer == INT64_MIN) return fmt::format("(-{} - 1)", INT64_MAX);  // no literal is that large
      value = fmt::to_string(e.integer);
  }
  const bool bare = e.type.lanes == 1 && (e.type.scalar == Scalar::i64 || e.type.scalar == Scalar::boolean);
  return bare ? value : fmt::format("{}({})", str(e.type), value);
}

// "x[n, c, h, w:+16]": 16 lanes along the last dimension, from w; with `valid v`, only the first v of them.
std::string text_of_access(const Memory& memory, const std::vector<Expr>& index, int lanes, int lane_dim,
                           const Expr& valid) {
  std::string out = quote_name(memory.name) + "[";
  for (size_t i = 0; i < index.size(); ++i) {
    out += (i > 0 ? ", " : "") + text_of(index[i]);
    if (static_cast<int>(i) != lane_dim) continue;
    out += fmt::format(":+{}", lanes);
    if (valid) out += " valid " + text_of(valid);
  }
  return out + "]";
}

std::string text_of_binary(const ExprNode& e, Precedence least) {
  const auto [symbol, precedence] = infix(e.binary);
  if (precedence == kPrefix) return fmt::format("{}({})", symbol, text_of_list(e.operands));
  // Operators group to the left; comparisons do not chain.
  const auto tighter = static_cast<Precedence>(precedence + 1);
  const std::string out =
      fmt::format("{} {} {}", text_of(e.operands[0], precedence == kCompare ? tighter : precedence), symbol,
                  text_of(e.operands[1], tighter));
  return precedence < least ? fmt::format("({})", out) : out;
}

std::string text_of(const Expr& expr, Precedence least) {
  check(static_cast<bool>(expr), "printing a missing expression");
  const ExprNode& e = *expr;
  switch (e.kind) {
    case ExprKind::constant:
      return text_of_constant(e);
    case ExprKind::variable:
      return quote_name(e.variable);
    case ExprKind::unary:
      if (e.unary == Unary::neg) return fmt::format("-{}", text_of(e.operands[0], kPrefix));
      return fmt::format("{}({})", name(e.unary), text_of_list(e.operands));
    case ExprKind::binary:
      return text_of_binary(e, least);
    case ExprKind::fma:
      return fmt::format("fma({})", text_of_list(e.operands));
    case ExprKind::dot_pairs:
      return fmt::format("dot_pairs({})", text_of_list(e.operands));
    case ExprKind::select:
      return fmt::format("select({})", text_of_list(e.operands));
    case ExprKind::cast:
      return fmt::format("{}({})", loops::name(e.type.scalar), text_of_list(e.operands));
    case ExprKind::broadcast:
      return fmt::format("broadcast({}, {})", text_of_list(e.operands), e.type.lanes);
    case ExprKind::spread:
      return fmt::format("spread({}, {}, {})", text_of_list(e.operands), e.group, e.integer);
    case ExprKind::interleave:
      return fmt::format("interleave({}, {})", text_of_list(e.operands), e.integer);
    case ExprKind::zip:
      return fmt::format("zip({})", text_of_list(e.operands));
    case ExprKind::ramp:
      return fmt::format("ramp({}, {}, {})", text_of_list(e.operands), e.integer, e.type.lanes);
    case ExprKind::random:
      return fmt::format("random({})", text_of_list(e.operands));
    case ExprKind::mask:
      return fmt::format("mask({})", text_of_list(e.operands));
    case ExprKind::reduce:
      return fmt::format("reduce_{}({})", e.reduce == Reduce::add ? "add" : "max", text_of_list(e.operands));
    case ExprKind::load:
      return text_of_access(*e.memory, e.operands, e.type.lanes, e.lane_dim, e.valid);
  }
  unreachable("expression kind");
}

// "x : f32[N, 64, 56, 56]", "x : f32[N, 64] pitch 256"
std::string declaration(const Memory& memory) {
  std::string out = fmt::format("{} : {}[", quote_name(memory.name), loops::name(memory.scalar));
  for (size_t i = 0; i < memory.dims.size(); ++i) out += (i > 0 ? ", " : "") + str(memory.dims[i]);
  return out + "]" + (memory.pitch > 0 ? fmt::format(" pitch {}", memory.pitch) : "");
}

// Of a statement that is no block. A function of its own, as bodies are deep: lets stand in each other.
std::string first_line(const StmtNode& s) {
  switch (s.kind) {
    case StmtKind::for_loop: {
      const std::string step = s.step != 1 ? fmt::format(" step {}", s.step) : "";
      return fmt::format("{} {} in {}..{}{} {{", s.unrolled ? "unrolled" : "for", quote_name(s.variable),
                         text_of(s.begin, kSum), text_of(s.end, kSum), step);
    }
    case StmtKind::if_then:
      return fmt::format("if {} {{", text_of(s.value));
    case StmtKind::let:
      return fmt::format("let {} = {}", quote_name(s.variable), text_of(s.value));
    case StmtKind::alloc:
      return fmt::format("{} {}", s.memory->space == Space::registers ? "registers" : "scratch",
                         declaration(*s.memory));
    case StmtKind::store:
      return fmt::format("{} = {}",
                         text_of_access(*s.memory, s.index, s.value->type.lanes, s.lane_dim, s.valid),
                         text_of(s.value));
    case StmtKind::prefetch:
      return "prefetch " + text_of_access(*s.memory, s.index, 1, -1, {});
    case StmtKind::block:
      break;
  }
  unreachable("a block has no line of its own");
}

class StmtPrinter {
 public:
  explicit StmtPrinter(std::string& out) : out_(out) {}

  void print(const Stmt& stmt) { print_all({&stmt, 1}); }

 private:
  void print_branches(const StmtNode& s) {
    print_inside({&s.body[0], 1});
    if (s.body.size() > 1) {
      line("} else {");
      print_inside({&s.body[1], 1});
    }
    line("}");
  }
  // What a statement binds ends with it: in braces, where others follow. The last statement's own body goes on in
  // this loop, not in a call, as lets stand in each other by the thousand.
  void print_all(std::span<const Stmt> body) {
    while (!body.empty()) {
      const Stmt& s = body.front();
      check(s != nullptr, "printing a missing statement");
      body = body.subspan(1);
      if (body.empty()) {
        body = print_up_to_body(*s);
      } else if (binds(*s)) {
        line("{");
        print_inside({&s, 1});
        line("}");
      } else {
        print(s);
      }
    }
  }
  // Returns what is left to print of it, as deep as it stands itself.
  std::span<const Stmt> print_up_to_body(const StmtNode& s) {
    print_comment(s.comment);
    if (s.kind != StmtKind::block) line(first_line(s));
    if (s.kind == StmtKind::if_then) {
      print_branches(s);
    } else if (s.kind == StmtKind::for_loop) {
      print_inside(s.body);
      line("}");
    } else {
      return s.body;
    }
    return {};
  }
  static bool binds(const StmtNode& s) {
    if (s.kind == StmtKind::block) return !s.body.empty() && binds(*s.body.back());
    return s.kind == StmtKind::let || s.kind == StmtKind::alloc;
  }
  void print_comment(std::string_view comment) {
    while (!comment.empty()) {
      const size_t end = std::min(comment.find('\n'), comment.size());
      line(fmt::format("# {}", comment.substr(0, end)));
      comment.remove_prefix(std::min(end + 1, comment.size()));
    }
  }
  void print_inside(std::span<const Stmt> body) {
    ++depth_;
    print_all(body);
    --depth_;
  }
  void line(std::string_view content) {
    out_.append(2 * depth_, ' ');
    out_ += content;
    out_ += '\n';
  }

  std::string& out_;
  size_t depth_ = 1;
};

std::string_view name(Access access) {
  constexpr std::string_view names[] = {"read", "write", "update"};
  return names[static_cast<size_t>(access)];
}

}  // namespace

std::string str(ValueType type) {
  const std::string_view scalar = name(type.scalar);
  return type.lanes == 1 ? std::string(scalar) : fmt::format("{}x{}", scalar, type.lanes);
}

std::string str(const Extent& extent) {
  const std::string samples = extent.per_sample == 1 ? "N" : fmt::format("{} * N", extent.per_sample);
  if (extent.per_sample == 0) return fmt::to_string(extent.fixed);
  return extent.fixed == 0 ? samples : fmt::format("{} + {}", extent.fixed, samples);
}

std::string origin_text(const SourceLocation& location) {
  if (!location) return {};
  return fmt::format(" @ {} {}:{}", quote_string(location.file->name), location.line, location.column);
}

std::string print(const Expr& expr) { return text_of(expr); }

std::string print(const Kernel& kernel) {
  std::string out = fmt::format("kernel {}", kernel.name.empty() ? "" : quote_name(kernel.name));
  if (!kernel.layer.empty()) out += fmt::format(" from {}", quote_string(kernel.layer));
  out += origin_text(kernel.location) + "(";
  for (size_t i = 0; i < kernel.params.size(); ++i) {
    out += fmt::format("{}\n    {} {}", i > 0 ? "," : "", name(kernel.params[i]->access),
                       declaration(*kernel.params[i]));
  }
  out += fmt::format(")\n    tasks {} vector {} {{\n", str(kernel.tasks), kernel.code_vector_bytes);
  StmtPrinter(out).print(kernel.body);
  return out + "}\n";
}

}  // namespace rnc::loops
