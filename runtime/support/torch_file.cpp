#include "runtime/support/torch_file.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <deque>
#include <map>
#include <set>

#include "runtime/contract/safetensors.h"
#include "runtime/support/error.h"
#include "runtime/support/pickle.h"
#include "runtime/support/zip_read.h"

namespace rnrun {

namespace {

using contract::FormatError;
using Kind = PickleValue::Kind;

constexpr size_t kMostDimensions = 8;
constexpr size_t kLongestName = 4096;  // so that comparing names takes no time
constexpr std::string_view kPickle = "data.pkl";

enum class Action { dict, tensor, parameter, storage };

// What a pickle of tensors imports.
struct Global {
  std::string_view name;
  Action action;
  DType dtype = DType::f32;  // of a storage
};
constexpr std::array<Global, 13> kGlobals = {{
    {"collections.OrderedDict", Action::dict},
    {"torch._utils._rebuild_tensor_v2", Action::tensor},
    {"torch._utils._rebuild_parameter", Action::parameter},
    {"torch.FloatStorage", Action::storage, DType::f32},
    {"torch.DoubleStorage", Action::storage, DType::f64},
    {"torch.HalfStorage", Action::storage, DType::f16},
    {"torch.BFloat16Storage", Action::storage, DType::bf16},
    {"torch.LongStorage", Action::storage, DType::i64},
    {"torch.IntStorage", Action::storage, DType::i32},
    {"torch.ShortStorage", Action::storage, DType::i16},
    {"torch.CharStorage", Action::storage, DType::i8},
    {"torch.ByteStorage", Action::storage, DType::u8},
    {"torch.BoolStorage", Action::storage, DType::boolean},
}};

const Global* find_global(std::string_view name) {
  const auto* found = std::ranges::find(kGlobals, name, &Global::name);
  return found == kGlobals.end() ? nullptr : found;
}

// Makes tensors of what a pickle calls for.
class TensorBuilder : public PickleUser {
 public:
  TensorBuilder(const ZipEntries& entries, std::string folder)
      : entries_(entries), folder_(std::move(folder)) {}

  bool knows(std::string_view global) const override { return find_global(global) != nullptr; }
  PickleValue call(std::string_view global, const PickleValue& arguments, Pickle& pickle) override;
  PickleValue load(const PickleValue& id, const Pickle& pickle) override;
  // Null when the value is no tensor.
  const StoredTensor* tensor(const PickleValue& value) const {
    const auto* object = value.kind == Kind::object ? &objects_[static_cast<size_t>(value.number)] : nullptr;
    return object != nullptr && object->is_tensor ? &object->tensor : nullptr;
  }

 private:
  struct Object {
    StoredTensor tensor;  // or a storage: its type and data
    bool is_tensor = false;
  };
  PickleValue add(Object object) {
    objects_.push_back(std::move(object));
    return {Kind::object, static_cast<int64_t>(objects_.size() - 1)};
  }
  PickleValue rebuild(std::span<const PickleValue> arguments, const Pickle& pickle);

