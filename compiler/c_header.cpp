#include "compiler/c_header.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <cmath>
#include <set>
#include <string_view>
#include <vector>

#include "compiler/model.h"
#include "runtime/contract/abi.h"

namespace rnc {
namespace {

// What is given to a function that is made, or comes from it.
struct Argument {
  std::string name;        // in the model
  std::string identifier;  // in the header
  Type type;
};

// Words of C and C++, and what the functions call other arguments.
constexpr auto kReserved = std::to_array<std::string_view>(
    {"auto",     "bool",    "break",    "case",     "catch",    "char",  "class",  "const",     "continue",
     "default",  "delete",  "do",       "double",   "else",     "enum",  "export", "extern",    "false",
     "float",    "for",     "goto",     "if",       "inline",   "int",   "long",   "namespace", "new",
     "operator", "private", "public",   "register", "return",   "short", "signed", "sizeof",    "static",
     "struct",   "switch",  "template", "this",     "throw",    "true",  "try",    "typedef",   "union",
     "unsigned", "using",   "virtual",  "void",     "volatile", "while", "inputs", "outputs",   "n",
     "session",  "lr",      "loss",     "status",   "model"});

// With what cannot stand in a name of C as underscores.
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

struct ElementType {
  std::string_view in_c;
  std::string_view in_rnrun;  // rnrun_dtype
};
ElementType element_type(DType dtype) {
  switch (dtype) {
    case DType::f32:
      return {"float", "RNRUN_F32"};
    case DType::u8:
      return {"uint8_t", "RNRUN_U8"};
    case DType::i32:
      return {"int32_t", "RNRUN_I32"};
    case DType::f64:
      return {"double", "RNRUN_F64"};
    default:
      unreachable("a type that no entry takes");
  }
}

// A string of C: bytes that are not printable are escaped, by three octal digits, after which no digit can be taken for one
// more.
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

std::vector<Argument> with_identifiers(std::vector<Argument> arguments) {
  std::set<std::string> taken;
  for (Argument& a : arguments) {
    a.identifier = identifier(a.name);
    if (std::ranges::count(kReserved, a.identifier) > 0) a.identifier += "_";
    while (!taken.insert(a.identifier).second) a.identifier += "_";
  }
  return arguments;
}

// Scalars that have a default are set with rnrun_set_number, where that is wanted.
bool must_be_given(const Node& node) {
  return node.op == Op::input && (node.type.rank() > 0 || std::isnan(node.attributes.get<double>("default")));
}

// const uint8_t image[][3][224][224]
std::string declaration(const Argument& a, bool is_output) {
  std::string text =
      fmt::format("{}{} {}", is_output ? "" : "const ", element_type(a.type.dtype).in_c, a.identifier);
  for (const int64_t size : a.type.shape) text += size == kBatch ? "[]" : fmt::format("[{}]", size);
  return text;
}

// {"image", RNRUN_U8, 4, {n, 3, 224, 224}, (void*)image}
std::string array(const Argument& a) {
  std::vector<std::string> sizes;
  for (const int64_t size : a.type.shape) sizes.push_back(size == kBatch ? "n" : fmt::format("{}", size));
  if (sizes.empty()) sizes.emplace_back("0");
  return fmt::format("{{{}, {}, {}, {{{}}}, (void*){}{}}}", quoted(a.name),
                     element_type(a.type.dtype).in_rnrun, a.type.rank(), fmt::join(sizes, ", "),
                     a.type.rank() == 0 ? "&" : "", a.identifier);
}

std::string arrays(std::string_view name, const std::vector<Argument>& arguments,
                   const std::vector<std::string>& more = {}) {
  std::vector<std::string> items = more;
  for (const Argument& a : arguments) items.push_back("    " + array(a));
  return fmt::format("  const rnrun_array {}[] = {{\n{}}};\n", name, fmt::join(items, ",\n"));
}

class Header {
 public:
  Header(const Module& module, const std::string& link_name)
      : module_(module),
        symbol_(descriptor_symbol(link_name)),
        prefix_(identifier(link_name.empty() ? module.name : link_name)) {}

  std::string text() {
    const std::string guard = fmt::format("RNC_MODEL_{}_H", upper(prefix_));
    out_ = fmt::format(
        "/* The model {}, for programs that link its object file (rnc --emit=obj) and librnrun. Made by "
        "rnc.\n"
        " *\n"
        " * Functions return what those of rnrun.h do, rnrun_error_text() included. Arrays of n samples are "
        "row-major;\n"
        " * those at multiples of RNRUN_ALIGNMENT are used where they are, others are copied. */\n"
        "#ifndef {}\n#define {}\n\n#include <rnc/rnrun.h>\n\n#ifdef __cplusplus\nextern \"C\" {{\n#endif\n\n"
        "extern const struct rn_model_descriptor {};\n\n",
        module_.name, guard, guard, symbol_);
    const Graph* inference = module_.find_entry(EntryRole::inference);
    const Graph* loss = module_.find_entry(EntryRole::loss);
    const std::vector<Argument> results =
        inference != nullptr ? outputs(*inference) : std::vector<Argument>();
    sizes(loss != nullptr        ? inputs(*loss)
          : inference != nullptr ? inputs(*inference)
                                 : std::vector<Argument>());
    sizes(results);
    classes();
    create();
    if (inference != nullptr) infer(*inference, results);
    if (loss != nullptr) evaluate(*loss, results);
    if (loss != nullptr && !module_.optimizer.name.empty()) train_step(*loss);
    return out_ + "#ifdef __cplusplus\n}\n#endif\n#endif\n";
  }

