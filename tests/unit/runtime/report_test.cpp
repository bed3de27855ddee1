// Reports: what is collected from a run's directory, and the page that is made of it.
#include <doctest/doctest.h>
#include <zlib.h>

#include "runtime/data/decode/encode_png.h"
#include "runtime/report/page.h"
#include "runtime/report/run_data.h"
#include "tests/unit/runtime/process.h"

namespace rnrun {

namespace {

using nlohmann::ordered_json;

void write_run(const std::string& directory) {
  std::filesystem::create_directories(directory);
  write_text(directory + "/config.json", R"({"model": "net", "lr": 0.1})");
  write_text(directory + "/metrics.jsonl",
             "{\"epoch\":1,\"train_loss\":2}\n{\"epoch\":2,\"train_loss\":1}\n");
  std::string steps;
  for (int i = 0; i < 2000; ++i) steps += "{\"step\":" + std::to_string(i) + "}\n";
  write_text(directory + "/steps.jsonl", steps);
  write_text(directory + "/gradients.jsonl",
             "{\"step\":1,\"epoch\":1,\"total\":5,\"norms\":{\"fc.weight\":3,\"fc.bias\":4}}\n"
             "{\"step\":9,\"epoch\":2,\"total\":1,\"norms\":{\"fc.weight\":1,\"fc.bias\":0}}\n");
  write_text(
      directory + "/report.json",
      R"({"classes": ["a", "</script><b>"], "network": [], "memory": null, "kernels": null, "evaluation": null})");
}

uint32_t big_endian(std::string_view bytes) {
  uint32_t value = 0;
  for (const char c : bytes.substr(0, 4)) value = value << 8 | static_cast<uint8_t>(c);
  return value;
}

std::string from_base64(std::string_view text) {
  const std::string digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string bytes;
  uint32_t bits = 0;
  int count = 0;
  for (const char c : text) {
    if (c == '=') break;
    bits = bits << 6 | static_cast<uint32_t>(digits.find(c));
    if ((count += 6) >= 8) bytes += static_cast<char>(bits >> (count -= 8) & 0xff);
  }
  return bytes;
}

}  // namespace

TEST_CASE("a run is read from its directory") {
  const TemporaryDirectory directory;
  write_run(directory / "plain");
  const ordered_json run = read_run(directory / "plain/");
  CHECK(run["name"] == "plain");
  CHECK(run["config"]["model"] == "net");
  CHECK(run["epochs"].size() == 2);
  CHECK(run["steps"].size() == 600);
  CHECK(run["steps"].front()["step"] == 0);
  CHECK(run["steps"].back()["step"] == 1999);
  CHECK(run["gradients"]["tensors"] == ordered_json({"fc.weight", "fc.bias"}));
  CHECK(run["gradients"]["records"][1] ==
        ordered_json({{"step", 9}, {"epoch", 2}, {"total", 1}, {"norms", {1, 0}}}));
  CHECK(run["classes"].size() == 2);
  CHECK(run["task"]["metrics"][0]["key"] == "top1");  // a run of before there were tasks
}

TEST_CASE("what is no run, or a damaged one, is named") {
  const TemporaryDirectory directory;
  CHECK(error_of([&] { read_run(directory / "none"); }) ==
        directory / "none" + " is not the directory of a training: there is no " +
            directory / "none/config.json");
  write_run(directory / "run");
  const auto damaged = [&](const std::string& file, const std::string& text) {
    write_run(directory / "run");
    write_text(directory / ("run/" + file), text);
    return error_of([&] { read_run(directory / "run"); });
  };
  const std::string path = directory / "run/";
  CHECK(damaged("config.json", "{\"model\":") ==
        path + "config.json is damaged: not a JSON object where one should be");
  CHECK(damaged("metrics.jsonl", "{}\n7\n") ==
        path + "metrics.jsonl is damaged: not a JSON object where one should be");
  CHECK(damaged("gradients.jsonl", "{}\n") == path + "gradients.jsonl is damaged: a line without norms");
  CHECK(damaged("gradients.jsonl", "{\"norms\":{\"a\":1}}\n{\"norms\":{\"b\":1}}\n") ==
        path + "gradients.jsonl is damaged: its lines have different tensors");
  write_run(directory / "run");
  std::filesystem::remove(path + "report.json");
  CHECK(error_of([&] { read_run(directory / "run"); }) ==
        directory / "run" + " has no report.json: its training has not come to the end of an epoch");
}

TEST_CASE("the page holds all it needs, and no data can end its script") {
  const TemporaryDirectory directory;
  write_run(directory / "run");
  const std::string page = report_page({read_run(directory / "run")}, "a < b");
  CHECK(page.starts_with("<!DOCTYPE html>"));
  CHECK(page.find("<title>a &lt; b</title>") != std::string::npos);
  CHECK(page.find("Chart.js v3") != std::string::npos);
  CHECK(page.find("drawReport();") != std::string::npos);
  CHECK(page.find("\\u003c/script>\\u003cb>") != std::string::npos);
  CHECK(page.find("</script><b>") == std::string::npos);
  for (const char* outside : {" src=\"http", " href=\"http", "@import", "url(http", "fetch(", "@DATA@",
                              "@SCRIPT@", "sourceMappingURL"})
    CHECK(page.find(outside) == std::string::npos);
}

TEST_CASE("pictures are PNG files with the pixels given") {
  const std::string uri = png_uri({3, 2, 1}, std::vector<uint8_t>{1, 2, 3, 4, 5, 250});
  const std::string prefix = "data:image/png;base64,";
  REQUIRE(uri.starts_with(prefix));
  const std::string png = from_base64(uri.substr(prefix.size()));
  REQUIRE(png.starts_with("\x89PNG\r\n\x1a\n"));
  std::string_view rest = std::string_view(png).substr(8);
  std::string kinds, pixels;
  while (!rest.empty()) {
    const uint32_t size = big_endian(rest);
    const std::string_view body = rest.substr(4, 4 + size);
    CHECK(big_endian(rest.substr(8 + size)) ==
          crc32(0, reinterpret_cast<const Bytef*>(body.data()), static_cast<uInt>(body.size())));
    kinds += std::string(body.substr(0, 4)) + " ";
    if (body.starts_with("IHDR")) {
      CHECK(big_endian(body.substr(4)) == 1);
      CHECK(big_endian(body.substr(8)) == 2);
      CHECK(body[12] == 8);
      CHECK(body[13] == 2);
    }
    if (body.starts_with("IDAT")) {
      pixels.resize(100);
      uLongf length = pixels.size();
      CHECK(uncompress(reinterpret_cast<Bytef*>(pixels.data()), &length,
                       reinterpret_cast<const Bytef*>(body.data()) + 4, size) == Z_OK);
      pixels.resize(length);
    }
    rest.remove_prefix(12 + size);
  }
  CHECK(kinds == "IHDR IDAT IEND ");
  CHECK(pixels == std::string("\0\1\3\5\0\2\4\xfa", 8));
  CHECK(png_uri({1, 1, 1}, std::vector<uint8_t>{9}) != png_uri({1, 1, 1}, std::vector<uint8_t>{8}));
}

TEST_CASE("rnrun report writes the page of one run or of two") {
  const TemporaryDirectory directory;
  write_run(directory / "a");
  write_run(directory / "b");
  const ProcessResult one = run_rnrun({"report", directory / "a"});
  CHECK(one.status == 0);
  CHECK(one.out == directory / "a/report.html" + "\n");
  CHECK(read_text(directory / "a/report.html").find("<title>a</title>") != std::string::npos);
  CHECK(run_rnrun({"report", directory / "a", directory / "b", "-o", directory / "compare.html"}).status ==
        0);
  CHECK(read_text(directory / "compare.html").find("<title>a and b</title>") != std::string::npos);
  const ProcessResult none = run_rnrun({"report", directory / "c"});
  CHECK(none.status == 1);
  CHECK(none.err.starts_with("rnrun: error: " + directory / "c" + " is not the directory of a training"));
}

}  // namespace rnrun
