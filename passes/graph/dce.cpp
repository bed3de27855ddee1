// Dead code elimination: drops the nodes that neither an output nor an assign depends on. Nodes have no side
// effects (what an entry changes are its assigns), so nothing else can tell. An entry's inputs stay, as they
// are its signature.
#include "passes/graph/rewrite.h"
#include "passes/passes.h"

namespace rnc {

bool dce(Module& module) {
  return for_each_entry(module, [](const Module&, Graph& graph) { return drop_dead_nodes(graph); });
}

}  // namespace rnc
