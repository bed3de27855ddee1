#include "tests/support/random_optimizer.h"

#include <fmt/format.h>

namespace rnc::test {
namespace {

// Arguments, each there or not.
class Arguments {
 public:
  explicit Arguments(Random& random) : random_(random) {}

  // Whether it was added.
  bool maybe(double probability, const char* name, std::initializer_list<const char*> values) {
    if (!random_.chance(probability)) return false;
    add(name, random_.one_of(values));
    return true;
  }
  void add(const char* name, const char* value) {
    text_ += fmt::format("{}{} = {}", text_.empty() ? "" : ", ", name, value);
  }
  void decay() {
    maybe(0.5, "weight_decay", {"1e-4", "0.01", "0.1"});
    maybe(0.15, "norm_weight_decay", {"0.0", "0.02"});
    maybe(0.15, "bias_weight_decay", {"0.0", "0.03"});
  }
  std::string of(const char* optimizer) const { return fmt::format("{}({})", optimizer, text_); }

 private:
  Random& random_;
  std::string text_;
};

// Large: a gradient that is zero but for rounding (of a bias that adds to all logits; of a tap that meets padding only)
// becomes a step of nearly lr where it is larger than eps, in PyTorch too. optimizers_test has the usual ones.
const std::initializer_list<const char*> kEps = {"1e-3", "1e-2"};

std::string adam(Random& random, const char* name) {
  Arguments arguments(random);
  arguments.maybe(0.3, "beta1", {"0.8", "0.95", "0.0"});
  arguments.maybe(0.3, "beta2", {"0.9", "0.99", "0.9999"});
  arguments.maybe(1, "eps", kEps);
  arguments.decay();
  return arguments.of(name);
}

}  // namespace

std::string random_optimizer(Random& random) {
  Arguments arguments(random);
  switch (random.integer(0, 6)) {
    case 0:
      return adam(random, "adam");
    case 1:
      return adam(random, "adamw");
    case 2:
    case 3:
      arguments.maybe(0.4, "alpha", {"0.9", "0.999"});
      arguments.maybe(1, "eps", kEps);
      arguments.maybe(0.5, "momentum", {"0.9", "0.5"});
      arguments.maybe(0.4, "centered", {"true"});
      arguments.decay();
      return arguments.of("rmsprop");
    default:
      if (arguments.maybe(0.7, "momentum", {"0.9", "0.5", "0.0"}) &&
          !arguments.maybe(0.3, "dampening", {"0.1", "0.5"}))
        arguments.maybe(0.4, "nesterov", {"true"});
      arguments.decay();
      return arguments.of("sgd");
  }
}

}  // namespace rnc::test
