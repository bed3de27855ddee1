// The loop IR as a language: texts that are read back, mistakes at their places, hostile and mutated texts.
#include <doctest/doctest.h>
#include <fmt/format.h>

#include <random>

#include "ir/loops/text/text.h"

using namespace rnc::loops;

namespace {

Listing parsed(const std::string& text) {
  return parse_listing(std::make_shared<rnc::SourceFile>(rnc::SourceFile{"m.loops", text}));
}

std::string again(const std::string& text) { return print(parsed(text).program); }

// The first mistake as it is shown, without the line that it quotes.
std::string mistake(const std::string& text) {
  try {
    parsed(text);
  } catch (const rnc::UserError& error) {
    const std::string rendered = error.render();
    return rendered.substr(0, rendered.find('\n'));
  }
  return "none";
}

// A kernel on x, y of 16 elements and u of bytes, with this body.
std::string kernel(const std::string& body) {
  return fmt::format(
      "kernel k(\n    read x : f32[16],\n    update y : f32[16],\n    read u : u8[16])\n"
      "    tasks 1 vector 64 {{\n{}}}\n\n",
      body);
}
std::string body_again(const std::string& body) {
  const std::string text = again(kernel(body)), head = kernel("");
  const size_t begin = head.find("{\n") + 2;
  return text.substr(begin, text.size() - begin - 3);
}
void keeps(const std::string& body) { CHECK(body_again(body) == body); }
std::string mistake_in(const std::string& body) { return mistake(kernel(body)); }

constexpr const char* kProgram = R"(loops

model small {
  hash "0123456789abcdef"
  predict fc

  parameter w : f32[2, 8] = uniform(bound = 0.5)  @ "small.graph" 3:4
}

layer x : f32[N, 8] = input()
layer fc : f32[N, 2] = matmul(x, w, transpose_b = true) of 16 parameters, 16 multiply_adds

entry infer {
  input x : f32[N, 8]
  input label : i32[N] of 10 classes
  input alpha : f32[] = 0.5
  output fc : f32[N, 8]
  batch at least 2 for "bn"
  buffer x : 64 * N bytes, input x
  buffer sums : 64 * N bytes, arena at 0 : f32[N, 8 | 1:8]
  buffer sums@2 : 64 * N bytes, arena at 128 * N
  buffer w : 64 bytes, tensor 0 : f32[2, 8]
  buffer `a table` : 4 bytes, constant 0 of 4 bytes
  buffer fc : 64 * N bytes, output fc
  arena max(256 * N, 64 + 192 * N) bytes
  live 128 * N bytes
  direct 12 * N flops
  copy(x, sums) for "conv1", forward, by "winograd 4x4", from batch 4, 12 * N flops, 6 + N operations, 8 bytes, 4 * N direct_bytes @ "small.graph" 4:3
  copy(sums, sums@2) for "", weight_grad @ "small.graph" 5:3
  copy(sums@2, fc) for "fc", update, fc over sums@2
}

kernel copy from "conv1" @ "small.graph" 4:3(
    read a : f32[N, 8],
    write b : f32[N, 8])
    tasks N vector 32 {
  # all
  # of it
  b[task, 0:+8] = a[task, 0:+8]
}

constant 0 of 4 bytes [
  "0000803f"]
)";

}  // namespace

TEST_CASE("a whole file of loop IR is read back") {
  const Listing listing = parsed(kProgram);
  CHECK(print(*listing.module, listing.layers, listing.program) == kProgram);
  CHECK(equal(listing.program, parsed(print(listing.program)).program));
  REQUIRE(listing.layers.size() == 2);
  CHECK(listing.layers[1].inputs == std::vector<int32_t>{0});
  CHECK(listing.layers[1].operation == "matmul");
  CHECK(listing.layers[1].result == "f32[N, 2]");
  const EntryProgram& entry = listing.program.entries.at(0);
  CHECK(entry.classes.at("label") == 10);
  CHECK(entry.calls.at(1).work.operations == Extent{});
  CHECK(entry.calls.at(2).in_place == std::vector<std::pair<int, int>>{{5, 2}});
  CHECK(listing.kernel_places.at(0).str() == "m.loops:33:8");
}

TEST_CASE("buffers may be called like what a call says") {
  std::string text = kProgram;
  for (size_t at = 0; (at = text.find("sums")) != std::string::npos;) text.replace(at, 4, "`update`");
  const Listing listing = parsed(text);
  CHECK(print(*listing.module, listing.layers, listing.program) == text);
}

