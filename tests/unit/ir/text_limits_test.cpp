// Texts made to exhaust memory, time or the stack end quickly, in a clear error.
#include "text_support.h"

namespace rnc {
namespace {

std::string repeated(std::string_view text, int times) {
  std::string result;
  for (int i = 0; i < times; ++i) result += text;
  return result;
}

// Only the message: the source lines are as long as the texts.
std::string message_of(const std::string& text) {
  const std::string error = error_of(text);
  return error.substr(0, error.find('\n'));
}

// `count` blocks, each of which calls the next `times` times in a row; the last one is `innermost`.
std::string tower(int count, int times, const std::string& innermost) {
  std::string text;
  for (int i = 0; i < count; ++i) {
    text += "block b" + std::to_string(i) + "(x) {\n  y = repeat(b" + std::to_string(i + 1) +
            ", x, count = " + std::to_string(times) + ")\n  return y\n}\n";
  }
  return text + "block b" + std::to_string(count) + "(x) {\n  " + innermost + "\n}\n" +
         spec("\n  z = b0(x)\n  predict z");
}

}  // namespace

TEST_CASE("nesting") {
  CHECK(message_of("const a = " + repeated("(", 100'000)) ==
        "m.graph:1:211: error: expressions are nested more than 200 deep");
  CHECK(message_of("const a = " + repeated("-", 100'000)) ==
        "m.graph:1:210: error: expressions are nested more than 200 deep");
  CHECK(message_of("const a = " + repeated("not ", 100'000)) ==
        "m.graph:1:807: error: expressions are nested more than 200 deep");
  CHECK(message_of("const a = 1" + repeated(" + 1", 100'000)) ==
        "m.graph:1:809: error: expressions are nested more than 200 deep");
  CHECK(message_of("const a = b" + repeated("[0]", 100'000)) ==
        "m.graph:1:609: error: expressions are nested more than 200 deep");
  CHECK(message_of("model m {\n" + repeated("if true {\n", 100'000)) ==
        "m.graph:33:9: error: bodies are nested more than 64 deep");
  CHECK(message_of("model m {\n" + repeated("if true {\n} else ", 100'000)) ==
        "m.graph:64:16: error: bodies are nested more than 64 deep");
  CHECK(message_of(tower(300, 1, "return x")) ==
        "m.graph:530:7: error: expressions and blocks are nested more than 400 deep");
}

TEST_CASE("names and strings") {
  CHECK(message_of("const " + repeated("a", 2000) + " = 3") ==
        "m.graph:1:7: error: this name is longer than 1024 characters");
  CHECK(message_of("const `" + repeated("a", 2000) + "` = 3") ==
        "m.graph:1:7: error: this name is longer than 1024 characters");
  CHECK(message_of("const a = \"" + repeated("a", 5000) + "\"") ==
        "m.graph:1:11: error: this string is longer than 4096 bytes");
  const std::string name = repeated("n", 600);
  CHECK(message_of("block a(x) {\n  " + name + " = relu(x)\n  return x\n}\n" +
                   spec("\n  " + name + " = a(x)\n  predict x")) ==
        "m.graph:2:3: error: the name " + name + "." + name + " is longer than 1024 characters");
}

TEST_CASE("work") {
  CHECK(message_of("const a = [" + repeated("1,", 2'000'001) + "]") ==
        "m.graph:1:4000010: error: the file has more than 2000000 expressions");
  CHECK(message_of(tower(4, 10'000, "return x")) ==
        "m.graph:18:3: error: the model is too large: more than 10000000 steps to read it");
  CHECK(message_of(tower(2, 400, "return relu(x)")) ==
        "m.graph:10:10: error: the model is too large: more than 100000 operations");
  CHECK(message_of(tower(1, 10'000, "return batch_norm(x)")) ==
        "m.graph:6:10: error: the model is too large: more than 20000 tensors");
  std::string nodes;
  for (int i = 0; i < 2049; ++i) nodes += "x" + std::to_string(i) + " = relu(x)\n";
  CHECK(message_of("model m {\nentry infer {\nx : f32[N, 4] = input()\nkernel k {\n" + nodes + "}\n}\n}") ==
        "m.graph:4:8: error: the kernel k has more than 2048 operations");
}

// Every failure leaves work behind it that would fail as well.
TEST_CASE("failures") {
  std::string twice, all;
  for (int i = 0; i < 30; ++i) {
    const std::string next = "b" + std::to_string(i + 1);
    twice += "block b" + std::to_string(i) + "(x) {\n  y = " + next + "(x)\n  z = " + next +
             "(x)\n  return x\n}\n";
    all += "block b" + std::to_string(i) + "(x) {\n";
    for (int j = 0; j < 30; ++j) all += "  y" + std::to_string(j) + " = b" + std::to_string(j) + "(x)\n";
    all += "  return x\n}\n";
  }
  twice += "block b30(x) {\n  return nothing\n}\n";
  const std::string model = spec("\n  y = b0(x)\n  predict y");
  CHECK(message_of(twice + model) == "m.graph:152:10: error: unknown name 'nothing'");
  CHECK(message_of(all + model) == "m.graph:2:8: error: block b0 calls itself");
  const std::string syntax = error_of("model m {\n" + repeated("x ? {\n", 100'000));
  CHECK(syntax.ends_with("\n2 errors\n"));
  CHECK(error_of("model m {\n" + repeated("x ?\n", 100'000))
            .ends_with("\n1000 errors; the first 20 are shown\n"));
}

}  // namespace rnc
