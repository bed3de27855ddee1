// Which values of the forward pass the backward pass computes again, and how: the choice that recompute makes
// (recompute.cpp says what it is for, and what the limits mean).
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <vector>

#include "ir/graph/graph.h"
#include "passes/pipeline.h"

namespace rnc {

// How to compute a value again.
struct Chain {
  std::vector<ValueId> nodes;  // of its kernel, in order; the last is the value
  std::set<ValueId> leaves;    // what they read from elsewhere
  bool anchored = false;       // not elementwise: runs in a kernel of its own
  int kernels = 1;             // that have to run one after the other, this one included
};

// A training entry, its kernels in the order in which they are to run, with the choice.
class RecomputeChoice {
 public:
  RecomputeChoice(const Graph& graph, const RecomputeLimits& limits);

  const Graph& graph() const { return graph_; }
  ValueId backward() const { return backward_; }  // the first node of the backward pass
  const std::map<ValueId, Chain>& chosen() const { return chosen_; }
  // The same for nodes that compute the same, in whichever kernels.
  ValueId number(ValueId v) const { return number_[static_cast<size_t>(v)]; }
  // The chosen value with v's number, where kernels of the backward pass compute it in any case; kNoValue.
  ValueId copied(ValueId v) const;

  ValueId count() const { return static_cast<ValueId>(graph_.nodes.size()); }
  // The end of the kernel that begins with node `begin`.
  ValueId group_end(ValueId begin) const;
  // The first node of the kernel [begin, end) whose value it can store: one after its anchor. What is before
  // computes the anchor's operands.
  ValueId first_stored(ValueId begin, ValueId end) const;
  // Whether the kernel of [begin, end) can compute `u`, which it loads now, itself: u is elementwise, and so
  // is what reads it there.
  bool hosts(ValueId begin, ValueId end, ValueId u) const;

 private:
  enum class Free : uint8_t { no, copied, hosted };

  const Node& node(ValueId v) const { return graph_[v]; }
  bool is_elementwise(ValueId v) const;
  bool is_anchor(ValueId v) const;
  void find_uses();
  void number_values();
  Free free(ValueId v) const;
  void consider(ValueId v);
  bool collect(ValueId u, ValueId v, Chain& chain) const;
  bool count_kernels(Chain& chain) const;
  bool branches(ValueId v) const;

  const Graph graph_;
  RecomputeLimits limits_;
  ValueId backward_ = 0;
  std::set<ValueId> stored_, needed_;     // read by other kernels; read by the backward pass
  std::map<ValueId, ValueId> first_use_;  // the first kernel of the backward pass that reads a value
  std::map<ValueId, std::vector<ValueId>> convolutions_;  // of a value, in order
  std::vector<ValueId> number_;
  std::map<ValueId, ValueId>
      first_copy_;  // by number: the first kernel of the backward pass that computes it
  std::map<ValueId, Chain> chosen_;
  std::map<ValueId, ValueId> copied_;  // by number
};

// Whether a node reads the elements of its operands, not only their shape.
bool reads_elements(const Node& node);

}  // namespace rnc