TEST_CASE("statements are read back") {
  keeps("  let i = task * 4 + 3\n  y[i] = x[i] + f32(0.5)\n");
  keeps("  for i in 0..16 {\n    y[i] = x[i]\n  }\n");
  keeps("  unrolled i in 0..16 step 8 {\n    y[i:+8] = x[i:+8 valid 12 - i]\n  }\n");
  keeps("  if task < 1 and N < 4 or threads == 0 {\n  }\n");
  keeps("  if N % 2 == 1 {\n    y[0] = x[0]\n  } else {\n    y[1] = x[1]\n  }\n");
  keeps("  registers t : f32[2, 8]\n  t[0, 0:+8] = x[0:+8]\n  y[0:+8] = t[0, 0:+8]\n");
  keeps("  {\n    scratch t : f32[16]\n    t[0] = x[0]\n  }\n  scratch t : f32[16]\n  prefetch t[0]\n");
  keeps("  # a comment\n  # of two lines\n  prefetch x[task * 100]\n");
}

TEST_CASE("expressions are read back") {
  const auto same = [](const std::string& e) { keeps(fmt::format("  let v = {}\n", e)); };
  for (const char* e : {"1",
                        "-1",
                        "true",
                        "f32(-0)",
                        "f32(inf)",
                        "f32(-inf)",
                        "f32(nan)",
                        "f64(1e-300)",
                        "f32(16777216)",
                        "f32x16(0.1)",
                        "i32(-2147483648)",
                        "u8(255)",
                        "booleanx8(true)",
                        "i64x4(3)",
                        "-x[0]",
                        "--x[0]",
                        "-f32(1)",
                        "-(x[0] + x[1])",
                        "x[0] - (x[1] - x[2])",
                        "N * task / 7 % 3",
                        "f32(3 - task)",
                        "f32(task)",
                        "f64(u[3])",
                        "min(task, N)",
                        "max(x[0], x[1])",
                        "sqrt(exp(log(floor(x[0]))))",
                        "fma(x[0:+4], x[4:+4], f32x4(0))",
                        "select(x[0] < x[1], x[0], x[1])",
                        "broadcast(x[0], 8)",
                        "spread(x[0:+8], 4, 3)",
                        "interleave(x[0:+8], x[8:+8], 1)",
                        "mask(x[0:+8], task)",
                        "reduce_add(x[0:+8])",
                        "reduce_max(x[0:+8])",
                        "N <= 3 or (N == 5 or N != 6) and task < 2"})
    same(e);
}

TEST_CASE("mistakes are shown at their places") {
  CHECK(mistake_in("  y[0] = value\n") == "m.loops:6:10: error: there is no variable 'value' here");
  CHECK(mistake_in("  y[0] = image[0]\n") == "m.loops:6:10: error: there is no memory 'image' here");
  CHECK(mistake_in("  y[0] = 1\n") == "m.loops:6:3: error: a value stored to y has type i64, not f32: 1");
  CHECK(mistake_in("  let v = x[0] + 1\n") ==
        "m.loops:6:16: error: the second operand has type i64, not f32: 1");
  CHECK(mistake_in("  let v = 7 / (3 - 3)\n") ==
        "m.loops:6:13: error: integer division needs operands >= 0 and a divisor > 0");
  CHECK(mistake_in("  let v = sqr(x[0])\n") ==
        "m.loops:6:11: error: there is no function 'sqr'; did you mean 'sqrt'?");
  CHECK(mistake_in("  let v = 1.5\n") ==
        "m.loops:6:11: error: a number with a fraction needs a type: f32(1.5)");
  CHECK(mistake_in("  let task = 1\n") == "m.loops:6:7: error: the variable task is already bound");
  CHECK(mistake_in("  y[16] = x[0]\n") ==
        "m.loops:6:3: error: kernel k: y is not bounded: index 16 of dimension 0");
  CHECK(mistake_in("  for i in 0..17 {\n    y[0] = x[i]\n  }\n") ==
        "m.loops:7:5: error: kernel k: x is not bounded: index i of dimension 0");
  CHECK(mistake_in("  x[0] = y[0]\n") == "m.loops:6:3: error: kernel k: x is stored to and may only be read");
  CHECK(mistake("kernel k(read x : f32[4]) tasks 0 vector 64 {\n}\n") ==
        "m.loops:1:8: error: kernel k: the kernel has 0 tasks");
  CHECK(mistake("entry e {\n  k() for \"a\"\n}\n") == "m.loops:2:3: error: there is no kernel k");
  CHECK(mistake("entry e {\n  buffer a : 64 bytes, arena at 0\n  arena 0 bytes\n  k(sums) for \"\"\n}\n") ==
        "m.loops:4:5: error: there is no buffer 'sums'");
  CHECK(
      mistake("constant 0 of 100000 bytes\n") ==
      "m.loops:1:10: error: the text has no bytes of constant 0: those of more than 65536 are left out, and "
      "make no program");
}

