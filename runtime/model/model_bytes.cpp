#include "runtime/model/model_bytes.h"

#include <fmt/format.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "runtime/support/error.h"

namespace rnrun {

namespace {

// A file without a place in a directory. While it is open, no other has its name.
class MemoryFile {
 public:
  explicit MemoryFile(std::span<const std::byte> bytes) : descriptor_(memfd_create("model", MFD_CLOEXEC)) {
    for (std::span<const std::byte> rest = bytes; descriptor_ >= 0 && !rest.empty();) {
      const ssize_t written = write(descriptor_, rest.data(), rest.size());
      if (written < 0 && errno == EINTR) continue;
      if (written < 0) break;
      rest = rest.subspan(static_cast<size_t>(written));
      complete_ = rest.empty();
    }
  }
  ~MemoryFile() {
    if (descriptor_ >= 0) close(descriptor_);
  }
  MemoryFile(const MemoryFile&) = delete;
  MemoryFile& operator=(const MemoryFile&) = delete;
  bool complete() const { return complete_; }
  std::string name() const { return fmt::format("/proc/self/fd/{}", descriptor_); }

 private:
  int descriptor_;
  bool complete_ = false;
};

// The loader knows a library by its name, so the file stays open as long as it.
struct ModelInMemory {
  std::unique_ptr<const MemoryFile> file;
  std::shared_ptr<const Model> model;
};

}  // namespace

std::shared_ptr<const Model> load_model(std::span<const std::byte> bytes) {
  if (bytes.empty()) throw Error("a model in memory of 0 bytes");
  auto file = std::make_unique<const MemoryFile>(bytes);
  if (!file->complete())
    throw Error(
        fmt::format("cannot keep a model of {} bytes in memory: {}", bytes.size(), std::strerror(errno)));
  auto model = Model::load(file->name());
  auto both = std::make_shared<const ModelInMemory>(ModelInMemory{std::move(file), std::move(model)});
  return {both, both->model.get()};
}

}  // namespace rnrun
