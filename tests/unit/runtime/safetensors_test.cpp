#include "runtime/support/safetensors.h"

#include <doctest/doctest.h>
#include <sys/resource.h>

#include <csignal>

#include "runtime/contract/safetensors.h"
#include "runtime/support/file.h"
#include "runtime/support/random.h"
#include "tests/unit/runtime/support.h"

namespace rnrun {

namespace {

std::string length_of(uint64_t n) {
  std::string text;
  for (int i = 0; i < 8; ++i) text += static_cast<char>(n >> (8 * i) & 0xff);
  return text;
}

// A file with this header and `data` bytes of data.
std::string file(const std::string& header, size_t data) {
  return length_of(header.size()) + header + std::string(data, 'x');
}

std::string parse_error(const std::string& bytes) {
  const std::string prefix = "f: not a valid safetensors file: ";
  const std::string message = error_of([&] { parse_safetensors(std::as_bytes(std::span(bytes)), "f"); });
  CHECK(message.starts_with(prefix));
  return message.substr(std::min(prefix.size(), message.size()));
}

TensorFile sample() {
  const float values[] = {1, 2, 3, 4, 5, 6};
  const uint8_t bytes[] = {7, 8, 9};
  TensorFile content;
  content.metadata = {{"step", "12"}, {"note", "quotes \" and ü"}};
  content.tensors["a"] = Array::of<uint8_t>(DType::u8, {3}, bytes);
  content.tensors["b.weight"] = Array::of<float>(DType::f32, {2, 3}, values);
  content.tensors["c"] = Array::scalar(0.5f);
  content.tensors["empty"] = Array::zeros(DType::f32, {0, 4});
  return content;
}

}  // namespace

TEST_CASE("damage anywhere in a file is found by its checksum") {
  const TemporaryDirectory directory;
  const std::string path = directory / "t.safetensors";
  TensorFile checkpoint = sample();
  checkpoint.metadata["format"] = "rnrun checkpoint 3";
  for (const TensorFile& content : {sample(), checkpoint}) {
    write_safetensors(path, content);
    const std::string good = read_text(path);
    const auto refused = [&](std::string_view bytes) {
      return error_of([&] { parse_safetensors(std::as_bytes(std::span(bytes)), "f"); }).starts_with("f");
    };
    CHECK(!refused(good));
    for (size_t length = 0; length < good.size(); ++length)
      CHECK_MESSAGE(refused(std::string_view(good).substr(0, length)), length);
    for (size_t bit = 0; bit < 8 * good.size(); ++bit) {
      std::string bad = good;
      bad[bit / 8] = static_cast<char>(bad[bit / 8] ^ 1 << bit % 8);
      CHECK_MESSAGE(refused(bad), bit);
    }
    CHECK(refused(good + '\0'));
  }
}

TEST_CASE("who may have no checksum, and what is said of one that is wrong") {
  const auto parse = [](const std::string& metadata) {
    const std::string bytes = file(R"({"__metadata__":{)" + metadata + "}}", 0);
    return error_of([&] { parse_safetensors(std::as_bytes(std::span(bytes)), "f"); });
  };
  CHECK(parse("").empty());
  CHECK(parse(R"("format":"pt")").empty());                  // PyTorch's
  CHECK(parse(R"("format":"rnrun checkpoint 2")").empty());  // from before checksums
  CHECK(parse(R"("format":"rnrun checkpoint 3")") ==
        "f: damaged: its format is 'rnrun checkpoint 3', but it has no checksum");
  CHECK(parse(R"("format":"rnrun tensors 1","rnrun.xxh3_64":"0123456789abcdef")")
            .starts_with("f: damaged: its checksum is 0123456789abcdef, that of its content "));
  CHECK(parse(R"("rnrun.xxh3_64" : "0123456789abcdef")") ==  // rewritten by another program
        "f: damaged: its checksum is 0123456789abcdef, that of its content unknown");
  CHECK(parse(R"("rnrun.xxh3_64":"12")") == "f: damaged: its checksum is 12, that of its content unknown");
}

TEST_CASE("what is written can be read, and is the same bytes each time") {
  const TemporaryDirectory directory;
  const std::string path = directory / "t.safetensors";
  write_safetensors(path, sample());
  const TensorFile back = read_safetensors(path);
  CHECK(back.metadata == sample().metadata);
  CHECK(back.tensors == sample().tensors);
  const std::string bytes = read_text(path);
  write_safetensors(path, sample());
  CHECK(read_text(path) == bytes);
  CHECK(!std::filesystem::exists(path + ".partial"));
}

TEST_CASE("hostile files are refused with a reason") {
  const std::string f32 = R"("dtype":"F32","shape":[1],"data_offsets":)";
  CHECK(parse_error("") == "only 0 bytes long");
  CHECK(parse_error("1234567") == "only 7 bytes long");
  CHECK(parse_error(length_of(100) + "{}") == "header of 100 bytes in a file of 10");
  CHECK(parse_error(length_of(~uint64_t{0}) + "{}") ==
        "header of 18446744073709551615 bytes; at most 16777216 are read");
  CHECK(parse_error(file("", 0)) == "its header is not JSON");
  CHECK(parse_error(file("{", 0)) == "its header is not JSON");
  CHECK(parse_error(file("{\"\xff\":1}", 0)) == "its header is not JSON");
  CHECK(parse_error(file("[]", 0)) == "its header is not an object");
  CHECK(parse_error(file(std::string(100'000, '['), 0)) == "its header is nested too deeply");
  CHECK(parse_error(file(R"({"__metadata__":[]})", 0)) == "__metadata__ is not an object");
  CHECK(parse_error(file(R"({"__metadata__":{"a":1}})", 0)) == "__metadata__ 'a' is not a string");
  CHECK(parse_error(file(R"({"a":1})", 0)) == "tensor 'a' has not exactly dtype, shape and data_offsets");
  CHECK(parse_error(file(R"({"a":{"dtype":"F32","shape":[1],"offset":[0,4]}})", 4)) ==
        "tensor 'a' has not exactly dtype, shape and data_offsets");
  const std::string unknown = file(R"({"a":{"dtype":"F33","shape":[1],"data_offsets":[0,4]}})", 4);
  CHECK(error_of([&] { parse_safetensors(std::as_bytes(std::span(unknown)), "f"); }) ==
        "f: tensor 'a' has dtype F33, which is not known here");
  CHECK(parse_error(file(R"({"a":{"dtype":4,"shape":[1],"data_offsets":[0,4]}})", 4)) ==
        "tensor 'a' has the dtype 4");
  CHECK(parse_error(file(R"({"a":{"dtype":"F32","shape":4,"data_offsets":[0,4]}})", 4)) ==
        "tensor 'a' has no shape of rank at most 8");
  CHECK(parse_error(file(R"({"a":{"dtype":"F32","shape":[1,1,1,1,1,1,1,1,1],"data_offsets":[0,4]}})", 4)) ==
        "tensor 'a' has no shape of rank at most 8");
  CHECK(parse_error(file(R"({"a":{"dtype":"F32","shape":[-1],"data_offsets":[0,4]}})", 4)) ==
        "tensor 'a' has a size that is not a natural number");
  CHECK(parse_error(file(R"({"a":{"dtype":"F32","shape":[4294967296,4294967296],"data_offsets":[0,4]}})",
                         4)) == "tensor 'a' of shape [4294967296,4294967296] is larger than the file");
  CHECK(parse_error(file("{\"a\":{" + f32 + "[0]}}", 4)) == "tensor 'a' has no two data_offsets");
  CHECK(parse_error(file("{\"a\":{" + f32 + "[-4,0]}}", 4)) == "tensor 'a' has no two data_offsets");
  CHECK(parse_error(file("{\"a\":{" + f32 + "[4,0]}}", 4)) ==
        "tensor 'a' has data_offsets [4,0] in 4 bytes of data");
  CHECK(parse_error(file("{\"a\":{" + f32 + "[4,8]}}", 4)) ==
        "tensor 'a' has data_offsets [4,8] in 4 bytes of data");
  CHECK(parse_error(file("{\"a\":{" + f32 + "[0,3]}}", 4)) ==
        "tensor 'a' has 3 bytes, its type and shape need 4");
  CHECK(parse_error(file("{\"a\":{" + f32 + "[0,4]},\"b\":{" + f32 + "[2,6]}}", 6)) ==
        "tensor 'b' overlaps another");
  CHECK(parse_error(file("{\"a\":{" + f32 + "[0,4]},\"b\":{" + f32 + "[5,9]}}", 9)) ==
        "1 bytes before tensor 'b' belong to no tensor");
  CHECK(parse_error(file("{\"a\":{" + f32 + "[0,4]}}", 6)) == "2 bytes at the end belong to no tensor");
  CHECK(parse_error(file("{\"a\":{" + f32 + "[0,4]},\"a\":{" + f32 + "[0,4]}}", 4)) ==
        "two tensors named 'a'");
}

TEST_CASE("every truncation of a good file is refused") {
  const TemporaryDirectory directory;
  const std::string path = directory / "t.safetensors";
  write_safetensors(path, sample());
  const std::string bytes = read_text(path);
  for (size_t size = 0; size < bytes.size(); ++size)
    CHECK(error_of([&] {
            parse_safetensors(std::as_bytes(std::span(bytes.data(), size)), "f");
          }).starts_with("f: "));
}

TEST_CASE("random damage is refused, or harmless") {
  const TemporaryDirectory directory;
  const std::string path = directory / "t.safetensors";
  write_safetensors(path, sample());
  const std::string good = read_text(path);
  Random random(1, 1);
  for (int i = 0; i < 20'000; ++i) {
    std::string bytes = good;
    for (uint32_t n = random.below(4) + 1; n > 0; --n)
      bytes[random.below(static_cast<uint32_t>(bytes.size()))] = static_cast<char>(random.next());
    const std::string message = error_of([&] { parse_safetensors(std::as_bytes(std::span(bytes)), "f"); });
    // Taken only as the file of another program: with the names of both, checksum and format, changed.
    const bool foreign =
        bytes.find(contract::kChecksumKey) == bytes.npos && bytes.find("\"format\":\"rnrun ") == bytes.npos;
    REQUIRE(((message.empty() && (bytes == good || foreign)) || message.starts_with("f: damaged: ") ||
             message.starts_with("f: not a valid safetensors file: ")));
  }
}

TEST_CASE("files that are not there or not files") {
  const TemporaryDirectory directory;
  CHECK(error_of([&] { read_file(directory / "none"); }) ==
        "cannot read " + directory.path() + "/none: No such file or directory");
  CHECK(error_of([&] { read_file(directory.path()); }) ==
        "cannot read " + directory.path() + ": not a regular file");
  CHECK(error_of([&] { read_file("/dev/zero"); }) == "cannot read /dev/zero: not a regular file");
}

TEST_CASE("a write that fails leaves the old file as it was") {
  const TemporaryDirectory directory;
  const std::string path = directory / "t.safetensors";
  write_safetensors(path, sample());
  const std::string before = read_text(path);
  TensorFile large = sample();
  large.tensors["large"] = Array::zeros(DType::f32, {1 << 16});

  // As on a full disk, the write comes to a stop in the middle of the file.
  signal(SIGXFSZ, SIG_IGN);
  rlimit old{};
  getrlimit(RLIMIT_FSIZE, &old);
  rlimit limit = old;
  limit.rlim_cur = 100'000;
  setrlimit(RLIMIT_FSIZE, &limit);
  const std::string message = error_of([&] { write_safetensors(path, large); });
  setrlimit(RLIMIT_FSIZE, &old);
  signal(SIGXFSZ, SIG_DFL);

  CHECK(message == "cannot write " + path + ": File too large");
  CHECK(read_text(path) == before);
  CHECK(!std::filesystem::exists(path + ".partial"));
  CHECK(error_of([&] { write_safetensors("/nonexistent/t", large); }) ==
        "cannot write /nonexistent/t: No such file or directory");
}

}  // namespace rnrun
