// Compiled training whose loss is not finite.
#include <doctest/doctest.h>

#include <cmath>

#include "tests/run/compiled_model.h"
#include "tests/support/evaluate.h"
#include "tests/support/golden.h"

using namespace rnc;
using namespace rnc::test;

TEST_CASE("training stops at a loss that is not finite: parameters, slots and gradients stay") {
  for (const char* name : {"basic", "bottleneck", "resnet", "d2l"}) {
    CAPTURE(name);
    const Golden golden = load_golden(name);
    const CompiledModel model(golden.module, "native");
    Tensors parameters = golden.parameters;
    for (double& value : parameters.at("fc.weight").values)
      value = std::copysign(0x1p126, value);  // exact in float
    for (const char* entry : {"backward", "train_step"}) {
      CAPTURE(entry);
      const Tensors after = model.run(entry, golden.inputs, parameters);
      CHECK(!std::isfinite(after.at("loss").values[0]));
      for (const auto& [tensor, value] : after) {
        const bool parameter = parameters.contains(tensor) && tensor.find("running_") == std::string::npos;
        const bool rest = tensor.starts_with("grad.") || tensor.starts_with("momentum.");
        CAPTURE(tensor);
        if (parameter) CHECK(same_bits({{tensor, value}}, {{tensor, parameters.at(tensor)}}));
        for (const double x : value.values)
          if (rest) CHECK(x == 0);
      }
    }
  }
}
