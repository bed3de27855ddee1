#include "runtime/task/images/images.h"

#include <fmt/format.h>

#include <array>
#include <cmath>

#include "runtime/task/images/image_findings.h"
#include "runtime/task/images/pair.h"
#include "runtime/task/images/similarity.h"

namespace rnrun {

namespace {

constexpr std::array<Metric, 2> kMetrics = {
    {{"psnr", "PSNR", "Peak signal-to-noise ratio, dB", "psnr", "PSNR", false, true},
     {"ssim", "SSIM", "Structural similarity", "ssim", "SSIM", false, true}}};

class Images : public Head {
 public:
  using Head::Head;

  std::string_view kind() const override { return "images"; }
  std::span<const Metric> metrics() const override { return kMetrics; }
  std::string_view own_loss_name() const override { return "mean squared error"; }

  void count(HeadSums sums, const BoundEntry& entry, const Batch& batch, int64_t index) const override {
    const Pair pair = pair_of(place(), entry, batch, index);
    const auto& shape = place().shape;
    sums.sums[0] += psnr(pair.prediction, pair.target);
    sums.sums[1] += ssim(pair.prediction, pair.target, shape[0], shape[1], shape[2]);
  }

  double own_loss(const BoundEntry& entry, const Batch& batch) const override {
    double sum = 0;
    for (int64_t i = 0; i < batch.size; ++i) {
      const std::span said = prediction(entry, i);
      const std::vector<float> wanted = target_of(place(), batch, i);
      for (size_t k = 0; k < said.size(); ++k) sum += std::pow(static_cast<double>(said[k]) - wanted[k], 2);
    }
    return sum / static_cast<double>(batch.size * place().elements());
  }

  std::unique_ptr<Findings> findings(size_t examples) const override {
    return std::make_unique<ImageFindings>(place(), examples);
  }

  // The numbers themselves are too many to be said.
  Answer answer(const BoundEntry& entry, int64_t index, const AnswerOptions&) const override {
    double sum = 0;
    for (const float v : prediction(entry, index)) sum += v;
    const double mean = sum / static_cast<double>(place().elements());
    return {fmt::format("  an image with a mean of {:.4f}; rnrun call writes it\n", mean), {{"mean", mean}}};
  }
};

}  // namespace

std::unique_ptr<const Head> make_images(HeadPlace place) {
  return std::make_unique<Images>(std::move(place));
}

}  // namespace rnrun
