#include "runtime/data/augment/augment.h"

#include "runtime/data/augment/geometry.h"

namespace rnrun {

Random sample_random(std::string_view purpose, uint64_t seed, int64_t epoch, int64_t index) {
  return {seed, stream_of(purpose) + (static_cast<uint64_t>(epoch) << 32) + static_cast<uint64_t>(index)};
}

void augment(Image& image, const ImageShape& shape, const Augmentation& a, Random random,
             const std::string& name) {
  // Draws a number only of what is asked for, so that a training without the rest sees the same images.
  const auto happens = [&](double probability) {
    return probability > 0 && static_cast<double>(random.uniform()) < probability;
  };
  convert_channels(image, shape.channels, name);
  if (a.random_resized_crop)
    random_resized_crop(image, shape.height, shape.width, random);
  else
    fit(image, shape, name);
  if (a.random_crop > 0) random_crop(image, a.random_crop, random);
  if (happens(a.hflip)) hflip(image);
  if (happens(a.vflip)) vflip(image);
  if (a.auto_augment) auto_augment(image, *a.auto_augment, random);
  rand_augment(image, a.randaugment.num_ops, a.randaugment.magnitude, random);
  if (a.trivial_augment) trivial_augment_wide(image, random);
  if (a.color_jitter) color_jitter(image, *a.color_jitter, random);
  if (a.rotation > 0) random_rotation(image, a.rotation, random);
  if (a.random_affine) random_affine(image, *a.random_affine, random);
  if (happens(a.random_perspective.probability))
    random_perspective(image, a.random_perspective.distortion_scale, random);
  if (a.gaussian_blur > 1) random_blur(image, a.gaussian_blur, random);
  if (happens(a.random_erasing)) random_erasing(image, random);
  if (a.cutout > 0) cutout(image, a.cutout, random);
}

}  // namespace rnrun
