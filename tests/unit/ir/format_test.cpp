#include "ir/text/format.h"

#include <doctest/doctest.h>

#include <filesystem>

#include "ir/text/text.h"

using namespace rnc;

namespace {

std::string formatted(const std::string& text) {
  return format(std::make_shared<const SourceFile>(SourceFile{"m.graph", text}));
}

}  // namespace

TEST_CASE("format: spaces, indentation, brackets, comments and empty lines") {
  const std::string messy = R"(

# head
include   "blocks.graph" # trailing
const a=3
block  b (x,out ,k=[1,2]){
# in the block



   y=conv2d( x,out,kernel=3,
 pad = 1 )   # why
    if out==3 and not(k[0]>-1){return y}else{
      return  -y*2-1

}
}
model m(image:u8[N,3 , 8,8],label : i32[N]){
  parameter w:f32[3]=normal(std=0.5)
  classes["a","b # no comment"]
  `odd name` = relu(
    b(image,3)
  )
  predict `odd name`
}
)";
  const std::string neat = R"(# head
include "blocks.graph"  # trailing
const a = 3
block b(x, out, k = [1, 2]) {
  # in the block

  y = conv2d(x, out, kernel = 3,
             pad = 1)  # why
  if out == 3 and not (k[0] > -1) { return y } else {
    return -y * 2 - 1
  }
}
model m(image: u8[N, 3, 8, 8], label: i32[N]) {
  parameter w : f32[3] = normal(std = 0.5)
  classes ["a", "b # no comment"]
  `odd name` = relu(
      b(image, 3)
  )
  predict `odd name`
}
)";
  CHECK(formatted(messy) == neat);
  CHECK(formatted(neat) == neat);
}

TEST_CASE("format: the samples, std.graph and dumps of samples are as they are to be") {
  for (const auto& entry : std::filesystem::directory_iterator(RNC_SOURCE_DIR "/samples")) {
    if (entry.path().extension() != ".graph") continue;
    const auto source = read_source(entry.path());
    CAPTURE(source->name);
    CHECK(format(source) == source->text);
  }
  const auto library = read_source(RNC_SOURCE_DIR "/ir/text/std.graph");
  CHECK(format(library) == library->text);
  const std::string dump = print(parse(read_source(RNC_SOURCE_DIR "/samples/cifar_resnet20.graph")));
  CHECK(formatted(dump) == dump);
}

TEST_CASE("format: what cannot be read is refused, and stays") {
  CHECK_THROWS_AS(formatted("model m(x: f32[N, 2]) {\n  y = relu(x\n}\n"), UserError);
  CHECK_THROWS_AS(formatted("block b(x) { return }\n"), UserError);
}
