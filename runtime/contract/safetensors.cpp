#include "runtime/contract/safetensors.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>

#include "runtime/contract/checksum.h"

namespace contract {

namespace {

using nlohmann::json;

constexpr uint64_t kMaxHeader = uint64_t{16} << 20;  // room for 100,000 tensors
constexpr size_t kMaxRank = 8;
constexpr std::string_view kUnknown = "0000000000000000";  // in the place of the checksum
constexpr const char* kOurFormat = "rnrun ";
constexpr const char* kPlainFormat = "rnrun tensors 1";
constexpr const char* kBeforeChecksums = "rnrun checkpoint 2";

// Where the digits of the checksum begin in a header; npos if it is not there as written here.
size_t find_checksum(std::string_view header) {
  const std::string before = fmt::format("\"{}\":\"", kChecksumKey);
  const size_t at = header.find(before);
  const bool whole = at != std::string_view::npos && header.size() - at >= before.size() + kUnknown.size();
  return whole ? at + before.size() : std::string_view::npos;
}

struct Entry {
  std::string name;
  DType dtype;
  std::vector<int64_t> shape;
  uint64_t begin;
  uint64_t end;
};

// One reader for one file.
class Parser {
 public:
  explicit Parser(std::span<const std::byte> bytes) : bytes_(bytes) {}

  Safetensors parse() {
    const json header = parse_header();
    Safetensors file;
    std::vector<Entry> entries;
    if (const auto metadata = header.find("__metadata__"); metadata != header.end())
      file.metadata = parse_metadata(*metadata);
    check_checksum(file.metadata);
    for (const auto& [name, value] : header.items())
      if (name != "__metadata__") entries.push_back(parse_entry(name, value));
    check_coverage(entries);
    for (const Entry& e : entries) {
      file.tensors[e.name] = TensorView{e.dtype, e.shape, data_.subspan(e.begin, e.end - e.begin)};
    }
    return file;
  }

 private:
  template <class... Args>
  [[noreturn]] void fail(fmt::format_string<Args...> format, Args&&... args) const {
    throw FormatError("not a valid safetensors file: " + fmt::format(format, std::forward<Args>(args)...));
  }

  json parse_header() {
    if (bytes_.size() < 8) fail("only {} bytes long", bytes_.size());
    uint64_t length = 0;
    for (size_t i = 8; i-- > 0;) length = length << 8 | static_cast<uint8_t>(bytes_[i]);
    if (length > kMaxHeader) fail("header of {} bytes; at most {} are read", length, kMaxHeader);
    if (length > bytes_.size() - 8) fail("header of {} bytes in a file of {}", length, bytes_.size());
    data_ = bytes_.subspan(8 + length);
    const auto* text = reinterpret_cast<const char*>(bytes_.data()) + 8;
    // Refuses early what would build a large or deep document: the real thing has three levels.
    std::set<std::string> names;
    const auto watch = [&](int depth, json::parse_event_t event, json& value) {
      if (depth > 3) fail("its header is nested too deeply");
      if (depth == 1 && event == json::parse_event_t::key && !names.insert(value.get<std::string>()).second)
        fail("two tensors named '{}'", value.get<std::string>());
      return true;
    };
    try {
      json header = json::parse(text, text + length, watch);
      if (!header.is_object()) fail("its header is not an object");
      return header;
    } catch (const json::exception&) {
      fail("its header is not JSON");
    }
  }

  Metadata parse_metadata(const json& value) const {
    if (!value.is_object()) fail("__metadata__ is not an object");
    Metadata metadata;
    for (const auto& [key, text] : value.items()) {
      if (!text.is_string()) fail("__metadata__ '{}' is not a string", key);
      metadata[key] = text.get<std::string>();
    }
    return metadata;
  }

  // Takes what with_checksum_place added out of the metadata.
  void check_checksum(Metadata& metadata) const {
    const auto found = metadata.find("format");
    const std::string format = found == metadata.end() ? "" : found->second;
    if (format == kPlainFormat) metadata.erase(found);
    const auto checksum = metadata.extract(std::string(kChecksumKey));
    if (checksum.empty()) {
      if (format.starts_with(kOurFormat) && format != kBeforeChecksums)
        throw FormatError(fmt::format("damaged: its format is '{}', but it has no checksum", format));
      return;
    }
    const size_t header_size = bytes_.size() - data_.size();
    const size_t at = find_checksum({reinterpret_cast<const char*>(bytes_.data()), header_size});
    std::string actual = "unknown";
    if (at != std::string_view::npos)
      actual = checksum_text(checksum_of(
          {bytes_.first(at), std::as_bytes(std::span(kUnknown)), bytes_.subspan(at + kUnknown.size())}));
    if (checksum.mapped() != actual)
      throw FormatError(
          fmt::format("damaged: its checksum is {}, that of its content {}", checksum.mapped(), actual));
  }

