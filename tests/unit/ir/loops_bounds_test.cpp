// Accesses that the verifier accepts stay inside their memory in the interpreter, too: random kernels with the tightest
// memory that the verifier accepts.
#include <doctest/doctest.h>

#include <algorithm>
#include <optional>

#include "ir/loops/interpreter.h"
#include "tests/support/random.h"

using namespace rnc::loops;

namespace {

constexpr int64_t kMost = 400;  // elements beside those that grow with the batch
constexpr int kLanes = 4;

// A kernel with one load, whose index is offset by a constant, from a memory of `fixed` more elements than
// grow with the batch.
class RandomKernel {
 public:
  explicit RandomKernel(uint64_t seed) : seed_(seed) {}

  Kernel kernel(int64_t offset, int64_t fixed) {
    random_ = rnc::test::Random(seed_);
    variables_ = {task(), batch(), threads()};
    names_ = 0;
    const Extent tasks{random_.integer(1, 6), random_.integer(0, 3)};
    const int64_t per_sample = random_.integer(0, 5);
    in_ = memory("in", {fixed, per_sample}, Access::read);
    out_ = memory("out", tasks, Access::update);
    offset_ = offset;
    const Stmt body = statement(5);
    return {.name = "k", .params = {in_, out_}, .tasks = tasks, .body = body};
  }

 private:
  static MemoryRef memory(std::string name, Extent size, Access access) {
    return std::make_shared<const Memory>(
        Memory{std::move(name), Scalar::f32, {size}, Space::parameter, access});
  }
  std::string fresh() { return "v" + std::to_string(names_++); }

  Expr leaf() {
    if (random_.chance(0.4)) return random_.integer(0, 12);
    return variables_[static_cast<size_t>(random_.integer(0, static_cast<int64_t>(variables_.size()) - 1))];
  }
  Expr value(int depth) {
    if (depth == 0 || random_.chance(0.2)) return leaf();
    const auto side = [&] { return value(depth - 1); };
    const auto divisor = [&]() -> Expr {
      return random_.chance(0.7) ? Expr(random_.integer(1, 9)) : max(side(), 1);
    };
    const Expr a = side();
    switch (random_.integer(0, 8)) {
      case 0:
      case 1:
        return a + side();
      case 2:
        return a - side();
      case 3:
        return a * (random_.chance(0.7) ? Expr(random_.integer(0, 9)) : side());
      case 4:
        return (random_.chance(0.5) ? a : max(a, 0)) / divisor();
      case 5:
        return (random_.chance(0.5) ? a : max(a, 0)) % divisor();
      case 6:
        return min(a, side());
      case 7:
        return max(a, side());
      default:
        return select(condition(depth - 1), a, side());
    }
  }
  Expr condition(int depth) {
    if (depth > 0 && random_.chance(0.3)) {
      const Expr a = condition(depth - 1), b = condition(depth - 1);
      return binary(random_.one_of({Binary::logic_and, Binary::logic_or}), a, b);
    }
    if (depth > 0 && random_.chance(0.1))
      return binary(Binary::eq, cast(condition(depth - 1), Scalar::i64), random_.integer(0, 1));
    const Expr a = value(depth), b = value(depth);
    return binary(random_.one_of({Binary::lt, Binary::le, Binary::eq, Binary::ne}), a, b);
  }

  Stmt statement(int depth) {
    if (depth == 0 || random_.chance(0.1)) return access();
    const size_t known = variables_.size();
    const auto body = [&](const std::string& name) {
      variables_.push_back(variable(name));
      const Stmt inner = statement(depth - 1);
      variables_.resize(known);
      return std::vector{inner};
    };
    const std::string name = fresh();
    switch (random_.integer(0, 3)) {
      case 0: {
        const Expr v = value(3);
        return let(name, v, body(name));
      }
      case 1: {
        const Expr c = condition(2);
        const Stmt yes = statement(depth - 1);
        return random_.chance(0.5) ? if_then(c, {yes}) : if_then(c, {block({})}, {yes});
      }
      default: {
        const Expr begin = random_.chance(0.5) ? Expr(random_.integer(0, 5)) : value(2);
        const Expr end = min(value(2), begin + random_.integer(1, 20));
        const int64_t step = random_.integer(1, 5);
        return for_loop(name, begin, end, step, body(name));
      }
    }
  }

  Stmt access() {
    const Expr at = value(3) + offset_;
    if (random_.chance(0.5)) return store(out_, {task()}, load(in_, {at}));
    const Expr valid = random_.chance(0.5) ? Expr() : value(3);
    return store(out_, {task()}, reduce(Reduce::add, load(in_, {at}, kLanes, 0, valid)));
  }

  uint64_t seed_;
  rnc::test::Random random_{0};
  std::vector<Expr> variables_;
  int names_ = 0;
  int64_t offset_ = 0;
  MemoryRef in_, out_;
};

// The least value in low..high that is accepted, if the highest is.
template <class Accepted>
std::optional<int64_t> least(int64_t low, int64_t high, Accepted accepted) {
  if (!accepted(high)) return std::nullopt;
  while (low < high) {
    const int64_t middle = low + (high - low) / 2;
    accepted(middle) ? high = middle : low = middle + 1;
  }
  return high;
}

// What a run finds outside its memory; empty if nothing.
std::string outside(const Kernel& kernel, int64_t batch, int64_t threads) {
  std::vector<float> in(static_cast<size_t>(kernel.params[0]->dims[0].at(batch)));
  std::vector<float> out(static_cast<size_t>(kernel.params[1]->dims[0].at(batch)));
  void* const arguments[] = {in.data(), out.data()};
  try {
    run(kernel, batch, arguments, {.threads = threads, .track = false});
  } catch (const Fault& fault) {
    const std::string what = fault.what();
    if (what.find("is outside") != std::string::npos) return what;
  }
  return "";
}

}  // namespace

TEST_CASE("random kernels that the verifier accepts touch nothing outside") {
  int bounded = 0;
  for (uint64_t seed = 1; seed <= 60; ++seed) {
    RandomKernel random(seed);
    const auto accepted = [&](int64_t offset, int64_t fixed) {
      return broken_rule(random.kernel(offset, fixed)).empty();
    };
    constexpr int64_t kHuge = int64_t{1} << 40;
    const auto offset = least(-64, kMost, [&](int64_t o) { return accepted(o, kHuge); });
    if (!offset) continue;
    const auto fixed = least(1, kMost, [&](int64_t f) { return accepted(*offset, f); });
    if (!fixed) continue;
    ++bounded;
    const Kernel kernel = random.kernel(*offset, *fixed);
    for (int64_t batch = 1; batch <= 7; ++batch) {
      for (const int64_t threads : {1, 3}) {
        const std::string found = outside(kernel, batch, threads);
        CHECK_MESSAGE(found.empty(), found << "\n" << print(kernel));
      }
    }
  }
  CHECK(bounded >= 20);
}
