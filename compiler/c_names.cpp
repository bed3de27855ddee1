#include "compiler/c_names.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <cmath>
#include <set>

namespace rnc {
namespace {

// Words of C and C++, and what the functions call other arguments.
constexpr auto kReserved = std::to_array<std::string_view>(
    {"auto",     "bool",    "break",    "case",     "catch",    "char",  "class",  "const",     "continue",
     "default",  "delete",  "do",       "double",   "else",     "enum",  "export", "extern",    "false",
     "float",    "for",     "goto",     "if",       "inline",   "int",   "long",   "namespace", "new",
     "operator", "private", "public",   "register", "return",   "short", "signed", "sizeof",    "static",
     "struct",   "switch",  "template", "this",     "throw",    "true",  "try",    "typedef",   "union",
     "unsigned", "using",   "virtual",  "void",     "volatile", "while", "inputs", "outputs",   "n",
     "session",  "lr",      "loss",     "status",   "model",    "memory"});

}  // namespace

std::string identifier(std::string_view name) {
  std::string result;
  for (const char c : name) result += std::isalnum(static_cast<unsigned char>(c)) != 0 ? c : '_';
  if (result.empty() || std::isdigit(static_cast<unsigned char>(result[0])) != 0) result.insert(0, "_");
  return result;
}

std::string upper(std::string text) {
  std::ranges::transform(text, text.begin(), [](char c) {
    return static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  });
  return text;
}

std::string_view c_type(DType dtype) {
  switch (dtype) {
    case DType::f32:
      return "float";
    case DType::u8:
      return "uint8_t";
    case DType::i32:
      return "int32_t";
    case DType::f64:
      return "double";
    default:
      unreachable("a type that no entry takes");
  }
}

// Bytes that are not printable are escaped by three octal digits, after which no digit can be taken for one more.
std::string quoted(std::string_view text) {
  std::string result = "\"";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\' || c == '?')
      result += fmt::format("\\{}", c);
    else if (byte < 0x20 || byte >= 0x7f)
      result += fmt::format("\\{:03o}", byte);
    else
      result += c;
  }
  return result + "\"";
}

bool is_c_identifier(const std::string& name) { return !name.empty() && identifier(name) == name; }

std::vector<Argument> with_identifiers(std::vector<Argument> arguments) {
  std::set<std::string> taken;
  for (Argument& a : arguments) {
    a.identifier = identifier(a.name);
    if (std::ranges::count(kReserved, a.identifier) > 0) a.identifier += "_";
    while (!taken.insert(a.identifier).second) a.identifier += "_";
  }
  return arguments;
}

bool must_be_given(const Node& node) {
  return node.op == Op::input && (node.type.rank() > 0 || std::isnan(node.attributes.get<double>("default")));
}

std::string declaration(const Argument& a, bool is_output) {
  std::string text = fmt::format("{}{} {}", is_output ? "" : "const ", c_type(a.type.dtype), a.identifier);
  for (const int64_t size : a.type.shape) text += size == kBatch ? "[]" : fmt::format("[{}]", size);
  return text;
}

std::string size_macros(const std::string& prefix, const std::vector<Argument>& arguments) {
  std::string text;
  for (const Argument& a : arguments)
    if (a.type.rank() > 0)
      text += fmt::format("#define {}_{}_SIZE {} /* elements of a sample, {} */\n", prefix,
                          upper(a.identifier), elements_per_sample(a.type.shape), str(a.type));
  return text;
}

std::string class_names(const std::string& prefix, const std::vector<std::string>& classes) {
  if (classes.empty()) return "";
  std::vector<std::string> names;
  for (const std::string& name : classes) names.push_back("    " + quoted(name));
  return fmt::format(
      "\n#define {}_CLASS_COUNT {}\nstatic inline const char* {}_class_name(int64_t k) {{\n"
      "  static const char* const names[] = {{\n{}}};\n"
      "  return k >= 0 && k < {}_CLASS_COUNT ? names[k] : \"\";\n}}\n",
      upper(prefix), names.size(), prefix, fmt::join(names, ",\n"), upper(prefix));
}

}  // namespace rnc
