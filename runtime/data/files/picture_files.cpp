#include "runtime/data/files/picture_files.h"

#include <utility>

#include "runtime/data/decode/decode.h"

namespace rnrun {

void PictureFiles::read(int64_t index, Sample& sample) const {
  const auto place = static_cast<size_t>(index);
  const ImageShape shape = picture_.picture();
  sample.resize(1);
  try {
    Image image = read_image(paths_[place], {.exif_transpose = exif_transpose_});
    convert_channels(image, shape.channels, paths_[place]);
    sample[0].set(std::move(image));
  } catch (const BadImage& error) {
    const std::lock_guard lock(mutex_);
    faults_[place] = error.what();
    sample[0].set(Image{shape, std::vector<uint8_t>(static_cast<size_t>(shape.bytes()))});
  }
}

std::string PictureFiles::fault(size_t index) const {
  const std::lock_guard lock(mutex_);
  return faults_[index];
}

}  // namespace rnrun
