#include "runtime/data/files/named_images.h"

#include <doctest/doctest.h>

#include <sstream>

#include "tests/unit/runtime/support.h"

namespace rnrun {

namespace {

std::vector<std::string> found(const std::vector<std::string>& names, const std::string& input = "") {
  std::istringstream stream(input);
  return image_files(names, stream);
}

}  // namespace

TEST_CASE("images of directories, patterns and lists, in a fixed order") {
  const TemporaryDirectory d;
  namespace fs = std::filesystem;
  fs::create_directories(d / "in/b/deep");
  fs::create_directories(d / "in/.hidden");
  for (const char* name : {"in/z.png", "in/b/2.JPG", "in/b/10.jpeg", "in/b/deep/x.png", "in/a.txt",
                           "in/.y.png", "in/.hidden/x.png", "@odd.png", "[1].png"})
    write_text(d / name, "");
  fs::create_directory_symlink(d / "in", d / "in/b/back");
  fs::create_directory_symlink(d / "in/b", d / "linked");
  const std::vector<std::string> all = {d / "in/b/10.jpeg", d / "in/b/2.JPG", d / "in/b/deep/x.png",
                                        d / "in/z.png"};
  CHECK(found({d / "in"}) == all);
  CHECK(found({d / "linked/deep", d / "in/z.png"}) ==
        std::vector<std::string>{d / "linked/deep/x.png", d / "in/z.png"});
  CHECK(found({d / "in/b/[12]*"}) == std::vector<std::string>{d / "in/b/10.jpeg", d / "in/b/2.JPG"});
  CHECK(found({d / "in/b/d*"}) == std::vector<std::string>{d / "in/b/deep/x.png"});
  // A file that there is is no pattern.
  CHECK(found({d / "[1].png"}) == std::vector<std::string>{d / "[1].png"});
  CHECK(found({"none.png"}) == std::vector<std::string>{"none.png"});

  write_text(d / "list", d / "in/z.png" + "\r\n\n" + d / "in/b/deep" + "\n*.png");
  const std::vector<std::string> listed = {d / "in/z.png", d / "in/b/deep/x.png", "*.png"};
  CHECK(found({"@" + d / "list"}) == listed);
  CHECK(found({"-"}, "one\ntwo\n") == std::vector<std::string>{"one", "two"});

  CHECK(error_of([&] { found({d / "in/.hidden/*.jpg"}); }) ==
        "there is no file " + d / "in/.hidden/*.jpg" + ", and none that the pattern matches");
  CHECK(error_of([&] { found({"-"}, "\n"); }) == "standard input names no images");
  CHECK(error_of([&] { found({"@" + d / "none"}); }).starts_with("cannot read " + d / "none"));
  fs::create_directory(d / "empty");
  CHECK(error_of([&] { found({d / "empty"}); }).starts_with(d / "empty" + " has no images"));
}

}  // namespace rnrun
