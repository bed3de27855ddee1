#include "tests/run/network_check.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "ir/text/text.h"
#include "passes/graph/conv_rules.h"
#include "passes/passes.h"
#include "tests/run/compiled_model.h"
#include "tests/run/guarded_host.h"
#include "tests/run/network_data.h"
#include "tests/run/reference_runs.h"
#include "tests/support/evaluate.h"
#include "tests/support/isolated.h"

namespace rnc::test {

NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(NetworkVerdict, failure, invalid, skipped, tipped, ratio)

namespace {

std::string kind_of(const Module& module, const std::string& entry, const std::string& result) {
  const Tensor* tensor = module.find_tensor(result);
  return fmt::format("{} {}", entry, tensor != nullptr ? name(tensor->kind) : "output");
}

// Where two tensors differ most: "[0, 3, 1]: 0.5 instead of 0.25".
std::string worst_element(const TensorData& ours, const TensorData& expected) {
  size_t worst = 0;
  double most = -1;
  for (size_t i = 0; i < ours.values.size(); ++i) {
    const double off = std::abs(ours.values[i] - expected.values[i]);
    if (!(off <= most)) worst = i, most = std::isnan(off) ? HUGE_VAL : off;
  }
  std::vector<int64_t> index(expected.shape.size());
  auto rest = static_cast<int64_t>(worst);
  for (size_t d = index.size(); d-- > 0; rest /= expected.shape[d]) index[d] = rest % expected.shape[d];
  return fmt::format("[{}]: {:.9g} instead of {:.9g}", fmt::join(index, ", "), ours.values[worst],
                     expected.values[worst]);
}

std::string first_lines(const std::string& text, int lines) {
  size_t end = 0;
  while (lines-- > 0 && end != std::string::npos) end = text.find('\n', end == 0 ? 0 : end + 1);
  return text.substr(0, end);
}

class Check {
 public:
  explicit Check(const NetworkCase& network)
      : case_(network), elaborated_(parsed(network.text)), module_(elaborated_) {
    derive_entries(module_);
    decompose_losses(module_);
    linear_to_conv(module_);
    differentiate(module_);
    if (!case_.precision.empty()) store_as_compiled();
  }

  NetworkVerdict run() {
    const ConvRules conv = case_.conv.empty() ? ConvRules{} : parse_conv_rules(case_.conv);
    const PrecisionRules precision =
        case_.precision.empty() ? PrecisionRules{} : parse_precision_rules(case_.precision);
    const CompiledModel model(elaborated_, case_.cpu, RecomputeLimits{}, conv, case_.entries, precision);
    for (const Graph& entry : module_.entries) {
      const bool wanted = case_.entries.empty() || case_.entries.contains(entry.name);
      if (wanted && verdict_.failure.empty()) check_entry(model, entry);
    }
    if (case_.hosted && verdict_.failure.empty() && verdict_.skipped.empty()) check_in_guarded_host(conv);
    return verdict_;
  }

 private:
  // The entries that train, with their values' types as compiled code has them: the reference rounds what it stores.
  void store_as_compiled() {
    Target target = target_of(case_.cpu, true);
    if (!case_.conv.empty()) target.info.conv = parse_conv_rules(case_.conv);
    target.info.precision = parse_precision_rules(case_.precision);
    Compilation compilation{.module = module_, .target = target.info, .program = {}, .recompute = {}};
    const std::span<const Pass> passes = pipeline();
    const auto begin = std::ranges::find(passes, "differentiate", &Pass::name) + 1;
    std::vector<Pass> chosen(begin, std::ranges::find(passes, "choose_storage", &Pass::name) + 1);
    std::erase_if(chosen, [](const Pass& pass) {
      return pass.name == "hoist_parameters";
    });  // the entry is all there is
    run_passes(compilation, chosen);
    module_ = std::move(compilation.module);
    std::erase_if(module_.entries, [](const Graph& entry) { return !computes_gradients(entry.role); });
  }
  static Module parsed(const std::string& text) {
    return parse(std::make_shared<const SourceFile>(SourceFile{"random.graph", text}));
  }

