#include "runtime/support/torch/torch_file.h"

#include <fmt/format.h>

#include <deque>
#include <set>

#include "runtime/contract/safetensors.h"
#include "runtime/support/error.h"
#include "runtime/support/torch/torch_tensors.h"

namespace rnrun {

namespace {

using contract::FormatError;
using Kind = PickleValue::Kind;

constexpr std::string_view kPickle = "data.pkl";

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
