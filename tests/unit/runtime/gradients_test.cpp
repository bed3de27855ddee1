#include "runtime/train/gradients.h"

#include <doctest/doctest.h>

#include <cmath>
#include <cstring>
#include <limits>

#include "runtime/support/random.h"
#include "runtime/train/step_sum.h"
#include "tests/unit/runtime/support.h"

namespace rnrun {

namespace {

// Sets the gradients to normal numbers, of which only those of tensors matter.
void fill(Session& session, uint64_t seed) {
  for (const rn_tensor& t : session.model().tensors()) {
    if (t.kind != RN_GRADIENT) continue;
    Array values = session.tensor(t);
    Random random(seed, stream_of(t.name));
    for (float& value : values.as<float>()) value = static_cast<float>(random.normal());
    session.set_tensor(t, values, "the test");
  }
}

}  // namespace

TEST_CASE("norms of gradients, whatever the number of threads") {
  std::vector<double> first;
  for (const int threads : {1, 2, 5}) {
    ThreadPool pool(threads);
    Session session(Model::load(model_path("linear")), pool);
    const Gradients gradients(session);
    REQUIRE(gradients.tensors().size() == 2);
    fill(session, 1);
    const std::vector<double> norms = gradients.norms();
    double squares = 0;
    for (size_t i = 0; i < norms.size(); ++i) {
      double sum = 0;
      const Array tensor = session.tensor(*gradients.tensors()[i]);
      for (const float value : tensor.as<float>())
        sum += static_cast<double>(value) * static_cast<double>(value);
      CHECK(norms[i] == doctest::Approx(std::sqrt(sum)).epsilon(1e-12));
      squares += sum;
    }
    CHECK(total_norm(norms) == doctest::Approx(std::sqrt(squares)).epsilon(1e-12));
    if (first.empty()) first = norms;
    CHECK(norms == first);
  }
}

TEST_CASE("sums and scales of gradients") {
  ThreadPool pool(2);
  Session session(Model::load(model_path("linear")), pool);
  Gradients gradients(session);
  StepSum sums(session, false, {});
  const rn_tensor& t = *gradients.tensors()[0];
  std::vector<Array> parts;
  sums.begin(3);
  for (const uint64_t part : {1, 2, 3}) {
    fill(session, part);
    parts.push_back(session.tensor(t));
    sums.add(part == 3 ? 0.25f : 0.375f);
  }
  sums.finish();
  gradients.scale(2);
  const Array sum = session.tensor(t);
  const auto value = [&](size_t part, size_t i) { return parts[part].as<float>()[i]; };
  for (size_t i = 0; i < 7840; ++i)
    CHECK(sum.as<float>()[i] == 2 * ((0.375f * value(0, i) + 0.375f * value(1, i)) + 0.25f * value(2, i)));
  sums.begin(1);  // anew
  sums.add(1);
  sums.finish();
  CHECK(session.tensor(t) == sum);
}

// What torch.nn.utils.clip_grad_norm_ multiplies gradients by.
TEST_CASE("clipping scales down, never up") {
  CHECK(clip_factor(4, 1) == doctest::Approx(0.24999993750001562).epsilon(1e-14));
  CHECK(clip_factor(0.5, 1) == 1);
  CHECK(clip_factor(0, 1) == 1);
  CHECK(clip_factor(1, 1) == doctest::Approx(0.999999000001).epsilon(1e-12));
}

}  // namespace rnrun
