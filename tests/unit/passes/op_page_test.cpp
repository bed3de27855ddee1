#include "passes/report/op_page.h"

#include <doctest/doctest.h>

#include <string>

#include "ir/ops/op.h"

using namespace rnc;

TEST_CASE("an operation's page tells what its row says") {
  CHECK(
      op_page("avg_pool_grad") ==
      "avg_pool_grad: gradient of avg_pool to its input of height and width `size`, from dy\n"
      "\n"
      "operands    1\n"
      "attributes\n"
      "  kernel            an integer or a pair of integers, none negative; required\n"
      "  stride            an integer or a pair of integers, none negative; in a spec by default as kernel\n"
      "  pad               an integer, [height, width] or [top, left, bottom, right], none negative; default "
      "0\n"
      "  ceil_mode         true or false; default false\n"
      "  count_include_pad true or false; default true\n"
      "  size              an integer or a pair of integers, none negative; required\n"
      "gradient    no\n");
  CHECK(op_page("add") ==
        "add: a + b\n"
        "\n"
        "operands    2\n"
        "attributes  none\n"
        "result      of the shape over which the operands spread; [C] applies along dimension 1, a scalar "
        "everywhere\n"
        "gradient    yes\n");
  CHECK(op_page("linear").find("operands    2, and optional: bias\n") != std::string::npos);
  CHECK(op_page("state").find("operands    none\n") != std::string::npos);
  CHECK(op_page("channel_sum").find("result      [C] of an operand [N, C, ...]\n") != std::string::npos);
}

TEST_CASE("the list has a line per operation, and each has a page") {
  const std::string list = list_ops();
  for (const Op op : all_ops()) {
    CAPTURE(name(op));
    CHECK(("\n" + list).find("\n" + std::string(name(op)) + " ") != std::string::npos);
    CHECK(op_page(name(op)).starts_with(std::string(name(op)) + ": "));
  }
}

TEST_CASE("an unknown operation is refused with what was meant") {
  const auto message = [](std::string_view name) {
    try {
      return op_page(name);
    } catch (const UserError& error) {
      return std::string(error.what());
    }
  };
  CHECK(message("conv2") == "--ops: there is no operation 'conv2'; did you mean 'conv2d'?");
  CHECK(message("BatchNorm2d") == "--ops: there is no operation 'BatchNorm2d'; did you mean 'batch_norm'?");
  CHECK(message("frobnicate") == "--ops: there is no operation 'frobnicate'");
}

TEST_CASE("--ops: blocks of std.graph are listed, and shown as they are written") {
  CHECK(list_ops().find("\n  group_norm(x, groups, eps = 1e-5, affine = true)\n") != std::string::npos);
  const std::string page = op_page("se");
  CHECK(page.starts_with("# Squeeze and excitation"));
  CHECK(page.ends_with("  return x * gate(fc2)\n}\n"));
  CHECK(op_page("mse") ==
        "inline block mse(prediction, target) { return mean(square(prediction - target)) }\n");
}
