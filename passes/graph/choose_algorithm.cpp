// Chooses how each convolution and each of its gradients is computed, and writes it into the node: attribute
// `algorithm`, and for weights that are transformed beforehand `from_batch`. What --conv asks for holds, else
// what the spec does; of the rest, what should take the least time by the estimates in lower/conv/winograd/choice.cpp.
// Every algorithm computes the same convolution, so results differ by rounding only.
//
// Weights that stay the same from run to run are transformed once, by choose_layout; those that training
// changes are transformed by the kernel, in every step. Where they do neither, as in an entry that predicts
// from weights which it computes itself, transforming them would take longer than it saves.
#include <fmt/format.h>

#include <map>

#include "passes/graph/rewrite.h"
#include "passes/lower/conv/winograd/winograd.h"
#include "passes/passes.h"

namespace rnc {
namespace {

bool is_convolution(Op op) {
  return op == Op::conv2d || op == Op::conv2d_input_grad || op == Op::conv2d_weight_grad;
}

ConvDirection direction_of(Op op) {
  return op == Op::conv2d              ? ConvDirection::forward
         : op == Op::conv2d_input_grad ? ConvDirection::input_grad
                                       : ConvDirection::weight_grad;
}

struct Decision {
  ConvAlgorithm algorithm = ConvAlgorithm::direct;
  int64_t from_batch = 1;
  std::string reason;
};

std::string in_millions(double cycles) { return fmt::format("{:.3g}", cycles / 1e6); }

// By the estimates.
Decision fastest(const ConvShape& shape, const WinogradChoice& choice, bool once) {
  if (choice.cycles == 0 && !winograd_shape(shape))
    return {ConvAlgorithm::direct, 1, "Winograd's algorithm does not compute it"};
  if (choice.cycles == 0)
    return {ConvAlgorithm::direct, 1, "it has too few channels for Winograd's transforms to pay"};
  std::string reason =
      fmt::format("an image takes {} million cycles by Winograd's algorithm, {} summed directly",
                  in_millions(choice.cycles), in_millions(choice.direct_cycles));
  if (choice.m > 0 && choice.from_batch > 1)
    reason += fmt::format("; fewer than {} images wait for the larger weights", choice.from_batch);
  if (choice.m == 0 && choice.cycles < choice.direct_cycles)
    reason += once ? "; its weights take longer to read" : "; its sums leave the cache";
  return {winograd_of(choice.m), choice.from_batch, std::move(reason)};
}

class AlgorithmChoice {
 public:
  AlgorithmChoice(const Module& module, const Graph& graph, const TargetInfo& target)
      : graph_(graph),
        target_(target),
        trains_(computes_gradients(graph.role)),
        fixed_(fixed_values(module, graph)) {}

  // Whether nothing is decided yet, or --conv asks for something else. Weights that are transformed by now have
  // been so for one algorithm.
  bool is_open(const Node& node) const {
    const ConvAlgorithm asked = algorithm_for(target_.conv, conv_shape(graph_, node).layer);
    const ConvAlgorithm now = algorithm_of(node);
    if (now == ConvAlgorithm::automatic) return true;
    const bool transformed = node.op == Op::conv2d && operand(node, "transformed") != kNoValue;
    return asked != ConvAlgorithm::automatic && !transformed && decide(node).algorithm != now;
  }

  Decision decide(const Node& node) const {
    const ConvShape shape = conv_shape(graph_, node);
    const ConvAlgorithm asked = algorithm_for(target_.conv, shape.layer);
    const bool once = !trains_ && node.op == Op::conv2d && fixed_[static_cast<size_t>(node.inputs[1])];
    if (!trains_ && node.op != Op::conv2d)
      return {ConvAlgorithm::direct, 1, "a gradient outside of training is summed directly"};
    if (!trains_ && !once) return {ConvAlgorithm::direct, 1, "its weights change, and no gradient follows"};
    if (tile_of(asked) > 0 && winograd_shape(shape)) return {asked, 1, "--conv asks for it"};
    if (asked != ConvAlgorithm::automatic) return {ConvAlgorithm::direct, 1, "--conv asks for it"};
    const WinogradChoice choice = once ? winograd_for_fixed_weights(shape, target_)
                                       : winograd_for_training(shape, target_, direction_of(node.op));
    const bool too_few = !has_batch(node.type.shape) && node.type.shape[0] < choice.from_batch;
    if (too_few && choice.m > 0)
      return {ConvAlgorithm::direct, 1, "too few images for Winograd's larger weights"};
    return fastest(shape, choice, once);
  }

 private:
  const Graph& graph_;
  const TargetInfo& target_;
  bool trains_;
  std::vector<bool> fixed_;  // values that do not change from run to run
};

// Remarks on equal decisions about one layer become one that names all entries.
class Collected {
 public:
  void add(const Graph& graph, const Node& node, const Decision& decision) {
    std::string text = fmt::format(
        "{}{}: {}", name(decision.algorithm),
        decision.from_batch > 1 ? fmt::format(" from batch {}", decision.from_batch) : "", decision.reason);
    const std::string& layer = node.layer.empty() ? node.name : node.layer;
    const auto [at, is_new] = places_.try_emplace({layer, std::string(name(node.op)), text}, found_.size());
    if (is_new) found_.push_back({node.location, layer, std::string(name(node.op)), {}, std::move(text)});
    std::string& entries = found_[at->second].entries;
    entries += (entries.empty() ? "" : ", ") + graph.name;
  }
  void append_to(Remarks& remarks) const {
    for (const Found& f : found_)
      remarks.push_back({"choose_algorithm", f.location,
                         fmt::format("{} ({} in {}): {}", f.layer, f.op, f.entries, f.text)});
  }

 private:
  struct Found {
    SourceLocation location;
    std::string layer, op, entries, text;
  };
  std::vector<Found> found_;
  std::map<std::array<std::string, 3>, size_t> places_;
};

}  // namespace

bool choose_algorithm(Module& module, const TargetInfo& target, Remarks* remarks) {
  bool changed = false;
  Collected collected;
  for (Graph& graph : module.entries) {
    if (graph.role == EntryRole::model) continue;
    const AlgorithmChoice choice(module, graph, target);
    for (Node& node : graph.nodes) {
      if (!is_convolution(node.op) || !choice.is_open(node)) continue;
      const Decision decision = choice.decide(node);
      set_algorithm(node, decision.algorithm);
      node.attributes.set("from_batch", decision.from_batch);
      collected.add(graph, node, decision);
      changed = true;
    }
  }
  if (remarks != nullptr) collected.append_to(*remarks);
  return changed;
}

}  // namespace rnc
