// Reading files: includes, and files that are missing, too large, or no text.
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "text_support.h"

namespace rnc {
namespace {

// A directory of its own, removed with all it holds.
class Directory {
 public:
  Directory() {
    std::string pattern = (std::filesystem::temp_directory_path() / "rnc_text_XXXXXX").string();
    REQUIRE(mkdtemp(pattern.data()) != nullptr);
    path_ = pattern;
  }
  ~Directory() { std::filesystem::remove_all(path_); }
  Directory(const Directory&) = delete;
  Directory& operator=(const Directory&) = delete;

  std::string write(const std::string& name, std::string_view text) const {
    std::filesystem::create_directories((path_ / name).parent_path());
    std::ofstream(path_ / name, std::ios::binary) << text;
    return (path_ / name).string();
  }
  std::string path(const std::string& name) const { return (path_ / name).string(); }
  // The diagnostic that reading and parsing the file ends in, with this directory written as DIR.
  std::string error_of(const std::string& name) const {
    std::string text = "no error";
    try {
      parse(read_source(path(name)));
    } catch (const UserError& error) {
      text = error.diagnostic().render();
    }
    for (size_t at = text.find(path_); at != std::string::npos; at = text.find(path_)) {
      text.replace(at, path_.string().size(), "DIR");
    }
    return text;
  }

 private:
  std::filesystem::path path_;
};

}  // namespace

TEST_CASE("files that are no source text") {
  const Directory directory;
  CHECK(directory.error_of("none.graph") ==
        "error: cannot read 'DIR/none.graph': No such file or directory\n");
  CHECK(directory.error_of("") == "error: cannot read 'DIR/': Is a directory\n");
  directory.write("empty.graph", "");
  CHECK(directory.error_of("empty.graph") == "DIR/empty.graph:1:1: error: the file is empty\n");
  directory.write("blank.graph", " \n\t\n");
  CHECK(directory.error_of("blank.graph") == "DIR/blank.graph:1:1: error: the file is empty\n \n^\n");
  directory.write("binary.graph", std::string_view("\x7f"
                                                   "ELF\0\1",
                                                   6));
  CHECK(directory.error_of("binary.graph") ==
        "DIR/binary.graph:1:1: error: this is not a text file: it holds the byte 0x7f\n?ELF??\n^\n");
  directory.write("wild.graph", "model\xff \xc3\xa4\tb\xe2\x82");
  CHECK(directory.error_of("wild.graph") ==
        "DIR/wild.graph:1:6: error: this is not a text file: it holds the byte 0xff\nmodel? \xc3\xa4 b??\n   "
        "  ^\n");
  directory.write("zero.graph", std::string_view("model\n a\0b", 10));
  CHECK(directory.error_of("zero.graph") ==
        "DIR/zero.graph:2:3: error: this is not a text file: it holds the byte 0x00\n a?b\n  ^\n");
  for (const char* bad :
       {"\x80", "\xc0\xaf", "\xe0\x80\xaf", "\xed\xa0\x80", "\xf4\x90\x80\x80", "\xc3", "\xff"}) {
    directory.write("bad.graph", std::string("# ") + bad);
    CHECK(directory.error_of("bad.graph")
              .find("bad.graph:1:3: error: this is not a text file: it holds the byte") != std::string::npos);
  }
  directory.write("good.graph", "# \xc3\xa9 \xe2\x82\xac \xf0\x9f\x8e\x84\n" + spec("\n  predict x"));
  CHECK(directory.error_of("good.graph") == "no error");
}

TEST_CASE("a byte-order mark and Windows' line ends do not count") {
  const Directory directory;
  directory.write("mark.graph", "\xef\xbb\xbfmodl x {}\r\n");
  CHECK(directory.error_of("mark.graph") ==
        "DIR/mark.graph:1:1: error: expected include, const, block or model, found 'modl'; did you mean "
        "'model'?\n"
        "modl x {}\n"
        "^\n");
  directory.write("mark_only.graph", "\xef\xbb\xbf");
  CHECK(directory.error_of("mark_only.graph") == "DIR/mark_only.graph:1:1: error: the file is empty\n");
}

TEST_CASE("a source file is at most 16 MiB") {
  const Directory directory;
  directory.write("large.graph", std::string(kMaxSourceBytes + 1, '#'));
  CHECK(directory.error_of("large.graph") ==
        "error: cannot read 'DIR/large.graph': it is larger than 16 MiB\n");
  directory.write("fits.graph", std::string(kMaxSourceBytes, '#'));
  CHECK(read_source(directory.path("fits.graph"))->text.size() == kMaxSourceBytes);
}

TEST_CASE("includes are found beside the file that includes them, and read once") {
  const Directory directory;
  directory.write("main.graph", "include \"parts/a.graph\"\ninclude \"parts/b.graph\"\n" +
                                    spec("\n  y = a(x)\n  predict y"));
  directory.write("parts/a.graph", "include \"b.graph\"\nblock a(x) {\n  return b(x)\n}\n");
  directory.write("parts/b.graph", "block b(x) {\n  return relu(x)\n}\n");
  CHECK(directory.error_of("main.graph") == "no error");
  const Module module = parse(read_source(directory.path("main.graph")));
  CHECK(module.entries.at(0).nodes.back().location.str() == directory.path("parts/b.graph") + ":2:10");
}

TEST_CASE("includes that cannot be") {
  const Directory directory;
  directory.write("cycle.graph", "include \"a.graph\"\n");
  directory.write("a.graph", "include \"./b.graph\"\n");
  directory.write("b.graph", "include \"a.graph\"\n");
  CHECK(directory.error_of("cycle.graph") ==
        "DIR/./b.graph:1:9: error: 'a.graph' includes itself\ninclude \"a.graph\"\n        ^\n");
  directory.write("missing.graph", "include \"none.graph\"\n");
  CHECK(directory.error_of("missing.graph") ==
        "DIR/missing.graph:1:9: error: cannot read 'DIR/none.graph': No such file or directory\n"
        "include \"none.graph\"\n        ^\n");
  directory.write("model.graph", "include \"other.graph\"\n");
  directory.write("other.graph", "model other {\n}\n");
  CHECK(directory.error_of("model.graph") ==
        "DIR/other.graph:1:7: error: an included file cannot define a model\nmodel other {\n      ^\n");
  directory.write("twice.graph", "include \"block.graph\"\nconst a = 3\n");
  directory.write("block.graph", "block a(x) {\n  return x\n}\n");
  CHECK(directory.error_of("twice.graph") ==
        "DIR/twice.graph:2:7: error: a is already defined\nconst a = 3\n      ^\n"
        "DIR/block.graph:1:7: note: first defined here\nblock a(x) {\n      ^\n");
}

TEST_CASE("no more than 64 files are read") {
  const Directory directory;
  for (int i = 0; i < 70; ++i) {
    directory.write("f" + std::to_string(i) + ".graph", "include \"f" + std::to_string(i + 1) + ".graph\"\n");
  }
  CHECK(directory.error_of("f0.graph") ==
        "DIR/f63.graph:1:9: error: more than 64 files are included\ninclude \"f64.graph\"\n        ^\n");
}

}  // namespace rnc