 private:
  static std::vector<Argument> inputs(const Graph& graph) {
    std::vector<Argument> result;
    for (const Node& node : graph.nodes)
      if (must_be_given(node)) result.push_back({node.name, {}, node.type});
    return with_identifiers(std::move(result));
  }

  static std::vector<Argument> outputs(const Graph& graph) {
    std::vector<Argument> result;
    for (const Output& output : graph.outputs)
      if (output.role == OutputRole::prediction)
        result.push_back({output.name, {}, graph[output.value].type});
    return with_identifiers(std::move(result));
  }

  // What one sample of each has, and so an array of n samples n times.
  void sizes(const std::vector<Argument>& arguments) {
    for (const Argument& a : arguments)
      if (a.type.rank() > 0)
        out_ += fmt::format("#define {}_{}_SIZE {} /* elements of a sample, {} */\n", upper(prefix_),
                            upper(a.identifier), elements_per_sample(a.type.shape), str(a.type));
  }

  void classes() {
    if (module_.classes.empty()) return;
    std::vector<std::string> names;
    for (const std::string& name : module_.classes) names.push_back("    " + quoted(name));
    out_ += fmt::format(
        "\n#define {}_CLASS_COUNT {}\nstatic inline const char* {}_class_name(int64_t k) {{\n"
        "  static const char* const names[] = {{\n{}}};\n"
        "  return k >= 0 && k < {}_CLASS_COUNT ? names[k] : \"\";\n}}\n",
        upper(prefix_), names.size(), prefix_, fmt::join(names, ",\n"), upper(prefix_));
  }

  void create() {
    out_ += fmt::format(
        "\n/* As rnrun_session_create. To be freed with rnrun_session_free. */\n"
        "static inline rnrun_status {}_create(int threads, rnrun_session** session) {{\n"
        "  rnrun_model* model = 0;\n"
        "  rnrun_status status = rnrun_model_linked(&{}, &model);\n"
        "  if (status == RNRUN_OK) status = rnrun_session_create(model, threads, session);\n"
        "  rnrun_model_free(model);\n"
        "  return status;\n}}\n",
        prefix_, symbol_);
  }

  void signature(std::string_view function, const std::vector<std::string>& parameters) {
    out_ += fmt::format("static inline rnrun_status {}_{}({}) {{\n", prefix_, function,
                        fmt::join(parameters, ",\n    "));
  }

  static std::vector<std::string> parameters(const std::vector<Argument>& given,
                                             const std::vector<Argument>& results) {
    std::vector<std::string> all;
    for (const Argument& a : given) all.push_back(declaration(a, false));
    for (const Argument& a : results) all.push_back(declaration(a, true));
    all.emplace_back("int64_t n");
    return all;
  }

  void infer(const Graph& graph, const std::vector<Argument>& results) {
    std::vector<std::string> all = parameters(inputs(graph), results);
    all.emplace_back("rnrun_session* session");
    out_ += "\n/* Predictions for n samples. */\n";
    signature("infer", all);
    out_ += arrays("inputs", inputs(graph)) + arrays("outputs", results);
    out_ += fmt::format("  return rnrun_infer(session, inputs, {}, outputs, {});\n}}\n", inputs(graph).size(),
                        results.size());
  }

  void evaluate(const Graph& graph, const std::vector<Argument>& results) {
    std::vector<std::string> all = parameters(inputs(graph), results);
    all.emplace_back("double* loss");
    all.emplace_back("rnrun_session* session");
    out_ += "\n/* Predictions for n samples, and their mean loss, which may be null. */\n";
    signature("evaluate", all);
    out_ += arrays("inputs", inputs(graph)) + arrays("outputs", results);
    out_ += fmt::format("  return rnrun_evaluate(session, inputs, {}, outputs, {}, loss);\n}}\n",
                        inputs(graph).size(), results.size());
  }

  void train_step(const Graph& graph) {
    std::vector<std::string> all = parameters(inputs(graph), {});
    all.insert(all.end(), {"double lr", "double* loss", "rnrun_session* session"});
    out_ += "\n/* A step of the optimizer on n samples. Their loss before it may be null. */\n";
    signature("train_step", all);
    out_ += arrays("inputs", inputs(graph), {"    {\"lr\", RNRUN_F64, 0, {0}, (void*)&lr}"});
    out_ += fmt::format("  return rnrun_train_step(session, inputs, {}, 0, 0, loss);\n}}\n",
                        inputs(graph).size() + 1);
  }

  const Module& module_;
  const std::string symbol_, prefix_;
  std::string out_;
};

}  // namespace

bool is_c_identifier(const std::string& name) { return !name.empty() && identifier(name) == name; }

std::string descriptor_symbol(const std::string& link_name) {
  return link_name.empty() ? RN_MODEL_SYMBOL : link_name + "_model";
}

std::string c_header(const Module& module, const std::string& link_name) {
  return Header(module, link_name).text();
}

}  // namespace rnc
