#include "runtime/data/files/disk_cache.h"

#include <doctest/doctest.h>

#include <atomic>
#include <thread>

#include "runtime/data/open_data.h"
#include "tests/unit/runtime/samples.h"
#include "tests/unit/runtime/support.h"

namespace rnrun {

namespace {

// Of another size for each place; none at place 3.
Image made(int64_t place) {
  if (place == 3) throw BadImage("no image");
  const ImageShape shape{1, place % 5 + 1, 7};
  return {shape, std::vector<uint8_t>(static_cast<size_t>(shape.bytes()), static_cast<uint8_t>(place))};
}

std::vector<std::string> files_in(const std::string& directory) {
  std::vector<std::string> paths;
  for (const auto& entry : std::filesystem::directory_iterator(directory))
    paths.push_back(entry.path().string());
  return paths;
}

}  // namespace

TEST_CASE("a cache on disk has what was decoded, once") {
  const TemporaryDirectory directory;
  constexpr int64_t kCount = 50;
  std::atomic<int> decoded = 0;
  const auto decode = [&](int64_t place) {
    ++decoded;
    return made(place);
  };
  const auto check = [&](const ImageCache& cache) {
    for (int64_t i = 0; i < kCount; ++i) {
      if (i == 3) continue;
      const Image image = cache.read(i), wanted = made(i);
      CHECK(image.shape == wanted.shape);
      CHECK(image.pixels == wanted.pixels);
      cache.check(i);
    }
    CHECK(error_of([&] { cache.read(3); }) == "no image");
    CHECK(error_of([&] { cache.check(3); }) == "no image");
  };
  check(*disk_cache(decode, 1, kCount, directory / "c"));
  CHECK(decoded == kCount + 2);
  check(*disk_cache(decode, 1, kCount, directory / "c"));
  CHECK(decoded == kCount + 4);  // the bad one alone
  CHECK(files_in(directory / "c").size() == 1);
  disk_cache(decode, 2, kCount, directory / "c");
  CHECK(files_in(directory / "c").size() == 2);
}

TEST_CASE("a damaged cache is made anew, or refused when an image in it is") {
  const TemporaryDirectory directory;
  const auto open = [&] { return disk_cache(made, 1, 20, directory.path()); };
  open();
  const std::string path = files_in(directory.path()).at(0);
  const std::string good = read_text(path);
  for (const size_t size : {size_t{0}, size_t{20}, good.size() / 2, good.size() - 1}) {
    write_text(path, good.substr(0, size));
    CHECK(open()->read(7).pixels == made(7).pixels);
    CHECK(read_text(path).size() == good.size());
  }
  for (const size_t at : {size_t{0}, size_t{9}, size_t{17}, size_t{25}, size_t{33}, good.size() - 5}) {
    std::string bad = good;
    bad[at] ^= 1;
    write_text(path, bad);
    CHECK(open()->read(7).pixels == made(7).pixels);
  }
  std::string bad = read_text(path);
  for (size_t i = 40; i < 300; ++i) bad[i] ^= 1;  // pixels
  write_text(path, bad);
  const auto cache = open();
  std::string error;
  for (int64_t i = 0; i < 20; ++i)
    if (i != 3) error += error_of([&] { cache->read(i); });
  CHECK(error.find(path + " is damaged: remove it, and it will be made anew") != std::string::npos);
  CHECK(error_of([&] { disk_cache(made, 1, 20, path); }).starts_with("cannot make the directory " + path));
}

TEST_CASE("several who want the same cache get it") {
  const TemporaryDirectory directory;
  write_text(directory / "images-0000000000000001.cache.partial", "left by one that was killed");
  std::vector<std::jthread> threads;
  std::atomic<int> good = 0;
  for (int i = 0; i < 6; ++i)
    threads.emplace_back(
        [&] { good += disk_cache(made, 1, 40, directory.path())->read(30).pixels == made(30).pixels; });
  threads.clear();
  CHECK(good == 6);
  CHECK(files_in(directory.path()).size() == 1);
}

TEST_CASE("the key changes with the files and with how they are decoded") {
  const TemporaryDirectory directory;
  write_text(directory / "a", "1");
  write_text(directory / "b", "1");
  const auto key = [&](const std::string& decoding, const std::string& last) {
    return images_key(decoding, 2, [&](int64_t place) { return directory / (place == 0 ? "a" : last); });
  };
  const uint64_t first = key("x", "b");
  CHECK(key("x", "b") == first);
  CHECK(key("y", "b") != first);
  CHECK(key("x", "a") != first);
  CHECK(key("x", "none") != first);
  std::filesystem::last_write_time(directory / "b",
                                   std::filesystem::file_time_type::clock::now() + std::chrono::hours(1));
  const uint64_t later = key("x", "b");
  CHECK(later != first);
  write_text(directory / "b", "12");
  CHECK(key("x", "b") != later);
}

TEST_CASE("images are the same with and without a cache") {
  const TemporaryDirectory directory;
  const std::string images = RNC_SOURCE_DIR "/tests/images/";
  for (const char* name : {"a/rgb.png", "a/held6.jpg", "b/grey.jpg", "b/large.png"}) {
    std::filesystem::create_directories(std::filesystem::path(directory / name).parent_path());
    std::filesystem::copy_file(images + (name + 2), directory / name);
  }
  for (const bool keep_size : {false, true}) {
    DataOptions options{
        .fields = labelled_images({3, 9, 13}, 2), .keep_size = keep_size, .exif_transpose = keep_size};
    options.cache_images = CacheImages::no;
    const auto plain = open_split("folder:" + directory.path(), Split::train, options);
    for (const CacheImages where : {CacheImages::ram, CacheImages::disk}) {
      options.cache_images = where;
      options.cache_directory = directory / ".cache";
      const auto cached = open_split("folder:" + directory.path(), Split::train, options);
      for (const int64_t i : {0, 1, 2, 3, 1}) {
        CHECK(read_labelled(*cached, i).first.pixels == read_labelled(*plain, i).first.pixels);
        CHECK(read_labelled(*cached, i).second == read_labelled(*plain, i).second);
      }
    }
    std::filesystem::remove_all(directory / ".cache");
  }
}

}  // namespace rnrun
