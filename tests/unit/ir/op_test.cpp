#include "ir/ops/op.h"

#include <doctest/doctest.h>

#include <set>

#include "ir/graph/graph.h"

using namespace rnc;

TEST_CASE("every operation has its rules") {
  for (const Op op : all_ops()) {
    CAPTURE(name(op));
    CHECK(info(op).op == op);
    CHECK(find_op(name(op)) == &info(op));
    CHECK(!info(op).doc.empty());
    CHECK((info(op).infer != nullptr));
    const bool given_by_the_caller = op == Op::input || op == Op::state;
    CHECK((info(op).evaluate != nullptr) == !given_by_the_caller);
  }
  CHECK(find_op("conv3d") == nullptr);
}

TEST_CASE("every operation has a gradient rule or is known to have none") {
  using enum Op;
  const std::set<Op> without = {
      input,
      state,
      constant,
      constants,
      bias_correction,
      argmax,  // whole numbers
      element_count,
      normalize,
      max_pool_select,  // made by passes after differentiation
      relu_grad,
      conv2d_input_grad,
      conv2d_weight_grad,
      winograd_weight,
      grouped_weight,
      dropout_mask,
      max_pool_grad,
      avg_pool_grad,
      global_avg_pool_grad,
      resize_grad,
      pad_grad,
      softmax_grad,
      cross_entropy_grad,  // gradients themselves
  };
  for (const Op op : all_ops()) {
    CAPTURE(name(op));
    CHECK((info(op).gradient == nullptr) == without.contains(op));
  }
}

TEST_CASE("pairs and sides are written as short as they read back") {
  using Numbers = std::vector<int64_t>;
  const auto sides = [](const Attribute& value) { return str(shortened(AttributeKind::sides, value)); };
  CHECK(sides(Numbers{2, 2, 2, 2}) == "2");
  CHECK(sides(Numbers{1, 2, 1, 2}) == "[1, 2]");
  CHECK(sides(Numbers{1, 2, 1, 3}) == "[1, 2, 1, 3]");
  CHECK(str(shortened(AttributeKind::pair, Numbers{3, 3})) == "3");
  CHECK(str(shortened(AttributeKind::pair, Numbers{3, 4})) == "[3, 4]");
  CHECK(str(shortened(AttributeKind::integers, Numbers{3, 3})) == "[3, 3]");
}

TEST_CASE("attributes are written so that they read back") {
  CHECK(str(Attribute(1.0)) == "1.0");
  CHECK(str(Attribute(-3.0)) == "-3.0");
  CHECK(str(Attribute(1e-5)) == "1e-05");
  CHECK(str(Attribute(0.1)) == "0.1");
  CHECK(str(Attribute(int64_t{-7})) == "-7");
  CHECK(str(Attribute(true)) == "true");
  CHECK(str(Attribute(std::string("a \"b\" \\ c"))) == R"("a \"b\" \\ c")");
  CHECK(str(Attribute(std::vector<int64_t>{1, 2})) == "[1, 2]");
  CHECK(str(Attribute(std::vector<double>{1, 0.25})) == "[1.0, 0.25]");
}
