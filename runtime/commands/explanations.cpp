#include "runtime/commands/explanations.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "runtime/data/decode/encode_png.h"
#include "runtime/report/contact_sheet.h"
#include "runtime/report/heat_colours.h"
#include "runtime/report/page.h"
#include "runtime/support/error.h"
#include "runtime/support/file.h"
#include "runtime/support/npz.h"

namespace rnrun {

using nlohmann::ordered_json;

namespace {

constexpr double kOpacity = 0.5;  // of the colours on pictures in a file

float most(const HeatMap& map) { return *std::ranges::max_element(map.values); }
Image heat_of(const HeatMap& map) { return heat_picture(map.values, map.height, map.width, most(map)); }

// The picture beside the picture with its map over it, row by row.
class Sheet : public Explanations {
 public:
  explicit Sheet(std::string path) : path_(std::move(path)) {}
  void add(Explanation e) override {
    const Image heat = heat_of(e.map);
    pictures_.push_back(with_heat(e.picture, heat, 0));
    pictures_.push_back(with_heat(e.picture, heat, kOpacity));
  }
  void write() override {
    constexpr size_t kPairs = 4;  // in a row
    const Image sheet = contact_sheet(pictures_, 2 * std::min(kPairs, pictures_.size() / 2));
    replace_file(path_, png_file(sheet.shape, sheet.pixels));
  }

 private:
  std::string path_;
  std::vector<Image> pictures_;
};

class Page : public Explanations {
 public:
  Page(std::string path, ExplanationsTitle title)
      : path_(std::move(path)),
        page_{{"model", title.model}, {"layer", title.layer}, {"images", ordered_json::array()}} {}
  void add(Explanation e) override {
    const Image heat = heat_of(e.map);
    page_["images"].push_back({{"name", e.name},
                               {"image", png_uri(e.picture.shape, e.picture.pixels)},
                               {"map", png_uri(heat.shape, heat.pixels)},
                               {"most", most(e.map)},
                               {"explained", e.place_name},
                               {"answer", e.answer.json},
                               {"text", e.answer.text}});
  }
  void write() override { replace_file(path_, explain_page(page_)); }

 private:
  std::string path_;
  ordered_json page_;
};

class Numbers : public Explanations {
 public:
  explicit Numbers(std::string path) : path_(std::move(path)) {}
  void add(Explanation e) override {
    shape_ = {e.map.height, e.map.width};
    maps_.insert(maps_.end(), e.map.values.begin(), e.map.values.end());
    classes_.push_back(static_cast<int32_t>(e.place));
  }
  void write() override {
    const auto count = static_cast<int64_t>(classes_.size());
    Arrays arrays;
    arrays["map"] = Array::of<float>(DType::f32, {count, shape_[0], shape_[1]}, maps_);
    arrays["class"] = Array::of<int32_t>(DType::i32, {count}, classes_);
    write_npz(path_, arrays);
  }

 private:
  std::string path_;
  std::array<int64_t, 2> shape_{};
  std::vector<float> maps_;
  std::vector<int32_t> classes_;
};

// The kinds of files, by the ends of their names.
struct Kind {
  std::string_view extension;
  size_t most_images;
  std::unique_ptr<Explanations> (*make)(const std::string& path, ExplanationsTitle title);
};
constexpr std::array<Kind, 3> kKinds = {{
    {".html", 1000,
     [](const std::string& path, ExplanationsTitle title) -> std::unique_ptr<Explanations> {
       return std::make_unique<Page>(path, std::move(title));
     }},
    {".png", 100,
     [](const std::string& path, ExplanationsTitle) -> std::unique_ptr<Explanations> {
       return std::make_unique<Sheet>(path);
     }},
    {".npz", 100'000,
     [](const std::string& path, ExplanationsTitle) -> std::unique_ptr<Explanations> {
       return std::make_unique<Numbers>(path);
     }},
}};

const Kind& kind_of(const std::string& path) {
  const auto found =
      std::ranges::find_if(kKinds, [&](const Kind& kind) { return path.ends_with(kind.extension); });
  if (found != kKinds.end()) return *found;
  throw UsageError(
      fmt::format("--output {}: must end in .html, .png or .npz, which says what is written", path));
}

}  // namespace

void check_explanations_name(const std::string& path) { kind_of(path); }

std::unique_ptr<Explanations> explanations_file(const std::string& path, ExplanationsTitle title,
                                                size_t images) {
  const Kind& kind = kind_of(path);
  if (images > kind.most_images)
    throw UsageError(fmt::format("--output {}: a {} file takes {} images at most, and there are {}", path,
                                 kind.extension, kind.most_images, images));
  return kind.make(path, std::move(title));
}

}  // namespace rnrun
