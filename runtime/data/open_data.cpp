#include "runtime/data/open_data.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <span>

#include "runtime/data/companions.h"
#include "runtime/data/readers/cifar.h"
#include "runtime/data/readers/idx.h"
#include "runtime/data/readers/image_folder.h"
#include "runtime/data/readers/image_list.h"
#include "runtime/data/readers/paired_folder.h"
#include "runtime/data/readers/shapes.h"
#include "runtime/data/readers/tensor_file.h"
#include "runtime/data/split.h"
#include "runtime/data/subset.h"
#include "runtime/data/target_pictures.h"
#include "runtime/support/error.h"

namespace rnrun {

namespace {

constexpr std::string_view kShapes = "shapes";  // generated
using Paths = std::vector<std::string>;
using std::filesystem::exists;

// One kind of data. `find` gives the files of a split, none if it is not there; `open` reads them.
struct Kind {
  std::string_view name;
  std::string_view wanted;  // "idx files (train-images-idx3-ubyte)"
  Paths (*find)(const std::string& path, Split split);
  std::unique_ptr<const Dataset> (*open)(const Paths& files, const DataOptions& options);
  // Of each field that a model may take, whatever they are; else pictures, and labels unless a model takes none.
  enum class Gives { fields, labelled, pictures } gives = Gives::labelled;
};

// The first of these that exists, if any.
Paths first_of(const Paths& candidates) {
  for (const std::string& path : candidates)
    if (exists(path)) return {path};
  return {};
}

Paths find_idx(const std::string& path, Split split) {
  const std::string base = path + (split == Split::train ? "/train" : "/t10k");
  const std::string images = base + "-images-idx3-ubyte";
  const std::string labels = base + "-labels-idx1-ubyte";
  const Paths found = first_of({images, images + ".gz"});
  if (found.empty()) return {};
  return {found[0], exists(labels + ".gz") && !exists(labels) ? labels + ".gz" : labels};
}

Paths find_cifar10(const std::string& path, Split split) {
  if (split == Split::test) return first_of({path + "/test_batch.bin"});
  const auto batch = [&](int i) { return fmt::format("{}/data_batch_{}.bin", path, i); };
  constexpr int kBatches = 5;
  int last = 0;
  for (int i = 1; i <= kBatches; ++i)
    if (exists(batch(i))) last = i;
  Paths paths;
  for (int i = 1; i <= last; ++i) paths.push_back(batch(i));  // one left out is an error when it is read
  return paths;
}

Paths find_cifar100(const std::string& path, Split split) {
  return first_of({path + (split == Split::train ? "/train.bin" : "/test.bin")});
}

Paths find_pairs(const std::string& path, Split split) {
  const Paths candidates =
      split == Split::train ? Paths{path + "/train", path} : Paths{path + "/val", path + "/test"};
  for (const std::string& directory : candidates)
    if (is_paired_folder(directory)) return {directory};
  return {};
}

// A directory of class folders is there to train with.
Paths find_folder(const std::string& path, Split split) {
  if (split == Split::test) return first_of({path + "/val", path + "/test"});
  if (exists(path + "/train")) return {path + "/train"};
  return has_class_folders(path) || has_images(path) ? Paths{path} : Paths{};
}

// Of data in one file: the path itself, or the files of the splits in it.
Paths find_file(const std::string& path, Split split, std::string_view extension) {
  const auto named = [&](std::string_view name) { return fmt::format("{}/{}{}", path, name, extension); };
  if (path.ends_with(extension)) return first_of({path});
  return first_of(split == Split::train ? Paths{named("train")} : Paths{named("val"), named("test")});
}

constexpr auto kKinds = std::to_array<Kind>({
    {"idx", "idx files (train-images-idx3-ubyte)", find_idx,
     [](const Paths& files, const DataOptions& o) { return read_idx(files[0], files[1], o); }},
    {"cifar10", "CIFAR-10's data_batch_1.bin", find_cifar10,
     [](const Paths& files, const DataOptions& o) { return read_cifar(files, Cifar::ten, o); }},
    {"cifar100", "CIFAR-100's train.bin", find_cifar100,
     [](const Paths& files, const DataOptions& o) { return read_cifar(files, Cifar::hundred, o); }},
    {"pairs", "folders train/images and masks, or train/input and target", find_pairs,
     [](const Paths& files, const DataOptions& o) { return open_paired_folder(files[0], o); },
     Kind::Gives::fields},
    {"tensors", "train.safetensors",
     [](const std::string& path, Split split) { return find_file(path, split, ".safetensors"); },
     [](const Paths& files, const DataOptions& o) { return read_tensor_file(files[0], o); },
     Kind::Gives::fields},
    {"list", "train.csv", [](const std::string& path, Split split) { return find_file(path, split, ".csv"); },
     [](const Paths& files, const DataOptions& o) { return open_image_list(files[0], o); },
     Kind::Gives::fields},
    {"folder", "folders train/<class> or <class> of images", find_folder,
     [](const Paths& files, const DataOptions& o) { return open_image_folder(files[0], o); },
     Kind::Gives::pictures},
});

[[noreturn]] void fail_nothing_found(const std::string& path, std::span<const Kind> kinds) {
  if (!exists(path)) {
    const char* hint = path == kFashionMnist ? "; install Debian's package dataset-fashion-mnist, or pass "
                                               "--data PATH or --data shapes"
                                             : "";
    throw Error(fmt::format("no data set in {}: no such file or directory{}", path, hint));
  }
  std::vector<std::string_view> wanted;
  for (const Kind& kind : kinds) wanted.push_back(kind.wanted);
  throw Error(fmt::format("no data set in {}: looked for {}", path, fmt::join(wanted, ", or ")));
}

// The kind of data, and where.
struct Found {
  const Kind& kind;
  std::string path;
};

Found find(const std::string& where) {
  std::string path = where;
  std::span<const Kind> kinds = kKinds;
  for (size_t i = 0; i < kKinds.size(); ++i)
    if (where.starts_with(fmt::format("{}:", kKinds[i].name))) {
      path = where.substr(kKinds[i].name.size() + 1);
      kinds = kinds.subspan(i, 1);
      break;
    }
  for (const Kind& kind : kinds)
    for (const Split split : {Split::train, Split::test})
      if (!kind.find(path, split).empty()) return {kind, path};
  fail_nothing_found(path, kinds);
}

// A single file is what it is called for, but not both.
bool has_test(const std::string& where) {
  if (where == kShapes) return true;
  const Found found = find(where);
  const Paths test = found.kind.find(found.path, Split::test);
  return !test.empty() && test != found.kind.find(found.path, Split::train);
}

// Whether all that is there is the directory itself, with nothing that says which part is to train with.
bool is_undivided(const std::string& where) {
  if (where == kShapes || has_test(where)) return false;
  const Found found = find(where);
  return found.kind.find(found.path, Split::train) == Paths{found.path} &&
         std::filesystem::is_directory(found.path);
}

constexpr std::string_view kProposal = "pass --val-split 0.2 to keep a fifth of them for validation";

// For a model that makes pictures of pictures, of which the data have only those to be made: what is asked of a reader
// then. Nothing for other models.
std::optional<DataOptions> of_targets(const DataOptions& options, bool labelled) {
  const auto& fields = options.fields;
  if (fields.size() != 2 || !fields[0].is_picture() || !fields[1].is_picture() || !fields[1].is_target)
    return {};
  if (fields[0].shape == fields[1].shape && options.degradation.noise == 0)
    throw UsageError(
        "the model makes pictures of pictures of the same size, and the data have no pairs (folders input "
        "and "
        "target): pass --noise SIGMA, the standard deviation of noise that is added, of 255");
  DataOptions inner = options;
  inner.fields = {{"image", DType::u8, fields[1].shape}};
  if (labelled) inner.fields.push_back({"label", DType::i32, {}});
  inner.class_names.clear();
  return inner;
}

std::unique_ptr<const Dataset> open_found(const Found& found, const Paths& files,
                                          const DataOptions& options) {
  if (found.kind.gives == Kind::Gives::fields) return found.kind.open(files, options);
  const auto inner = of_targets(options, found.kind.gives == Kind::Gives::labelled);
  if (!inner) return found.kind.open(files, options);
  return as_targets(found.kind.open(files, *inner), options.fields[1].name, options.degradation);
}

std::unique_ptr<const Dataset> open_whole(const std::string& where, Split split, const DataOptions& options) {
  if (where == kShapes) {
    const std::string_view part = split == Split::train ? "train" : "test";
    constexpr int64_t kFigures = 10;
    if (const auto inner = of_targets(options, false))
      return as_targets(make_shapes(inner->field("image").picture(), kFigures, part), options.fields[1].name,
                        options.degradation);
    return make_shapes(options.field("image").picture(), options.field("label").classes, part);
  }
  const Found found = find(where);
  const Paths files = found.kind.find(found.path, split);
  if (files.empty() && split == Split::test && !found.kind.find(found.path, Split::train).empty())
    throw Error(
        fmt::format("{} has no images to test: --val-split takes the part of those to train that a training "
                    "with it has kept for validation, --split train takes all of them",
                    found.path));
  if (files.empty())
    throw Error(fmt::format("{} has no images to {}", found.path, split == Split::train ? "train" : "test"));
  auto data = open_found(found, files, options);
  if (!data->degradation()) {
    if (options.degradation.noise > 0)
      throw UsageError(
          fmt::format("--noise {}: it is added to what is made of the targets alone, but {} has both; "
                      "--noise 0 takes them "
                      "as they are",
                      options.degradation.noise, found.path));
    places_of(options.fields, *data);
  }
  return data;
}

// Whether samples are made of pictures with a class each, which a model compares.
bool makes_companions(const std::string& where, const DataOptions& options) {
  return compares_pictures(options.fields) &&
         (where == kShapes || find(where).kind.gives != Kind::Gives::fields);
}

// What is asked of the reader of a whole split,
DataOptions of_whole(const std::string& where, const DataOptions& options) {
  DataOptions whole = options;
  if (makes_companions(where, options)) whole.fields = compared_fields(options.fields);
  return whole;
}
// and what becomes of the part that is used: companions come from the same part.
std::unique_ptr<const Dataset> finished(std::unique_ptr<const Dataset> data, const std::string& where,
                                        const DataOptions& options) {
  if (options.skip_corrupt && data != nullptr) data = leave_out_damaged(std::move(data));
  return makes_companions(where, options) ? with_companions(std::move(data), options.fields)
                                          : std::move(data);
}

// The parts are the same whether damaged images are left out or not.
DataSplits open_divided(const std::string& where, const DataOptions& options) {
  DataSplits splits =
      split_off(open_whole(where, Split::train, of_whole(where, options)), options.val_split, options.seed);
  return {finished(std::move(splits.train), where, options),
          finished(std::move(splits.test), where, options)};
}

}  // namespace

std::string data_help() {
  std::vector<std::string_view> kinds;
  for (const Kind& kind : kKinds) kinds.push_back(kind.name);
  return fmt::format(
      "a directory, and the kind is what is there: idx files (MNIST's names, gz or plain), CIFAR's binary "
      "files, {{train,val,test}}.safetensors, {{train,val,test}}.csv (columns path and label), folders "
      "{{train,val,test}}/images and masks or input and target, folders "
      "{{train,val,test}}/<class> or <class> of images; or one .safetensors or .csv file; or kind:path with "
      "a kind of {}; or \"shapes\": generated images",
      fmt::join(kinds, ", "));
}

bool has_own_test(const std::string& where) { return has_test(where); }

std::unique_ptr<const Dataset> open_split(const std::string& where, Split split, const DataOptions& options) {
  if (options.val_split <= 0)
    return finished(open_whole(where, split, of_whole(where, options)), where, options);
  DataSplits splits = open_divided(where, options);
  return std::move(split == Split::train ? splits.train : splits.test);
}

DataSplits open_data(const std::string& where, const DataOptions& options) {
  if (options.val_split > 0) return open_divided(where, options);
  if (is_undivided(where))
    throw Error(
        fmt::format("{} has folders of images, but none for training and validation (train/ and val/): {}",
                    where, kProposal));
  DataSplits splits{open_split(where, Split::train, options), nullptr};
  DataOptions test_options = options;
  test_options.keep_size = false;
  if (auto names = splits.train->class_names(); !names.empty()) {
    if (names != options.class_names) test_options.named_by = "the training images";
    test_options.class_names = std::move(names);
    test_options.names_fixed = true;
  }
  if (has_test(where)) splits.test = open_split(where, Split::test, test_options);
  return splits;
}

}  // namespace rnrun
