#include "runtime/data/subset.h"

#include "runtime/data/files/image_cache.h"
#include "runtime/support/error.h"

namespace rnrun {

std::vector<int32_t> Subset::own(const std::vector<int32_t>& all) const {
  std::vector<int32_t> own;
  for (const uint32_t index : indices_)
    if (!all.empty()) own.push_back(all[index]);
  return own;
}

std::unique_ptr<const Dataset> leave_out_damaged(std::unique_ptr<const Dataset> data) {
  std::vector<std::string> faults(static_cast<size_t>(data->size()));
  for_all_images(data->size(), "decoding images", [&](int64_t index) {
    try {
      data->check(index);
    } catch (const BadImage& error) {
      faults[static_cast<size_t>(index)] = error.what();
    }
  });
  std::vector<uint32_t> good;
  std::vector<std::string> left_out;
  for (size_t i = 0; i < faults.size(); ++i)
    if (faults[i].empty())
      good.push_back(static_cast<uint32_t>(i));
    else
      left_out.push_back(std::move(faults[i]));
  if (good.empty()) throw Error("no image can be decoded; " + left_out[0]);
  return std::make_unique<Subset>(std::move(data), std::move(good), std::move(left_out));
}

}  // namespace rnrun
