#include "runtime/support/torch/torch_tensors.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "runtime/contract/safetensors.h"

namespace rnrun {

namespace {

using contract::FormatError;
using Kind = PickleValue::Kind;

constexpr size_t kMostDimensions = 8;

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

}  // namespace

bool TensorBuilder::knows(std::string_view global) const { return find_global(global) != nullptr; }

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

}  // namespace rnrun
