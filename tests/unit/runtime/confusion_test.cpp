#include "runtime/task/classification/confusion.h"

#include <doctest/doctest.h>

namespace rnrun {

TEST_CASE("accuracy per class and the confusion matrix, as text and JSON") {
  Predictions p(3, {1, 1, 1}, 0);
  const std::vector<float> scores = {5, 0, 0, /**/ 0, 2, 0, /**/ 0, 3, 0, /**/ 9, 0, 0};
  const std::vector<int32_t> labels = {0, 0, 1, 0};
  const std::vector<uint8_t> pixels(4);
  p.add(std::vector<uint32_t>{0, 1, 2, 3}, scores.data(), labels.data(), pixels.data());
  CHECK(confusion_text(p, {"cat", "airplane", "dog"}) ==
        "\n"
        "      class     images  accuracy    taken for\n"
        "                                  0  1  2\n"
        "   0  cat            3   66.67 %  2  1  0\n"
        "   1  airplane       1  100.00 %  0  1  0\n"
        "   2  dog            0         -  0  0  0\n");
  CHECK(confusion_json(p, {"cat", "airplane", "dog"}).dump() ==
        R"({"classes":[{"class":"cat","images":3,"accuracy":0.6666666666666666},)"
        R"({"class":"airplane","images":1,"accuracy":1.0},{"class":"dog","images":0,"accuracy":null}],)"
        R"("confusion":[[2,1,0],[0,1,0],[0,0,0]]})");
  CHECK(p.macro_f1() == doctest::Approx((4.0 / 5 + 2.0 / 3) / 2));  // no image is a dog, nor said to be one
  CHECK(p.calibration().expected_error() == doctest::Approx(0.22277162782746893));  // NumPy's
  const auto bins = p.calibration().json()["bins"];
  CHECK(bins.size() == 15);
  CHECK(bins[14]["samples"] == 2);
  CHECK(bins[14]["accuracy"] == 1);
  CHECK(bins[13]["accuracy"] == 1);
  CHECK(bins[11]["accuracy"] == 0);
  CHECK(bins[0]["accuracy"].is_null());
}

}  // namespace rnrun
