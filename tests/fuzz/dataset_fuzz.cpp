// Any files are data sets with labels in range, or end in an Error. The first byte of the input is the kind
// of data; for idx, two bytes are the length of the file of images, and the file of labels follows it.
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <span>
#include <string>

#include "runtime/data/readers/cifar.h"
#include "runtime/data/readers/idx.h"
#include "runtime/data/readers/tensor_file.h"

namespace {

constexpr int64_t kClasses = 10;
const rnrun::DataOptions kOptions{
    .fields = {{"image", rnrun::DType::u8, {1, 28, 28}}, {"label", rnrun::DType::i32, {}, kClasses}}};
using Bytes = std::span<const uint8_t>;

// A file in memory with a path.
class MemoryFile {
 public:
  explicit MemoryFile(Bytes bytes) : fd_(memfd_create("fuzz", 0)) {
    if (write(fd_, bytes.data(), bytes.size()) != static_cast<ssize_t>(bytes.size())) std::abort();
  }
  ~MemoryFile() { close(fd_); }
  MemoryFile(const MemoryFile&) = delete;
  MemoryFile& operator=(const MemoryFile&) = delete;
  std::string path() const { return "/proc/self/fd/" + std::to_string(fd_); }

 private:
  int fd_;
};

std::unique_ptr<const rnrun::Dataset> open(uint8_t kind, Bytes bytes) {
  if (kind % 4 == 0) {
    if (bytes.size() < 2) return nullptr;
    const size_t length = std::min<size_t>(bytes[0] | bytes[1] << 8, bytes.size() - 2);
    const MemoryFile images(bytes.subspan(2, length));
    const MemoryFile labels(bytes.subspan(2 + length));
    return rnrun::read_idx(images.path(), labels.path(), kOptions);
  }
  const MemoryFile file(bytes);
  if (kind % 4 == 1) return rnrun::read_cifar({file.path()}, rnrun::Cifar::ten, kOptions);
  if (kind % 4 == 2) return rnrun::read_cifar({file.path()}, rnrun::Cifar::hundred, kOptions);
  return rnrun::read_tensor_file(file.path(), kOptions);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  try {
    const auto dataset = open(data[0], Bytes(data, size).subspan(1));
    if (dataset == nullptr) return 0;
    rnrun::Sample sample;
    for (int64_t i = 0; i < dataset->size(); ++i) {
      dataset->read(i, sample);
      const auto label = sample.at(1).numbers();
      if (label.size() != 1 || label[0] < 0 || label[0] >= kClasses) std::abort();
      const rnrun::Image image = sample.at(0).take_picture("");
      if (static_cast<int64_t>(image.pixels.size()) != image.shape.bytes()) std::abort();
    }
  } catch (const rnrun::Error&) {
  }
  return 0;
}
