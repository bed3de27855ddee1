#include "compiler/static_header.h"

#include <doctest/doctest.h>

#include <memory>

#include "compiler/compile.h"

namespace rnc {
namespace {

Artifact static_artifact(const std::string& text, Emit emit, std::string* notes = nullptr) {
  Request request{.source = std::make_shared<SourceFile>(SourceFile{"m.graph", text})};
  request.emit = emit;
  request.target = {"x86_64-pc-linux-gnu", "x86-64", ""};
  request.tell = [&](std::string_view kind, const std::string& what) {
    if (notes != nullptr) *notes += std::string(kind) + ": " + what;
  };
  return compile(request);
}

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

constexpr const char* kPlain = R"(
model my.net(n: f32[N, 3, 4, 4], factor: f32[], share: f32[] = 2) {
  n2 = relu(n * factor) * share
  memory = flatten(global_avg_pool(n2)) + 1
  predict memory
})";

}  // namespace

TEST_CASE("the header of a model without a host has all it needs, by names that differ") {
  const std::string text = static_artifact(kPlain, Emit::static_header).bytes;
  CHECK(contains(text, "#include <stdint.h>"));
  CHECK_FALSE(contains(text, "rnrun"));
  CHECK(contains(text, "#define MY_NET_ALIGNMENT 64"));
  CHECK(contains(text, "#define MY_NET_MEMORY_BYTES(n) ("));
  CHECK(contains(text, "#define MY_NET_N__SIZE 48"));
  CHECK(contains(text, "#define MY_NET_MEMORY__SIZE 3"));
  CHECK(contains(
      text,
      "void my_net_infer(const float n_[][3][4][4],\n    const float factor,\n    float memory_[][3],\n"
      "    int64_t n,\n    void* memory);"));
}

TEST_CASE("a model without a host says what it needs") {
  std::string notes;
  const Artifact object = static_artifact(kPlain, Emit::static_object, &notes);
  CHECK(
      object.bytes.starts_with("\x7f"
                               "ELF"));
  CHECK(contains(notes, "note: my_net_infer needs "));
  CHECK(contains(notes, " bytes of memory for one sample (0 of them scratch)"));
}

TEST_CASE("memory is that of the larger arena, and scratch") {
  const StaticMemory memory{{{100, 10}, {0, 30}}, 64, 0};
  CHECK(memory.of(1) == 174);
  CHECK(memory.of(10) == 364);
}

}  // namespace rnc
