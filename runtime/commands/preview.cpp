#include "runtime/commands/preview.h"

#include <algorithm>
#include <vector>

#include "runtime/data/decode/encode_png.h"
#include "runtime/data/loader.h"
#include "runtime/report/contact_sheet.h"
#include "runtime/support/error.h"
#include "runtime/support/file.h"
#include "runtime/task/thumbnail.h"

namespace rnrun {

namespace {

constexpr int64_t kColumns = 16;

// The first `count` pictures of these batches.
std::vector<Image> pictures_of(Loader& loader, size_t place, const Field& field, int64_t count) {
  std::vector<Image> pictures;
  for (Batch batch = loader.next(); batch.size > 0; batch = loader.next())
    for (int64_t i = 0; i < batch.size && static_cast<int64_t>(pictures.size()) < count; ++i)
      pictures.push_back(picture_in(batch.values[place], field.dtype, field.picture(), i));
  return pictures;
}

// Rows of `columns` of the one and of the other in turn.
std::vector<Image> in_turn(std::vector<Image> upper, std::vector<Image> lower, size_t columns) {
  Image blank{upper.front().shape, {}};
  blank.pixels.assign(static_cast<size_t>(blank.shape.bytes()), 255);
  const size_t rows = (upper.size() + columns - 1) / columns;
  std::vector<Image> all;
  for (auto* pictures : {&upper, &lower}) pictures->resize(rows * columns, blank);
  for (size_t row = 0; row < rows; ++row)
    for (const auto* pictures : {&upper, &lower})
      all.insert(all.end(), pictures->begin() + static_cast<long>(row * columns),
                 pictures->begin() + static_cast<long>((row + 1) * columns));
  return all;
}

}  // namespace

void write_preview(const std::string& path, int64_t count, const Dataset& data, const Task& task,
                   const TrainSettings& settings, int64_t epoch, int workers) {
  const std::vector<Field> fields = task.fields();
  const auto picture = std::ranges::find_if(fields, &Field::is_picture);
  if (picture == fields.end()) throw Error("--preview-data: the model takes no pictures");
  const auto place = static_cast<size_t>(picture - fields.begin());
  // Whole batches, as images are mixed with others of their batch.
  auto order = permutation(static_cast<uint32_t>(data.size()), settings.seed, epoch);
  const int64_t batches = (count + settings.batch_size - 1) / settings.batch_size;
  order.resize(static_cast<size_t>(std::min(batches * settings.batch_size, data.size())));
  LoaderPlan plan = training_plan(settings, fields, order, epoch);
  Loader changed(data, plan, workers);
  plan.augmentation.reset();
  plan.mixup_alpha = plan.cutmix_alpha = 0;
  Loader plain(data, std::move(plan), workers);
  count = std::min(count, data.size());
  const int64_t columns = std::min(kColumns, count);
  const Image sheet =
      contact_sheet(in_turn(pictures_of(plain, place, *picture, count),
                            pictures_of(changed, place, *picture, count), static_cast<size_t>(columns)),
                    columns);
  replace_file(path, png_file(sheet.shape, sheet.pixels));
}

}  // namespace rnrun
