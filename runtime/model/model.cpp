#include "runtime/model/model.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <link.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>

#include "runtime/contract/checksum.h"
#include "runtime/contract/elf_file.h"
#include "runtime/model/cpu_features.h"
#include "runtime/model/layout.h"
#include "runtime/model/variants.h"
#include "runtime/support/error.h"
#include "runtime/support/mapped_file.h"

namespace rnrun {

namespace {

void check_cpu(const rn_model_descriptor& model, const std::string& path) {
  const auto missing = missing_cpu_features(model.features);
  if (!missing.empty())
    throw Error(fmt::format("{} was compiled for {} and needs CPU features this machine lacks: {}; {}", path,
                            model.cpu, fmt::join(missing, ", "),
                            model.variant_count > 1 ? "take another variant: rnrun info lists them"
                                                    : "compile it with --target-cpu=native here"));
}

template <class Fail>
void check_disjoint(const rn_model_descriptor& model, const Fail& fail) {
  std::vector<const rn_tensor*> order;
  for (int64_t i = 0; i < model.tensor_count; ++i) order.push_back(&model.tensors[i]);
  std::ranges::sort(order, {}, [](const rn_tensor* t) { return std::pair(t->kind, t->offset); });
  for (size_t i = 1; i < order.size(); ++i) {
    const rn_tensor& a = *order[i - 1];
    const rn_tensor& b = *order[i];
    if (a.kind == b.kind && a.offset + a.bytes > b.offset)
      fail(fmt::format("tensors '{}' and '{}' overlap", a.name, b.name));
  }
}

// A descriptor that contradicts itself would make us write outside our memory.
void check_consistent(const rn_model_descriptor& model, const std::string& path) {
  const auto fail = [&](std::string_view what) { throw Error(fmt::format("{} is damaged: {}", path, what)); };
  for (const int64_t bytes : model.region_bytes)
    if (bytes < 0) fail("a region of negative size");
  if (model.scratch_bytes_per_worker < 0) fail("scratch memory of negative size");
  for (int64_t i = 0; i < model.tensor_count; ++i) {
    const rn_tensor& t = model.tensors[i];
    if (t.kind < 0 || t.kind >= RN_TENSOR_KINDS || !valid(t.type, false) ||
        physical_bytes(t.type) != t.bytes || t.offset < 0 || t.offset % RN_ALIGNMENT != 0 ||
        t.offset > model.region_bytes[t.kind] - t.bytes)
      fail(fmt::format("tensor '{}' has an impossible type or place", t.name));
    const bool belongs = t.kind == RN_GRADIENT || t.kind == RN_SLOT;
    const bool in_range = t.of >= 0 && t.of < model.tensor_count;
    if (belongs ? !in_range || model.tensors[t.of].kind != RN_PARAMETER : t.of != -1)
      fail(fmt::format("tensor '{}' belongs to no parameter", t.name));
  }
  check_disjoint(model, fail);
  for (int64_t i = 0; i < model.entry_count; ++i) {
    const rn_entry& e = model.entries[i];
    for (const auto values : {inputs(e), outputs(e)})
      for (const rn_value& v : values)
        if (!valid(v.type, true) || v.type.blocks != 0)
          fail(fmt::format("'{}' of entry '{}' has an impossible type", v.name, e.name));
    for (const rn_extent& size : e.arena)
      if (size.fixed < 0 || size.per_sample < 0) fail(fmt::format("entry '{}' has a negative arena", e.name));
  }
}

// Maps the pages of a library that were read for its checksum, which are in memory, instead of one by one as they are first
// used, which with weights in it shortens the first run. What the kernel does not know (Linux before 5.14) is done
// without.
void map_pages(const void* inside) {
  constexpr int kPopulateRead = 22;  // MADV_POPULATE_READ, which older headers lack
  dl_iterate_phdr(
      [](dl_phdr_info* info, size_t, void* place) {
        const auto address = reinterpret_cast<uintptr_t>(place);
        const std::span<const ElfW(Phdr)> segments(info->dlpi_phdr, info->dlpi_phnum);
        const auto begin = [&](const ElfW(Phdr) & s) { return info->dlpi_addr + s.p_vaddr; };
        const auto holds_place = [&](const ElfW(Phdr) & s) {
          return s.p_type == PT_LOAD && address >= begin(s) && address - begin(s) < s.p_memsz;
        };
        if (std::ranges::none_of(segments, holds_place)) return 0;
        const auto page = static_cast<uintptr_t>(sysconf(_SC_PAGESIZE));
        for (const ElfW(Phdr) & s : segments)
          if (s.p_type == PT_LOAD && (s.p_flags & PF_W) == 0) {
            const uintptr_t first = begin(s) / page * page;
            madvise(reinterpret_cast<void*>(first), begin(s) + s.p_memsz - first, kPopulateRead);
          }
        return 1;
      },
      const_cast<void*>(inside));
}

}  // namespace

void check_version(const rn_model_descriptor& model, const std::string& path) {
  if (model.magic != RN_MAGIC)
    throw Error(fmt::format("{} is not a model made by rnc (wrong magic number)", path));
  if (model.version != RN_ABI_VERSION)
    throw Error(
        fmt::format("{} has ABI version {}, this rnrun has {}: compile it with the rnc of this release", path,
                    model.version, RN_ABI_VERSION));
}

void Model::Close::operator()(void* library) const { dlclose(library); }

Model::Model(const rn_model_descriptor& descriptor, std::string path)
    : descriptor_(&descriptor), path_(std::move(path)) {
  check_version(descriptor, path_);
  check_cpu(descriptor, path_);
  check_consistent(descriptor, path_);
}

// `file` is what the system opens, `path` what the user calls it, `bytes` what is in it.
std::shared_ptr<const Model> Model::open(const std::string& file, const std::string& path,
                                         std::span<const std::byte> bytes) {
  // Before dlopen, which runs into what is missing or wrong in a damaged file.
  for (const std::string& fault : {contract::library_fault(bytes), contract::foreign_library_fault(bytes)})
    if (!fault.empty()) throw Error(fmt::format("{} {}", path, fault));
  Library library(dlopen(file.c_str(), RTLD_NOW | RTLD_LOCAL));
  if (library == nullptr) {
    const std::string reason = dlerror();
    throw Error(fmt::format("cannot load the model {}: {}", path, reason));
  }
  const auto* descriptor = static_cast<const rn_model_descriptor*>(dlsym(library.get(), RN_MODEL_SYMBOL));
  if (descriptor == nullptr)
    throw Error(fmt::format("{} is not a model made by rnc (it has no symbol {})", path, RN_MODEL_SYMBOL));
  map_pages(descriptor);
  auto model = std::make_shared<Model>(best_variant(*descriptor, path), path);
  model->library_ = std::move(library);
  return model;
}

std::shared_ptr<const Model> Model::load(const std::string& path) {
  std::error_code error;
  const auto status = std::filesystem::status(path, error);
  if (!std::filesystem::exists(status))
    throw Error(fmt::format("cannot load the model {}: no such file", path));
  if (!std::filesystem::is_regular_file(status))
    throw Error(fmt::format("cannot load the model {}: not a regular file", path));
  // With a slash in it, so that the library search path plays no part.
  return open(std::filesystem::absolute(path).string(), path, MappedFile(path).bytes());
}

std::shared_ptr<const Model> Model::load_carried(const std::string& executable) {
  const MappedFile content(executable);
  const std::span<const std::byte> bytes = content.bytes();
  const auto fail = [&](std::string_view what) {
    throw Error(fmt::format("the model carried by {} is damaged: {}", executable, what));
  };
  rn_trailer trailer{};
  const size_t before = bytes.size() - std::min(bytes.size(), sizeof trailer);
  if (before > 0) std::memcpy(&trailer, bytes.data() + before, sizeof trailer);
  if (std::memcmp(trailer.magic, RN_TRAILER_MAGIC, sizeof trailer.magic) != 0) {
    const auto program = contract::read_elf(bytes);
    if (program && program->size != bytes.size()) fail("its trailer is missing");
    return nullptr;
  }
  if (trailer.checksum != contract::trailer_checksum(bytes.first(before), trailer))
    fail("the file does not have the checksum in its trailer");
  if (trailer.offset > before || trailer.size != before - trailer.offset)
    fail("its trailer does not match the file");

  const auto library = bytes.subspan(trailer.offset, trailer.size);
  const int fd = memfd_create("model", MFD_CLOEXEC);
  const bool written =
      fd >= 0 && write(fd, library.data(), library.size()) == static_cast<ssize_t>(library.size());
  if (!written) {
    const int reason = errno;
    if (fd >= 0) close(fd);
    throw Error(fmt::format("cannot load the model carried by {}: {}", executable, std::strerror(reason)));
  }
  struct Closer {
    int fd;
    ~Closer() { close(fd); }
  } const closer{fd};
  return open(fmt::format("/proc/self/fd/{}", fd), executable, library);
}

std::span<const rn_tensor> Model::tensors() const {
  return {descriptor_->tensors, static_cast<size_t>(descriptor_->tensor_count)};
}

std::span<const rn_entry> Model::entries() const {
  return {descriptor_->entries, static_cast<size_t>(descriptor_->entry_count)};
}

const rn_tensor* Model::find_tensor(std::string_view name) const {
  for (const rn_tensor& t : tensors())
    if (t.name == name) return &t;
  return nullptr;
}

const rn_entry* Model::find_entry(std::string_view name) const {
  for (const rn_entry& e : entries())
    if (e.name == name) return &e;
  return nullptr;
}

void Model::fail_without(std::string_view entry) const {
  std::vector<std::string_view> names;
  for (const rn_entry& e : entries()) names.emplace_back(e.name);
  throw Error(fmt::format("{} has no entry '{}'; it has {}", path_, entry, fmt::join(names, ", ")));
}

const rn_entry& Model::entry(std::string_view name) const {
  const rn_entry* found = find_entry(name);
  if (found == nullptr) fail_without(name);
  return *found;
}

const rn_entry* Model::find_entry(rn_entry_role role) const {
  for (const rn_entry& e : entries())
    if (e.role == role) return &e;
  return nullptr;
}

const rn_entry& Model::entry(rn_entry_role role) const {
  // As rnc calls entries of these roles.
  constexpr std::array<std::string_view, 7> usual = {"prepare", "infer",      "loss", "backward",
                                                     "update",  "train_step", "other"};
  const rn_entry* found = find_entry(role);
  if (found == nullptr) fail_without(usual.at(static_cast<size_t>(role)));
  return *found;
}

bool Model::uses_feature(std::string_view feature) const {
  const std::string all = fmt::format(",{},", descriptor_->features);
  return all.find(fmt::format(",{},", feature)) != std::string::npos;
}

std::string Model::graph_hash() const { return fmt::format("{:016x}", descriptor_->graph_hash); }

std::span<const rn_value> inputs(const rn_entry& entry) {
  return {entry.inputs, static_cast<size_t>(entry.input_count)};
}
std::span<const rn_value> outputs(const rn_entry& entry) {
  return {entry.outputs, static_cast<size_t>(entry.output_count)};
}
const rn_extent& arena(const rn_entry& entry, int64_t batch) {
  // Not in int64_t: a batch that no memory holds is refused later, by its name.
  const auto size = [&](const rn_extent& e) {
    return static_cast<double>(e.fixed) + static_cast<double>(e.per_sample) * static_cast<double>(batch);
  };
  return size(entry.arena[1]) > size(entry.arena[0]) ? entry.arena[1] : entry.arena[0];
}

const rn_value* find(std::span<const rn_value> values, rn_value_role role) {
  for (const rn_value& v : values)
    if (v.role == role) return &v;
  return nullptr;
}

bool is_set_by_training(const rn_value& input) {
  return input.role == RN_LEARNING_RATE || input.role == RN_STEP || input.role == RN_SEED ||
         input.role == RN_MIXTURE_SHARE;
}

std::string batch_refusal(const rn_entry& entry, int64_t batch) {
  if (batch >= entry.min_batch) return {};
  return fmt::format(
      "batch norm '{}' cannot be trained on one value per channel: entry '{}' needs batches of at least {}, "
      "not {}",
      entry.min_batch_layer, entry.name, entry.min_batch, batch);
}

CallWork work_of(const rn_call_info& call, int64_t batch) {
  const auto size = [&](const rn_extent& e) { return static_cast<double>(at(e, batch)); };
  if (batch < call.from_batch) return {"direct", size(call.flops), size(call.flops), size(call.direct_bytes)};
  return {call.algorithm, size(call.flops), size(call.operations), size(call.bytes)};
}

std::span<const rn_call_info> calls(const rn_entry& entry) {
  return {entry.calls, static_cast<size_t>(entry.call_count)};
}

}  // namespace rnrun