  const ZipEntries& entries_;
  std::string folder_;
  std::vector<Object> objects_;
  std::map<std::string_view, PickleValue> storages_;  // by key
};

// Natural numbers, of sizes or strides.
std::vector<int64_t> naturals(const PickleValue& list, const Pickle& pickle) {
  const auto items = pickle.items(list);
  if (list.kind != Kind::list || items.size() > kMostDimensions)
    throw FormatError(fmt::format("a tensor has no sizes of at most {} dimensions", kMostDimensions));
  std::vector<int64_t> numbers;
  for (const PickleValue& item : items) {
    if (item.kind != Kind::number || item.number < 0)
      throw FormatError("a tensor has a size or stride that is not a natural number");
    numbers.push_back(item.number);
  }
  return numbers;
}

// Elements from the first to the last of a tensor.
int64_t extent(const StoredTensor& t) {
  constexpr int64_t kMost = int64_t{1} << 48;
  int64_t last = 0, elements = 1;
  for (size_t i = 0; i < t.shape.size(); ++i) {
    const int64_t size = std::max<int64_t>(t.shape[i], 1);
    int64_t step = 0;
    if (__builtin_mul_overflow(elements, size, &elements) || elements > kMost ||
        __builtin_mul_overflow(size - 1, t.strides[i], &step) || __builtin_add_overflow(last, step, &last) ||
        last >= kMost)
      throw FormatError(fmt::format("a tensor has the size {}", type_text(t)));
  }
  return std::ranges::find(t.shape, 0) != t.shape.end() ? 0 : last + 1;
}

// _rebuild_tensor_v2(storage, storage_offset, size, stride, requires_grad, backward_hooks, metadata = None)
PickleValue TensorBuilder::rebuild(std::span<const PickleValue> arguments, const Pickle& pickle) {
  if (arguments.size() < 6 || arguments.size() > 7 || arguments[0].kind != Kind::object ||
      arguments[1].kind != Kind::number)
    throw FormatError("a tensor is not made of a storage, a place, sizes and strides");
  if (arguments.size() == 7 && arguments[6].kind == Kind::dict &&
      !pickle.dicts[static_cast<size_t>(arguments[6].number)].empty())
    throw FormatError("a tensor is a view that is to be negated or conjugated");
  const Object& storage = objects_[static_cast<size_t>(arguments[0].number)];
  if (storage.is_tensor) throw FormatError("a tensor is made of a tensor");
  StoredTensor t{storage.tensor.dtype, naturals(arguments[2], pickle), naturals(arguments[3], pickle), {}};
  if (t.shape.size() != t.strides.size()) throw FormatError("a tensor has other dimensions than strides");
  const int64_t begin = arguments[1].number, count = extent(t), size = contract::bytes(t.dtype);
  const std::span<const std::byte> data = storage.tensor.data;
  const int64_t there = static_cast<int64_t>(data.size()) / size;
  if (begin < 0 || begin > there || count > there - begin)
    throw FormatError(fmt::format("a tensor {} needs {} elements from {} on of a storage of {}", type_text(t),
                                  count, begin, there));
  t.data = data.subspan(static_cast<size_t>(begin * size), static_cast<size_t>(count * size));
  return add({std::move(t), true});
}

PickleValue TensorBuilder::call(std::string_view global, const PickleValue& arguments, Pickle& pickle) {
  const Global& called = *find_global(global);
  const auto given = pickle.items(arguments);
  if (called.action == Action::dict && given.empty()) return pickle.add_dict();
  if (called.action == Action::tensor) return rebuild(given, pickle);
  if (called.action == Action::parameter && !given.empty() && tensor(given[0]) != nullptr) return given[0];
  throw FormatError(fmt::format("its pickle calls {} with {} arguments", global, given.size()));
}

// ("storage", torch.FloatStorage, key, where it was, elements)
PickleValue TensorBuilder::load(const PickleValue& id, const Pickle& pickle) {
  const auto parts = pickle.items(id);
  const Global* type =
      parts.size() >= 5 && parts[1].kind == Kind::global ? find_global(parts[1].text) : nullptr;
  if (type == nullptr || type->action != Action::storage || parts[2].kind != Kind::text ||
      parts[4].kind != Kind::number)
    throw FormatError("its pickle refers to what is no storage");
  const std::string_view key = parts[2].text.substr(0, kLongestName);
  if (const auto known = storages_.find(key); known != storages_.end()) {
    if (objects_[static_cast<size_t>(known->second.number)].tensor.dtype != type->dtype)
      throw FormatError(fmt::format("the storage {} has two types", key));
    return known->second;
  }
  const std::string name = fmt::format("{}data/{}", folder_, key);
  const auto found = entries_.find(name);
  if (found == entries_.end()) throw FormatError(fmt::format("it has no {}", name));
  const auto bytes = static_cast<int64_t>(found->second.data.size());
  if (parts[4].number != bytes / contract::bytes(type->dtype) || bytes % contract::bytes(type->dtype) != 0)
    throw FormatError(fmt::format("{} has {} bytes, which are not {} elements of {}", name, bytes,
                                  parts[4].number, contract::name(type->dtype)));
  check_crc(name, found->second);
  return storages_[key] = add({{type->dtype, {}, {}, found->second.data}, false});
}

// The folder of the zip file that everything is in, with a slash.
std::string folder_of(const ZipEntries& entries) {
  for (const auto& [name, entry] : entries) {
    const size_t slash = name.find('/');
    if (slash != std::string::npos && std::string_view(name).substr(slash + 1) == kPickle)
      return name.substr(0, slash + 1);
  }
  throw FormatError("a zip archive, but not one of torch.save: it has no data.pkl");
}

void check_byte_order(const ZipEntries& entries, const std::string& folder) {
  const auto order = entries.find(folder + "byteorder");
  if (order == entries.end()) return;
  const std::string_view text(reinterpret_cast<const char*>(order->second.data.data()),
                              order->second.data.size());
  if (text != "little") throw FormatError("its numbers are big-endian, which are not read");
}

// Each dictionary once, even where it is in several others.
std::vector<TensorDict> find_dicts(const Pickle& pickle, const TensorBuilder& builder) {
  struct Place {
    PickleValue value;
    std::string_view key;
  };
  std::vector<TensorDict> found;
  std::set<std::pair<Kind, int64_t>> seen;
  for (std::deque<Place> places{{pickle.root, {}}}; !places.empty(); places.pop_front()) {
    const Place place = places.front();
    if (place.value.kind != Kind::list && place.value.kind != Kind::dict) continue;
    if (!seen.insert({place.value.kind, place.value.number}).second) continue;
    for (const PickleValue& item : pickle.items(place.value)) places.push_back({item, place.key});
    if (place.value.kind != Kind::dict) continue;
    TensorDict dict{place.key, {}};
    for (const auto& [key, value] : pickle.dicts[static_cast<size_t>(place.value.number)]) {
      const StoredTensor* tensor = builder.tensor(value);
      if (tensor == nullptr)
        places.push_back({value, key.text});
      else if (key.text.size() > kLongestName)
        throw FormatError(fmt::format("a tensor has a name of {} bytes", key.text.size()));
      else if (key.kind == Kind::text)
        dict.tensors.insert_or_assign(key.text, *tensor);
    }
    if (!dict.tensors.empty()) found.push_back(std::move(dict));
  }
  return found;
}

std::vector<TensorDict> parse(std::span<const std::byte> bytes) {
  const ZipEntries entries = read_zip(bytes);
  const std::string folder = folder_of(entries);
  check_byte_order(entries, folder);
  const ZipEntry& pickled = entries.find(folder + std::string(kPickle))->second;
  check_crc(std::string(kPickle), pickled);
  TensorBuilder builder(entries, folder);
  const Pickle pickle = read_pickle(pickled.data, builder);
  auto found = find_dicts(pickle, builder);
  if (found.empty()) throw FormatError("it has no dictionary with tensors, as a state_dict is");
  return found;
}

}  // namespace

bool is_torch_file(std::span<const std::byte> bytes) {
  // The length of a safetensors header may begin with the byte that a pickle begins with.
  constexpr std::byte kPickleBegins{0x80}, kHeaderBegins{'{'};
  constexpr size_t kHeader = 8;
  return is_zip(bytes) ||
         (bytes.size() > kHeader && bytes[0] == kPickleBegins && bytes[kHeader] != kHeaderBegins);
}

std::vector<TensorDict> parse_torch(std::span<const std::byte> bytes, std::string_view path) {
  try {
    if (is_zip(bytes)) return parse(bytes);
  } catch (const FormatError& error) {
    throw Error(
        fmt::format("{}: {}; a file of torch.save(model.state_dict(), ...) is read", path, error.what()));
  }
  throw Error(fmt::format(
      "{0}: a pickle in torch.save's format from before PyTorch 1.6, which is not read; in Python, "
      "torch.save(torch.load(\"{0}\"), \"new.pth\") writes it anew",
      path));
}

}  // namespace rnrun