  void check_entry(const CompiledModel& model, const Graph& entry) {
    const int steps = entry.name == "train_step" ? case_.steps : 1;
    const Tensors inputs = network_inputs(module_, entry, case_.batch, case_.seed);
    const Tensors tensors = network_tensors(module_, case_.seed);
    const Tensors ours = model.run(entry.name, inputs, tensors, steps, 1);
    if (!same_bits(ours, model.run(entry.name, inputs, tensors, steps, 3)))
      return fail(entry, "other bits with 3 threads than with one");
    const auto runs = reference_runs(entry, case_.batch, inputs, tensors, steps);
    if (!same_decisions(runs)) return verdict_.skipped.push_back(entry.name);
    std::map<std::string, double> largest;  // norm, by kind
    for (const auto& [result, expected] : runs[0].results) {
      double& most = largest[kind_of(module_, entry.name, result)];
      most = std::max(most, norm(expected));
    }
    for (const auto& [result, expected] : runs[0].results) {
      const Uncertainty unsure = uncertainty(runs, result);
      if (!unsure.finite) return verdict_.skipped.push_back(entry.name);
      check_result(entry, result, ours.at(result), expected, unsure.error,
                   largest.at(kind_of(module_, entry.name, result)));
    }
  }

  // Beside the derived bound, one rounding of each element is allowed: where the float32 run has none.
  void check_result(const Graph& entry, const std::string& result, const TensorData& ours,
                    const TensorData& expected, double uncertain, double largest) {
    const double error = distance(ours, expected), size = norm(expected);
    const double allowed = uncertain + std::ldexp(size, -kFloatDigits);
    if (!case_.precision.empty() && error > kSlack * allowed && error <= kSlack * allowed + kTipped * largest)
      return verdict_.tipped.push_back(entry.name + " " + result);
    double& ratio = verdict_.ratio[kind_of(module_, entry.name, result)];
    if (allowed > 0) ratio = std::max(ratio, std::min(error / allowed, 1e12));  // JSON has no infinity
    if (error <= kSlack * allowed || !verdict_.failure.empty()) return;
    fail(entry, fmt::format("{} is off by {:.3g} of {:.3g}; a float32 run by {:.3g}; {}", result, error, size,
                            uncertain, worst_element(ours, expected)));
  }

  void check_in_guarded_host(const ConvRules& conv) {
    // Steps beyond those that the reference took may overflow.
    HostedData data{{}, network_tensors(module_, case_.seed), case_.batch, false};
    for (const Graph& entry : module_.entries) {
      data.inputs.merge(network_inputs(module_, entry, case_.batch, case_.seed));
    }
    std::erase_if(data.tensors, [](const auto& tensor) { return tensor.first.starts_with("grad."); });
    const std::string fault = hosted_fault(elaborated_, case_.cpu, data, conv);
    if (!fault.empty()) verdict_.failure = "guarded host: " + fault;
  }

  void fail(const Graph& entry, const std::string& what) { verdict_.failure = entry.name + ": " + what; }

  const NetworkCase& case_;
  Module elaborated_, module_;
  NetworkVerdict verdict_;
};

}  // namespace

std::string describe(const NetworkCase& network) {
  const std::string precision = network.precision.empty() ? "" : "--precision=" + network.precision + ", ";
  return fmt::format("cpu {}, {}, {}data of seed {}, batch {}, {} steps", network.cpu,
                     network.conv.empty() ? "default convolutions" : "--conv=" + network.conv, precision,
                     network.seed, network.batch, network.steps);
}

NetworkVerdict check_network(const NetworkCase& network) {
  try {
    return Check(network).run();
  } catch (const UserError& error) {
    return {.failure = error.diagnostic().render(), .invalid = true};
  } catch (const std::exception& error) {
    return {.failure = error.what()};
  }
}

NetworkVerdict check_network_isolated(const NetworkCase& network) {
  const Isolated child =
      run_isolated([&] { return nlohmann::json(check_network(network)).dump(); }, std::chrono::seconds(120));
  if (child.result.empty()) return {.failure = child.end + "\n" + first_lines(child.errors, 3)};
  return nlohmann::json::parse(child.result).get<NetworkVerdict>();
}

}  // namespace rnc::test
