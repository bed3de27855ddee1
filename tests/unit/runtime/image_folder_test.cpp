#include "runtime/data/readers/image_folder.h"

#include <doctest/doctest.h>

#include "runtime/data/decode/decode.h"
#include "runtime/data/subset.h"
#include "tests/unit/runtime/samples.h"
#include "tests/unit/runtime/support.h"

namespace rnrun {

namespace {

const std::string kImages = RNC_SOURCE_DIR "/tests/images/";

void copy(const std::string& image, const std::string& to) {
  std::filesystem::create_directories(std::filesystem::path(to).parent_path());
  std::filesystem::copy_file(kImages + image, to);
}

// Two classes, three images; and things that are no images.
void write_folders(const TemporaryDirectory& directory) {
  copy("rgb.png", directory / "dog/b.png");
  copy("rgb.jpg", directory / "dog/a.JPG");
  copy("grey.jpg", directory / "cat/c.jpeg");
  copy("rgb.jpg", directory / "cat/.hidden.jpg");
  copy("rgb.jpg", directory / ".cache/x.jpg");
  write_text(directory / "cat/notes.txt", "no image");
  write_text(directory / "README.jpg", "no folder");
}

const ImageShape kShape{3, 9, 13};
const DataOptions kOptions{.fields = labelled_images(kShape, 2)};

Image read(const Dataset& data, int64_t index, int32_t label) {
  const auto [image, found] = read_labelled(data, index);
  CHECK(found == label);
  return image;
}

}  // namespace

TEST_CASE("classes and files count in the order of their names") {
  const TemporaryDirectory directory;
  write_folders(directory);
  const auto data = open_image_folder(directory.path(), kOptions);
  CHECK(data->size() == 3);
  CHECK(data->description() == "images in 2 folders");
  CHECK(str(read(*data, 0, 0).shape) == "3x9x13");  // cat/c.jpeg, grey and larger
  CHECK(read(*data, 2, 1).pixels == read_image(kImages + "rgb.png").pixels);
  Image fitted = read_image(kImages + "rgb.jpg");
  fit(fitted, kShape, "");
  CHECK(read(*data, 1, 1).pixels == fitted.pixels);
}

TEST_CASE("images may keep their size; channels are the file's then") {
  const TemporaryDirectory directory;
  write_folders(directory);
  DataOptions options = kOptions;
  options.keep_size = true;
  const auto data = open_image_folder(directory.path(), options);
  CHECK(str(read(*data, 0, 0).shape) == "1x21x19");
  CHECK(str(read(*data, 1, 1).shape) == "3x21x19");
}

TEST_CASE("what is in the cache is not read again, what does not fit is") {
  for (const int64_t cache_bytes : {int64_t{0}, int64_t{600}, int64_t{1} << 20}) {
    const TemporaryDirectory directory;
    write_folders(directory);
    DataOptions options = kOptions;
    options.cache_bytes = cache_bytes;
    const auto data = open_image_folder(directory.path(), options);
    const Image first = read(*data, 1, 1);
    const Image other = read(*data, 2, 1);
    CHECK(read(*data, 1, 1).pixels == first.pixels);
    std::filesystem::remove(directory / "dog/a.JPG");
    std::filesystem::remove(directory / "dog/b.png");
    Image again;
    const auto error = [&](int64_t index) {
      return error_of([&] { again = read_labelled(*data, index).first; });
    };
    CHECK(error(1).empty() == (cache_bytes > 0));
    if (cache_bytes > 0) CHECK(again.pixels == first.pixels);
    CHECK(error(2).empty() == (cache_bytes > 600));  // one image of 3x9x13 fits into 600 bytes, two do not
  }
}

TEST_CASE("labels go by the model's class names where they are known") {
  const TemporaryDirectory directory;
  write_folders(directory);
  DataOptions options = kOptions;
  options.fields[1].classes = 3;
  const auto message = [&] { return error_of([&] { open_image_folder(directory.path(), options); }); };

  options.class_names = {"dog", "bird", "cat"};
  const auto data = open_image_folder(directory.path(), options);
  read(*data, 0, 2);
  read(*data, 1, 0);
  CHECK(data->class_names() == options.class_names);

  options.class_names = {"cow", "bird", "cat"};
  CHECK(message() ==
        directory.path() +
            ": the folder dog is not called like any class of the model, which are cow, bird, cat");
  for (const std::vector<std::string>& names : {std::vector<std::string>{}, {"a", "b", "c"}}) {
    options.class_names = names;
    CHECK(message() == directory.path() +
                           " has 2 folders of images, the model has 3 classes; compile it with rnc --set "
                           "classes=2, or change the "
                           "number in its text");
  }
}

TEST_CASE("folders called otherwise name the classes, unless the names are fixed") {
  const TemporaryDirectory directory;
  write_folders(directory);
  DataOptions options = kOptions;
  for (const std::vector<std::string>& names : {std::vector<std::string>{}, {"b", "a"}}) {
    options.class_names = names;
    const auto data = open_image_folder(directory.path(), options);
    CHECK(data->class_names() == std::vector<std::string>{"cat", "dog"});
    read(*data, 0, 0);
    read(*data, 1, 1);
  }
  const auto message = [&] { return error_of([&] { open_image_folder(directory.path(), options); }); };
  options.named_by = "the checkpoint";
  options.names_fixed = true;
  CHECK(message() ==
        directory.path() +
            ": the folders cat, dog are not called like any class of the checkpoint, which are b, a");

  options.names_fixed = false;
  std::filesystem::rename(directory / "dog", directory / "d\xf6g");
  CHECK(message() == directory.path() + "/d\xf6g: the name of a class must be UTF-8");
}

TEST_CASE("folders are searched to the bottom, and what is no image is counted") {
  const TemporaryDirectory directory;
  write_folders(directory);
  copy("rgb.png", directory / "dog/more/a.png");
  write_text(directory / "dog/more/b.pdf", "");
  const auto data = open_image_folder(directory.path(), kOptions);
  CHECK(data->size() == 4);
  read(*data, 3, 1);
  CHECK(data->notes() ==
        std::vector<std::string>{directory.path() +
                                 ": 3 files in 3 folders are no images rnrun reads (<class>/*.jpg, *.jpeg, "
                                 "*.png, *.webp, *.tif, *.tiff, *.gif, "
                                 "*.bmp): README.jpg, cat/notes.txt, dog/more/b.pdf"});
}

TEST_CASE("it is said how many images were held in another way, and where there are none") {
  const TemporaryDirectory directory;
  copy("held6.jpg", directory / "cat/a.jpg");
  copy("held1.jpg", directory / "cat/b.jpg");
  copy("held6.webp", directory / "cat/c.webp");
  copy("turned6.tif", directory / "cat/d.tif");
  std::filesystem::create_directories(directory / "dog");
  DataOptions options = kOptions;
  const std::string none = directory.path() + ": there are no images in dog";
  CHECK(open_image_folder(directory.path(), options)->notes() ==
        std::vector<std::string>{
            none,
            "2 of the 4 images are turned or mirrored by the camera's EXIF orientation, which is "
            "not applied (as in torchvision): --exif-transpose applies it"});
  options.exif_transpose = true;
  CHECK(open_image_folder(directory.path(), options)->notes() == std::vector<std::string>{none});
}

TEST_CASE("a folder without images is an error") {
  const TemporaryDirectory directory;
  CHECK(error_of([&] { open_image_folder(directory / "none", kOptions); }) ==
        "cannot read the directory " + directory / "none" + ": No such file or directory");
  std::filesystem::create_directories(directory / "cat");
  std::filesystem::create_directories(directory / "dog");
  CHECK(error_of([&] { open_image_folder(directory.path(), kOptions); }) ==
        directory.path() +
            " has no images: no <class>/*.jpg, *.jpeg, *.png, *.webp, *.tif, *.tiff, *.gif, *.bmp");
}

TEST_CASE("a damaged image is named, or left out when that is asked for") {
  const TemporaryDirectory directory;
  write_folders(directory);
  const std::string jpeg = read_text(kImages + "rgb.jpg");
  write_text(directory / "dog/a.JPG", jpeg.substr(0, jpeg.size() / 2));
  const std::string fault = directory / "dog/a.JPG" + ": damaged JPEG image: Premature end of JPEG file";
  Sample sample;
  CHECK(error_of([&] { open_image_folder(directory.path(), kOptions)->read(1, sample); }) == fault);

  const auto data = leave_out_damaged(open_image_folder(directory.path(), kOptions));
  CHECK(data->size() == 2);
  CHECK(data->left_out() == std::vector<std::string>{fault});
  read(*data, 0, 0);
  CHECK(read(*data, 1, 1).pixels == read_image(kImages + "rgb.png").pixels);

  write_text(directory / "dog/b.png", "");
  write_text(directory / "cat/c.jpeg", "");
  CHECK(error_of([&] { leave_out_damaged(open_image_folder(directory.path(), kOptions)); }) ==
        "no image can be decoded; " + directory / "cat/c.jpeg" + ": empty");
}

}  // namespace rnrun