  Entry parse_entry(const std::string& name, const json& value) const {
    if (!value.is_object() || value.size() != 3 || !value.contains("dtype") || !value.contains("shape") ||
        !value.contains("data_offsets"))
      fail("tensor '{}' has not exactly dtype, shape and data_offsets", name);
    const json& dtype = value["dtype"];
    if (!dtype.is_string()) fail("tensor '{}' has the dtype {}", name, dtype.dump());
    const auto known = find_safetensors_dtype(dtype.get<std::string>());
    if (!known)
      throw FormatError(
          fmt::format("tensor '{}' has dtype {}, which is not known here", name, dtype.get<std::string>()));

    Entry entry{name, *known, {}, 0, 0};
    const json& shape = value["shape"];
    if (!shape.is_array() || shape.size() > kMaxRank)
      fail("tensor '{}' has no shape of rank at most {}", name, kMaxRank);
    uint64_t size = static_cast<uint64_t>(bytes(entry.dtype));
    for (const json& dim : shape) {
      if (!dim.is_number_unsigned()) fail("tensor '{}' has a size that is not a natural number", name);
      const auto extent = dim.get<uint64_t>();
      if (__builtin_mul_overflow(size, extent, &size) || size > data_.size())
        fail("tensor '{}' of shape {} is larger than the file", name, shape.dump());
      entry.shape.push_back(static_cast<int64_t>(extent));
    }
    const json& offsets = value["data_offsets"];
    if (!offsets.is_array() || offsets.size() != 2 || !offsets[0].is_number_unsigned() ||
        !offsets[1].is_number_unsigned())
      fail("tensor '{}' has no two data_offsets", name);
    entry.begin = offsets[0].get<uint64_t>();
    entry.end = offsets[1].get<uint64_t>();
    if (entry.begin > entry.end || entry.end > data_.size())
      fail("tensor '{}' has data_offsets {} in {} bytes of data", name, offsets.dump(), data_.size());
    if (entry.end - entry.begin != size)
      fail("tensor '{}' has {} bytes, its type and shape need {}", name, entry.end - entry.begin, size);
    return entry;
  }

  // The tensors cover the data exactly, as the format demands.
  void check_coverage(std::vector<Entry>& entries) const {
    std::ranges::sort(entries, {}, [](const Entry& e) { return std::pair(e.begin, e.end); });
    uint64_t covered = 0;
    for (const Entry& e : entries) {
      if (e.begin < covered) fail("tensor '{}' overlaps another", e.name);
      if (e.begin > covered)
        fail("{} bytes before tensor '{}' belong to no tensor", e.begin - covered, e.name);
      covered = e.end;
    }
    if (covered != data_.size()) fail("{} bytes at the end belong to no tensor", data_.size() - covered);
  }

  std::span<const std::byte> bytes_;
  std::span<const std::byte> data_;
};

}  // namespace

Safetensors parse_safetensors(std::span<const std::byte> bytes) { return Parser(bytes).parse(); }

SafetensorsImage::SafetensorsImage(const Safetensors& content) {
  // Wide elements first keeps every tensor aligned to its element size.
  std::vector<const std::pair<const std::string, TensorView>*> order;
  for (const auto& item : content.tensors) order.push_back(&item);
  std::ranges::stable_sort(order, std::greater<>{},
                           [](const auto* item) { return bytes(item->second.dtype); });

  Metadata metadata = content.metadata;
  metadata.try_emplace("format", kPlainFormat);
  metadata.insert_or_assign(kChecksumKey, std::string(kUnknown));
  nlohmann::ordered_json header = nlohmann::ordered_json::object();
  header["__metadata__"] = metadata;
  parts_.resize(1);
  size_t offset = 0;
  for (const auto* item : order) {
    const auto& [name, tensor] = *item;
    const size_t end = offset + tensor.data.size();
    header[name] = {
        {"dtype", safetensors_name(tensor.dtype)}, {"shape", tensor.shape}, {"data_offsets", {offset, end}}};
    parts_.push_back(tensor.data);
    offset = end;
  }
  std::string text = header.dump();
  text.resize((text.size() + 7) / 8 * 8, ' ');
  for (size_t i = 0; i < 8; ++i) head_ += static_cast<char>(text.size() >> (8 * i) & 0xff);
  head_ += text;
  parts_[0] = std::as_bytes(std::span(head_));
  head_.replace(find_checksum(head_), kUnknown.size(), checksum_text(checksum_of(parts_)));
}

std::string other_model(const Metadata& metadata, std::string_view model, std::string_view graph_hash) {
  const auto hash = metadata.find("graph_hash");
  if (hash == metadata.end() || hash->second == graph_hash) return {};
  const auto name = metadata.find("model");
  return fmt::format("a checkpoint of another model: {} with graph hash {}, not {} with {}",
                     name == metadata.end() ? "one" : name->second, hash->second, model, graph_hash);
}

std::vector<std::string> class_names(const Metadata& metadata) {
  const auto found = metadata.find(kClassesKey);
  if (found == metadata.end() || !is_checkpoint(metadata)) return {};
  try {
    return class_names_of(found->second);
  } catch (const FormatError& error) {
    throw FormatError(fmt::format("damaged checkpoint: {}", error.what()));
  }
}

std::vector<std::string> class_names_of(const std::string& text) {
  try {
    return json::parse(text).get<std::vector<std::string>>();
  } catch (const json::exception&) {
    throw FormatError(fmt::format("{} = '{}'", kClassesKey, text));
  }
}

std::string class_names_text(const std::vector<std::string>& names) { return json(names).dump(); }

bool is_checkpoint(const Metadata& metadata) {
  const auto format = metadata.find("format");
  return format != metadata.end() && format->second.starts_with("rnrun checkpoint");
}

}  // namespace contract
