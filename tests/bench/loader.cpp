// How many images per second are decoded and augmented: bench_loader DIRECTORY WORKERS BATCHES, a folder of classes with
// images of 32x32. Run by tests/bench/loader.py, which compares it with torchvision.
#include "runtime/data/loader.h"

#include <fmt/format.h>

#include <cstdlib>
#include <numeric>

#include "runtime/data/open_data.h"
#include "runtime/model/profile.h"

int main(int argc, char** argv) try {
  using namespace rnrun;
  if (argc != 4) return 2;
  const std::vector<Field> fields = {{"image", DType::u8, {3, 32, 32}}, {"label", DType::i32, {}, 10}};
  const auto data = open_split(argv[1], Split::train, {.fields = fields});
  LoaderPlan plan{.order = permutation(static_cast<uint32_t>(data->size()), 1, 0),
                  .batch_size = 128,
                  .fields = fields,
                  .augmentation = Augmentation{
                      .random_crop = 4, .hflip = 0.5, .randaugment = {2, 9}, .random_erasing = 0.25}};
  plan.order.resize(std::min(plan.order.size(), static_cast<size_t>(128 * std::atoi(argv[3]))));
  const auto start = Clock::now();
  Loader loader(*data, std::move(plan), std::atoi(argv[2]));
  int64_t images = 0;
  for (Batch batch = loader.next(); batch.size > 0; batch = loader.next()) images += batch.size;
  fmt::print("{:.0f}\n", static_cast<double>(images) / seconds_between(start, Clock::now()));
  return 0;
} catch (const std::exception& error) {
  fmt::print(stderr, "bench_loader: {}\n", error.what());
  return 1;
}
