#include "runtime/task/heads.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "runtime/support/error.h"
#include "runtime/task/classification/classification.h"
#include "runtime/task/images/images.h"
#include "runtime/task/multi_label/multi_label.h"
#include "runtime/task/regression/regression.h"
#include "runtime/task/segmentation/segmentation.h"
#include "runtime/task/similarity/similarity.h"

namespace rnrun {

namespace {

using Shape = std::vector<int64_t>;

struct Kind {
  std::string_view name;
  std::string_view compares;  // types of prediction and target, for messages
  bool (*fits)(const Shape& prediction, const Field& target);
  std::unique_ptr<const Head> (*make)(HeadPlace place);
  bool automatic = true;  // found by its types; else a recipe has to ask for it
};

// In the order in which they are tried.
constexpr std::array<Kind, 6> kKinds = {{
    {"classification", "f32[N, classes] with i32[N]",
     [](const Shape& p, const Field& t) { return p.size() == 1 && t.dtype == DType::i32 && t.shape.empty(); },
     make_classification},
    {"segmentation", "f32[N, classes, H, W] with i32[N, H, W]",
     [](const Shape& p, const Field& t) {
       return p.size() == 3 && t.dtype == DType::i32 &&
              std::equal(p.begin() + 1, p.end(), t.shape.begin(), t.shape.end());
     },
     make_segmentation},
    {"images", "f32[N, C, H, W] with f32 or u8[N, C, H, W]",
     [](const Shape& p, const Field& t) { return p.size() == 3 && t.dtype != DType::i32 && p == t.shape; },
     make_images},
    {"multi_label", "f32[N, labels] with f32[N, labels]",
     [](const Shape& p, const Field& t) { return p.size() == 1 && t.dtype == DType::f32 && p == t.shape; },
     make_multi_label, false},
    {kSimilarity, "f32[N, D] with the class of each sample, i32[N]",
     [](const Shape& p, const Field& t) { return p.size() == 1 && t.dtype == DType::i32 && t.shape.empty(); },
     make_similarity, false},
    {"regression", "f32[N, ...] with f32[N, ...]",
     [](const Shape& p, const Field& t) {
       const bool one = p == Shape{1} && t.shape.empty();
       return t.dtype == DType::f32 && (one || p == t.shape);
     },
     make_regression},
}};

}  // namespace

std::unique_ptr<const Head> make_head(std::string_view kind, HeadPlace place) {
  const auto fits = [&](const Kind& k) { return k.fits(place.shape, place.target); };
  const auto* found = std::ranges::find_if(kKinds, [&](const Kind& k) { return k.name == kind && fits(k); });
  if (found == kKinds.end())
    found = std::ranges::find_if(kKinds, [&](const Kind& k) { return k.automatic && fits(k); });
  return found == kKinds.end() ? nullptr : found->make(std::move(place));
}

std::string_view compared_by(std::string_view kind) {
  const auto* const found = std::ranges::find(kKinds, kind, &Kind::name);
  return found == kKinds.end() ? std::string_view() : found->compares;
}

Field likely_target(std::string_view kind, const std::vector<int64_t>& prediction) {
  Field target{.name = "target", .dtype = DType::f32, .shape = prediction, .is_target = true};
  const bool classes = prediction.size() == 1 && (kind == "auto" || kind == "classification");
  const bool maps = prediction.size() == 3 && (kind == "auto" || kind == "segmentation");
  if (kind == kSimilarity) return {.name = "label", .dtype = DType::i32, .is_target = true};
  if (!classes && !maps) return target;
  target.name = "label";
  target.dtype = DType::i32;
  target.shape.erase(target.shape.begin());
  target.classes = prediction[0];
  return target;
}

}  // namespace rnrun
