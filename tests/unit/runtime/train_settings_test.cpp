#include "runtime/train/train_settings.h"

#include <doctest/doctest.h>

#include <algorithm>

namespace rnrun {

namespace {

const Setting& setting(std::string_view name) {
  const auto found = std::ranges::find(train_settings(), name, &Setting::name);
  REQUIRE(found != train_settings().end());
  return *found;
}

}  // namespace

TEST_CASE("every setting's text is read as the same value, and nonsense is refused") {
  const TrainSettings defaults;
  for (const Setting& s : train_settings()) {
    CAPTURE(s.name);
    TrainSettings copy;
    const std::string text = text_of(defaults, s);
    if (s.name != "lr") CHECK(set(copy, s, text));  // lr has no default
    CHECK(text_of(copy, s) == text);
    if (s.smallest >= 0) CHECK(!set(copy, s, "-1"));
    for (const char* nonsense : {"-1e10", "nan", "1e99", "x", "1x", "[1", "1;2", "0x10"})
      CHECK(!set(copy, s, nonsense));
    const bool is_list = s.kind == contract::SettingKind::integers || s.kind == contract::SettingKind::reals;
    CHECK(set(copy, s, "") == is_list);
    CHECK(text_of(copy, s) == text);
    CHECK(!s.help.empty());
  }
}

TEST_CASE("every row of the table is kept, but for what an input of the model holds, or the model itself") {
  for (const contract::Setting& row : contract::settings()) {
    CAPTURE(row.name);
    const auto found = std::ranges::find(train_settings(), row.name, &Setting::name);
    CHECK((found != train_settings().end()) == (row.name != "label_smoothing" && row.name != "task"));
  }
}

TEST_CASE("values of each kind") {
  TrainSettings s;
  CHECK(set(s, setting("lr"), "0.05"));
  CHECK(s.lr == 0.05);
  CHECK(set(s, setting("epochs"), "3"));
  CHECK(!set(s, setting("epochs"), "0"));
  CHECK(!set(s, setting("epochs"), "1000001"));
  CHECK(!set(s, setting("epochs"), "2.5"));
  CHECK(s.epochs == 3);
  CHECK(set(s, setting("seed"), "18446744073709551615"));
  CHECK(s.seed == UINT64_MAX);
  CHECK(set(s, setting("model_ema"), "true"));
  CHECK(s.model_ema);
  CHECK(set(s, setting("lr_scheduler"), "cosineannealinglr"));
  CHECK(s.lr_scheduler == "cosine");
  CHECK(!set(s, setting("lr_scheduler"), "sine"));
  for (const char* list : {"30,60", "[30, 60]", "30 60"}) {
    s.lr_milestones.clear();
    CHECK(set(s, setting("lr_milestones"), list));
    CHECK(s.lr_milestones == std::vector<int64_t>{30, 60});
  }
  CHECK(text_of(s, setting("lr_milestones")) == "30,60");
  CHECK(set(s, setting("lr_milestones"), "60,30,60"));  // as MultiStepLR, which counts them
  CHECK(s.lr_milestones == std::vector<int64_t>{60, 30, 60});
  CHECK(set(s, setting("lr_milestones"), ""));
  CHECK(s.lr_milestones.empty());
}

TEST_CASE("lists with a range for each element") {
  TrainSettings s;
  CHECK(set(s, setting("color_jitter"), "[0.4, 2, 0, 0.5]"));
  CHECK(s.color_jitter == std::vector<double>{0.4, 2, 0, 0.5});
  for (const char* wrong :
       {"0.4,0.4,0.4,0.6", "0.4,0.4,0.4", "0.4,0.4,0.4,0.1,0", "0.4,-1,0.4,0.1", "nan,0,0,0", "a"})
    CHECK(!set(s, setting("color_jitter"), wrong));
  CHECK(text_of(s, setting("color_jitter")) == "0.4,2,0,0.5");
  CHECK(allowed(setting("color_jitter")) ==
        "4 numbers: from 0 to 100, from 0 to 100, from 0 to 100, from 0 to 0.5");
  CHECK(set(s, setting("randaugment"), "2,30"));
  CHECK(!set(s, setting("randaugment"), "2,31"));
  CHECK(!set(s, setting("randaugment"), "2"));
  CHECK(!set(s, setting("randaugment"), "2,9.5"));
  CHECK(set(s, setting("randaugment"), ""));
  CHECK(s.randaugment.empty());
  CHECK(!set(s, setting("gaussian_blur"), "4"));
  CHECK(set(s, setting("gaussian_blur"), "5"));
  CHECK(allowed(setting("gaussian_blur")) == "an odd integer from 1 to 255");
}

TEST_CASE("flags, and what they allow in words") {
  CHECK(flag_of("lr_step_size") == "--lr-step-size");
  CHECK(allowed(setting("epochs")) == "an integer from 1 to 1000000");
  CHECK(allowed(setting("lr_gamma")) == "a number from 0 to 1");
  CHECK(allowed(setting("model_ema")) == "true or false");
  CHECK(allowed(setting("lr_milestones")) == "integers from 1 to 1000000");
  CHECK(allowed(setting("lr_interval")) == "one of epoch, step");
  CHECK(allowed(setting("seed")) == "an integer from 0 to 1.84e+19");
}

}  // namespace rnrun
