#include <doctest/doctest.h>

#include "compiler/model.h"
#include "ir/text/text.h"

using namespace rnc;

TEST_CASE("graph hash: what operations have learnt since changes nothing for those who do not use it") {
  const auto hash_of = [](const std::string& sample) {
    return graph_hash(parse(read_source(RNC_SOURCE_DIR "/samples/" + sample + ".graph")));
  };
  // Of checkpoints that there are.
  CHECK(hash_of("resnet18") == 0x85c2ce47bb208241);
  CHECK(hash_of("cifar_resnet20") == 0x2f0a62c42efeca87);
  CHECK(hash_of("fashion_resnet18") == 0xf5db16a34b24e8cd);
}
