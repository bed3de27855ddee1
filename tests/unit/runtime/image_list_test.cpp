#include "runtime/data/readers/image_list.h"

#include <doctest/doctest.h>

#include "runtime/data/decode/decode.h"
#include "runtime/data/readers/csv.h"
#include "tests/unit/runtime/samples.h"
#include "tests/unit/runtime/support.h"

namespace rnrun {

namespace {

const std::string kListed = RNC_SOURCE_DIR "/tests/images/";
const ImageShape kListedShape{3, 9, 13};

// A directory with images and a list of them.
struct Listed {
  TemporaryDirectory directory;
  DataOptions options{.fields = labelled_images(kListedShape, 3)};
  std::string path = directory / "train.csv";

  explicit Listed(const std::string& text = "") {
    for (const char* name : {"rgb.png", "rgb.jpg", "grey.png"})
      std::filesystem::copy_file(kListed + name, directory / name);
    if (!text.empty()) write_text(path, text);
  }
  std::unique_ptr<const Dataset> open() const { return open_image_list(path, options); }
  std::string error(const std::string& text) const {
    write_text(path, text);
    return error_of([&] { open(); });
  }
  std::vector<int32_t> labels() const {
    std::vector<int32_t> labels;
    const auto data = open();
    for (int64_t i = 0; i < data->size(); ++i) labels.push_back(read_labelled(*data, i).second);
    return labels;
  }
  // The values of field 1 in all rows.
  std::vector<float> numbers() const {
    std::vector<float> values;
    const auto data = open();
    Sample sample;
    for (int64_t i = 0; i < data->size(); ++i) {
      data->read(i, sample);
      CHECK(sample.at(1).shape == options.fields[1].shape);
      const auto* begin = reinterpret_cast<const float*>(sample[1].bytes.data());
      values.insert(values.end(), begin, begin + options.fields[1].elements());
    }
    return values;
  }
};

std::vector<std::vector<std::string>> rows(const std::string& text) {
  CsvReader reader(text, "x");
  std::vector<std::vector<std::string>> all;
  for (std::vector<std::string> row; reader.next(row);) all.push_back(row);
  return all;
}

}  // namespace

TEST_CASE("rows of values separated by commas") {
  using Rows = std::vector<std::vector<std::string>>;
  CHECK(rows("") == Rows{});
  CHECK(rows("\xef\xbb\xbf"
             "a,b\r\n\r\n\"c,\"\"d\"\"\r\n\", e\n") == Rows{{"a", "b"}, {"c,\"d\"\r\n", " e"}});
  CHECK(rows(",\n\"\",x") == Rows{{"", ""}, {"", "x"}});
  CHECK(error_of([] { rows("a\n\"b\nc\"\nd\"e"); }) ==
        "x:4: a quote within a field that does not begin with one: write \"\" in quotes");
  CHECK(error_of([] { rows("a\n\"b"); }) == "x:2: a quoted field does not end");
  CHECK(error_of([] { rows("\"b\"c"); }) == "x:1: text behind a quoted field");
}

TEST_CASE("a list of paths and labels, with and without a header") {
  for (const char* text :
       {"path,label\nrgb.png,2\r\nrgb.jpg,0\n", "rgb.png,2\nrgb.jpg,0", "label,path\n2,rgb.png\n0,rgb.jpg\n",
        "\xef\xbb\xbfimage,\"label\"\n\"rgb.png\", 2\nrgb.jpg,0\n"}) {
    const Listed list(text);
    CHECK(list.labels() == std::vector<int32_t>{2, 0});
    CHECK(read_labelled(*list.open(), 0).first.pixels == read_image(kListed + "rgb.png").pixels);
    CHECK(list.open()->class_names().empty());
    CHECK(list.open()->notes().empty());
  }
  const Listed absolute(kListed + "rgb.png,1");
  CHECK(absolute.labels() == std::vector<int32_t>{1});
}

TEST_CASE("labels are numbers or names") {
  Listed list("rgb.png,yak\nrgb.jpg,ant\ngrey.png,emu\n");
  CHECK(list.labels() == std::vector<int32_t>{2, 0, 1});
  CHECK(list.open()->class_names() == std::vector<std::string>{"ant", "emu", "yak"});
  list.options.class_names = {"yak", "emu", "ant"};
  CHECK(list.labels() == std::vector<int32_t>{0, 2, 1});
  list.options.class_names = {"5", "3", "1"};  // names, too
  write_text(list.path, "rgb.png,3\nrgb.jpg,1\n");
  CHECK(list.labels() == std::vector<int32_t>{1, 2});
  list.options.class_names = {};
  list.options.label_offset = -1;
  CHECK(list.labels() == std::vector<int32_t>{2, 0});
  list.options.label_offset = 0;
  CHECK(error_of([&] { list.open(); }) == list.path +
                                              ": label 3 of image 0 is not below the model's 3 classes; they "
                                              "go from 1 to 3, the model's from 0 to "
                                              "2: --label-offset -1 makes them fit");
  CHECK(list.error("rgb.png,a\nrgb.jpg,b\n") == list.path +
                                                    " has 2 labels of images, the model has 3 classes; "
                                                    "compile it with rnc --set classes=2, or change the "
                                                    "number in its text");
  list.options.class_names = {"a", "b", "c"};
  list.options.names_fixed = true;
  CHECK(list.error("rgb.png,a\nrgb.jpg,x\n") ==
        list.path + ": the label x is not called like any class of the model, which are a, b, c");
}

TEST_CASE("numbers and several labels for fields of f32") {
  Listed list("rgb.png,1.5,-2,1e3\nrgb.jpg,0,1,+1\n");
  list.options.fields[1] = {"target", DType::f32, {3}};
  CHECK(list.numbers() == std::vector<float>{1.5, -2, 1000, 0, 1, 1});
  CHECK(list.error("rgb.png,1.5,-2,nan\n") == list.path + ":1: 'nan' is no number (target)");
  CHECK(list.error("rgb.png,1,2\n") ==
        list.path +
            ": no column for 'target', f32[3], which the model takes: 2 columns are left, of 3 needed");

  const std::vector<std::string> animals = {"cat", "cow", "dog"};
  write_text(list.path, "file,cat,cow,dog\nrgb.png,0,1,1\n");  // a column for each class
  CHECK(list.numbers() == std::vector<float>{0, 1, 1});
  CHECK(list.open()->class_names() == animals);
  write_text(list.path, "split,dog,file,cat,cow\na,1,rgb.png,0,0\n");
  CHECK(error_of([&] { list.open(); }) == list.path +
                                              ": which columns are 'target', f32[3]? 4 are left, 3 are "
                                              "needed: name them target_0, target_1, ..., "
                                              "or have 'classes' in the model that are called like them");
  list.options.class_names = animals;
  CHECK(list.numbers() == std::vector<float>{0, 0, 1});
  CHECK(list.open()->class_names() == animals);
  CHECK(list.open()->notes() ==
        std::vector<std::string>{list.path + ": the model takes nothing from column split"});
  list.options.names_fixed = true;
  write_text(list.path, "file,dog,cow,emu\nrgb.png,0,1,1\n");
  CHECK(error_of([&] { list.open(); }) ==
        list.path +
            ": the columns dog, cow, emu are not called like those of the model, which are cat, cow, dog");
  list.options.names_fixed = false;
  list.options.class_names.clear();
  write_text(list.path, "target_1,file,other,target_2,target_0\n2,rgb.png,9,3,1\n");
  CHECK(list.numbers() == std::vector<float>{1, 2, 3});

  write_text(list.path, "path,tags\nrgb.png,dog;cat\nrgb.jpg,\ngrey.png, cow ; dog\n");
  CHECK(list.numbers() == std::vector<float>{1, 0, 1, 0, 0, 0, 0, 1, 1});
  CHECK(list.open()->class_names() == std::vector<std::string>{"cat", "cow", "dog"});
  write_text(list.path, "path,tags\nrgb.png,0;2\nrgb.jpg,1\n");
  CHECK(list.numbers() == std::vector<float>{1, 0, 1, 0, 1, 0});
  CHECK(list.open()->notes() ==
        std::vector<std::string>{list.path +
                                 ": column tags has labels (as in 'cat;dog' or '0;3'): each is a 1 "
                                 "among the 3 numbers of 'target'"});

  list.options.fields[1] = {"target", DType::f32, {}};
  write_text(list.path, "path,other,target\nrgb.png,0,2\n");
  CHECK(list.numbers() == std::vector<float>{2});
}

TEST_CASE("what is wrong with a list is said with its line") {
  const Listed list;
  CHECK(list.error("\n") == list.path + ": a list without a row");
  CHECK(list.error("path,label\n") == list.path + ": a list without a row below its header");
  CHECK(list.error("a,b\nrgb.png,0\n") == list.path +
                                              ":1: neither an image file (*.jpg, *.jpeg, *.png, *.webp, "
                                              "*.tif, *.tiff, *.gif, *.bmp) nor a header, "
                                              "such as path,label");
  CHECK(list.error("path,label\nrgb.png,0\n\nrgb.jpg\n") == list.path + ":4: 1 fields instead of 2");
  CHECK(list.error("rgb.png,0\nnone.png,1\n") ==
        list.path + ":2: there is no file " + list.directory / "none.png");
  CHECK(list.error("rgb.png,0\nrgb.jpg,\n") == list.path + ":2: '' is no label (label)");
  CHECK(list.error("path,label\n,0\n") == list.path + ":2: no path");
}

}  // namespace rnrun
