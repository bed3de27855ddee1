#include "compiler/c_header.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <string_view>
#include <vector>

#include "compiler/c_names.h"
#include "compiler/model.h"
#include "runtime/contract/abi.h"

namespace rnc {
namespace {

// As rnrun.h calls it.
std::string_view rnrun_type(DType dtype) {
  switch (dtype) {
    case DType::f32:
      return "RNRUN_F32";
    case DType::u8:
      return "RNRUN_U8";
    case DType::i32:
      return "RNRUN_I32";
    case DType::f64:
      return "RNRUN_F64";
    default:
      unreachable("a type that no entry takes");
  }
}

// {"image", RNRUN_U8, 4, {n, 3, 224, 224}, (void*)image}
std::string array(const Argument& a) {
  std::vector<std::string> sizes;
  for (const int64_t size : a.type.shape) sizes.push_back(size == kBatch ? "n" : fmt::format("{}", size));
  if (sizes.empty()) sizes.emplace_back("0");
  return fmt::format("{{{}, {}, {}, {{{}}}, (void*){}{}}}", quoted(a.name), rnrun_type(a.type.dtype),
                     a.type.rank(), fmt::join(sizes, ", "), a.type.rank() == 0 ? "&" : "", a.identifier);
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

  void sizes(const std::vector<Argument>& arguments) { out_ += size_macros(upper(prefix_), arguments); }

  void classes() { out_ += class_names(prefix_, module_.classes); }

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

std::string descriptor_symbol(const std::string& link_name) {
  return link_name.empty() ? RN_MODEL_SYMBOL : link_name + "_model";
}

std::string c_header(const Module& module, const std::string& link_name) {
  return Header(module, link_name).text();
}

}  // namespace rnc
