#include "compiler/c_header.h"

#include <doctest/doctest.h>

#include <memory>

#include "compiler/c_names.h"
#include "compiler/compile.h"

namespace rnc {
namespace {

std::string header_of(const std::string& text, const std::string& link_name = {}) {
  Request request{.source = std::make_shared<SourceFile>(SourceFile{"m.graph", text})};
  request.emit = Emit::header;
  request.link_name = link_name;
  return compile(request).bytes;
}

bool has(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

}  // namespace

TEST_CASE("a header has the model's types, and names that C can have") {
  const std::string text = header_of(R"(
model my.net(float: u8[N, 3, 4, 5], x.y: f32[N], x_y: f32[], scale: f32[] = 2) {
  out = cast(float) * x_y * scale
  place = argmax(out)
  predict out
  predict place
  classes ["a\"b", "é1"]
})");
  CHECK(has(text, "extern const struct rn_model_descriptor rn_model;"));
  CHECK(has(text, "#define MY_NET_FLOAT__SIZE 60"));
  CHECK(has(text, "my_net_infer(const uint8_t float_[][3][4][5],"));
  CHECK(has(text, "const float x_y,"));  // x.y is of no use to predictions; scale has a default
  CHECK_FALSE(has(text, "scale"));
  CHECK(has(text, "{\"x_y\", RNRUN_F32, 0, {0}, (void*)&x_y}"));
  CHECK(has(text, "float out[][3][4][5],"));
  CHECK(has(text, "int32_t place[]"));
  CHECK(has(text, "\"a\\\"b\""));
  CHECK(has(text, "\"\\303\\2511\""));
  CHECK_FALSE(has(text, "train_step"));
  CHECK_FALSE(has(text, "evaluate"));
}

TEST_CASE("a header of a name for linking has that everywhere") {
  const std::string text = header_of(R"(
model net(x: f32[N, 3], label: i32[N]) {
  y = linear(x, 2)
  predict y
  loss cross_entropy(y, label)
  train sgd()
})",
                                     "first");
  CHECK(has(text, "extern const struct rn_model_descriptor first_model;"));
  CHECK(has(text, "first_train_step(const float x[][3],"));
  CHECK(has(text, "first_evaluate("));
  CHECK_FALSE(has(text, "net_"));
  CHECK_FALSE(has(text, "NET_"));
}

TEST_CASE("names for linking") {
  CHECK(is_c_identifier("model"));
  CHECK(is_c_identifier("for"));  // for_infer
  CHECK_FALSE(is_c_identifier(""));
  CHECK_FALSE(is_c_identifier("1st"));
  CHECK_FALSE(is_c_identifier("a-b"));
}

}  // namespace rnc