TEST_CASE("all mistakes are shown, one to an item") {
  try {
    parsed(kernel("  y[0] = 1\n") + "kernel l() tasks\nentry e {\n  bufer\n}\n");
    FAIL("it is not refused");
  } catch (const rnc::UserError& error) {
    const std::string text = error.render();
    CHECK(text.find("m.loops:6:3:") != std::string::npos);
    CHECK(text.find("m.loops:9:17:") != std::string::npos);
    CHECK(text.find("m.loops:11:3:") != std::string::npos);
    CHECK(text.ends_with("3 errors\n"));
  }
}

TEST_CASE("hostile texts are refused quickly") {
  const auto nested = [](std::string_view open, std::string_view inner, std::string_view close, int depth) {
    std::string text;
    for (int i = 0; i < depth; ++i) text += fmt::format(fmt::runtime(open), i);
    text += inner;
    for (int i = 0; i < depth; ++i) text += close;
    return text;
  };
  const auto refused = [](const std::string& body, std::string_view why) {
    const std::string found = mistake_in(body);
    CHECK_MESSAGE(found.find(why) != std::string::npos, found);
  };
  refused(nested("  let v = ", "", "", 1) + nested("(", "1", ")", 100000) + "\n", "nested more than");
  refused("  let v = " + nested("-", "N", "", 100000) + "\n", "nested more than");
  refused("  let v = " + nested("N + ", "N", "", 100000) + "\n", "more than 4096 operations");
  refused(nested("let v{} = N\n", "", "", 100000), "nested more than");
  refused(nested("if N < {} {{\n", "", "}\n", 100000), "nested more than");
  refused("  unrolled i in 0..9000000000000000000 {\n  }\n", "unrolling repeats this more than");
  refused("  unrolled i in 0..300 {\n  unrolled j in 0..300 {\n  }\n  }\n",
          "unrolling repeats this more than");
  refused("  registers t : f32[281474976710656]\n", "is too large");
  refused("  registers t : f32[1048576]\n", "bytes of registers");
  refused("  let v = f32x1000000(0)\n", "2 to 256 lanes");
  refused("  let v = 99999999999999999999\n", "too large");
  CHECK(mistake("kernel k(read x : f32[4294967296, 4294967296]) tasks 1 vector 64 {\n}\n") ==
        "m.loops:1:35: error: x is too large");
  CHECK(mistake("constant 0 of 281474976710656 bytes [\n\"00\"]\n") ==
        "m.loops:1:10: error: the constant has 1 bytes, not 281474976710656");
}

// Mutations of a text end in a UserError or in a program that keeps all rules and survives its text.
TEST_CASE("mutated texts never crash") {
  std::mt19937 random(1);
  const auto below = [&](size_t n) { return static_cast<size_t>(random() % n); };
  const std::string base =
      std::string(kProgram) + kernel("  for i in 0..2 {\n    y[i * 8:+8] = x[i * 8:+8]\n  }\n");
  const std::vector<std::string> pieces = {
      "9223372036854775807", "0", "-", "{", "}", "(", "]", "N", "@", "\n"};
  int accepted = 0;
  for (int round = 0; round < 4000; ++round) {
    std::string text = base;
    for (size_t change = below(3) + 1; change > 0; --change) {
      const size_t at = below(text.size());
      switch (below(4)) {
        case 0:
          text[at] = static_cast<char>(random());
          break;
        case 1:
          text.erase(text.rfind('\n', at) + 1, text.find('\n', at) - text.rfind('\n', at));
          break;
        case 2: {
          const size_t digit = text.find_first_of("0123456789", at);
          if (digit != std::string::npos) text.replace(digit, 1, pieces[below(2)]);
          break;
        }
        default:
          text.insert(at, pieces[below(pieces.size())]);
      }
    }
    try {
      const Listing listing = parsed(text);
      ++accepted;
      REQUIRE(broken_rule(listing.program) == "");
      const std::string printed = print(listing.program);
      REQUIRE(again(printed) == printed);
    } catch (const rnc::UserError& error) {
      REQUIRE(!error.render().empty());
    }
  }
  CHECK(accepted > 100);
}
