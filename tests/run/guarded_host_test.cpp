// Golden networks, samples and random networks in the guarded host. Each is compiled for one of the vector widths that
// this machine has; which one depends on RNC_TEST_SEED in the environment: three consecutive seeds check every network
// for every width.
#include "tests/run/guarded_host.h"

#include <doctest/doctest.h>

#include "ir/text/text.h"
#include "tests/run/compiled_model.h"
#include "tests/support/golden.h"
#include "tests/support/narrow_samples.h"
#include "tests/support/random_graph.h"

using namespace rnc;
using namespace rnc::test;

namespace {

// AVX-512 if there is, AVX2 if there is, and the baseline.
std::vector<std::string> widths() {
  std::vector<std::string> cpus = runnable_cpus();
  std::erase(cpus, "x86-64-v4");  // what native has
  return cpus;
}

// The CPU for the i-th network of a test.
std::string cpu_for(size_t i) {
  const std::vector<std::string> cpus = widths();
  return cpus[(i + first_seed()) % cpus.size()];
}

void check_text(const std::string& text, int64_t batch, const std::string& cpu) {
  const Module module = parse(std::make_shared<SourceFile>(SourceFile{"test.graph", text}));
  check_hosted(module, cpu, random_hosted_data(module, batch, first_seed()));
}

// A network of two convolutions, of 10 channels, which no vector divides, with something between them.
std::string between(const std::string& value, const std::string& optimizer = "sgd()") {
  return R"(
    model t(image: f32[N, 3, 4, 4], label: i32[N]) {
      parameter w : f32[10] = constant(1)
      a = conv2d(image, 10, kernel = 1)
      b = conv2d()" +
         value + R"(, 10, kernel = 1)
      fc = linear(flatten(global_avg_pool(b)), 5)
      predict fc
      loss cross_entropy(fc, label)
      train )" +
         optimizer + "\n}\n";
}

std::string classifier(int64_t classes) {
  return "model t(image: f32[N, 7], label: i32[N]) {\n  fc = linear(image, " + std::to_string(classes) +
         ")\n  predict fc\n  loss cross_entropy(fc, label)\n  train sgd(momentum = 0.9)\n}\n";
}

}  // namespace

TEST_CASE("guarded host: golden networks") {
  size_t i = 0;
  for (const std::string& name : golden_cases()) {
    CAPTURE(name);
    const Golden golden = load_golden(name);
    check_hosted(golden.module, cpu_for(i++), {golden.inputs, golden.parameters, golden.batch});
  }
}

TEST_CASE("guarded host: golden networks by Winograd's algorithm") {
  const ConvRules winograd = parse_conv_rules("winograd4");
  size_t i = 0;
  for (const std::string name : {"basic", "conv"}) {
    CAPTURE(name);
    const Golden golden = load_golden(name);
    check_hosted(golden.module, cpu_for(i++), {golden.inputs, golden.parameters, golden.batch}, winograd);
  }
}

TEST_CASE("guarded host: narrow samples") {
  size_t i = 0;
  for (const Module& module : narrow_samples()) {
    check_hosted(module, cpu_for(i++), random_hosted_data(module, 3, first_seed()));
  }
  CHECK(i >= 15);
}

TEST_CASE("guarded host: random networks") {
  for (uint64_t seed = first_seed(); seed < first_seed() + 6; ++seed) {
    CAPTURE(seed);
    const Module module = random_module(seed, seed % 2 == 0);
    check_hosted(module, cpu_for(seed), random_hosted_data(module, 3, seed));
  }
}

TEST_CASE("guarded host: lanes past the last channel stay zero") {
  size_t i = 0;
  for (const std::string value :
       {"a + 0.5", "a - 0.5", "0.5 - a", "relu(a + 0.5)", "0.5 / (a * a + 1)", "sqrt(a * a + 0.5)",
        "rsqrt(a * a + 0.5)", "max_pool(a + 0.5, kernel = 2)", "avg_pool(a + 0.5, kernel = 2)",
        "global_avg_pool(a) + 0.5", "pad_channels(a + 0.5, before = 1, after = 2)",
        "slice_channels(a, begin = 0, end = 9)", "slice_channels(a + 0.5, begin = 1, end = 10)",
        "roll(a + 0.5, shift = 3)", "a + roll(w + 0.5, axis = 0, shift = 3)",
        "a + permute(w + 0.5, order = [0])"}) {
    CAPTURE(value);
    check_text(between(value), 3, cpu_for(i++));
  }
  for (const std::string optimizer : {"sgd(momentum = 0.9)", "adam(eps = 0)", "adamw()", "rmsprop()",
                                      "lion()", "lamb(eps = 0)", "lars(momentum = 0.9)"}) {
    CAPTURE(optimizer);
    check_text(between("a + 0.5", optimizer), 3, cpu_for(i++));
  }
}

TEST_CASE("guarded host: no lane past the last channel is divided by") {
  size_t i = 0;
  for (const std::string value : {"1.0 / a", "a / w", "w / a", "rsqrt(a * a)", "batch_norm(a, eps = 0.0)",
                                  "batch_norm(relu(a), eps = 0.0)"}) {
    CAPTURE(value);
    check_text(between(value), 3, cpu_for(i++));
  }
}

TEST_CASE("guarded host: a bias is read up to its end") {
  for (const int64_t classes : {5, 48, 100, 1000})
    for (const std::string& cpu : widths()) {
      CAPTURE(classes);
      check_text(classifier(classes), 3, cpu);
    }
}
