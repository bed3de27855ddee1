// Files of torch.save made by hand: those that torch.save itself writes are in tests/run/weights_files.py.
#include "runtime/support/torch/torch_file.h"

#include <doctest/doctest.h>

#include <functional>

#include "runtime/support/torch/zip_read.h"
#include "runtime/support/zip_write.h"
#include "tests/unit/runtime/support.h"

namespace rnrun {

namespace {

std::span<const std::byte> bytes_of(const std::string& text) { return std::as_bytes(std::span(text)); }

std::string zip(const std::vector<std::pair<std::string, std::string>>& entries) {
  ZipImage image;
  for (const auto& [name, content] : entries) {
    const auto part = bytes_of(content);
    image.add(name, std::span(&part, 1));
  }
  std::string file;
  for (const auto part : image.finish()) file.append(reinterpret_cast<const char*>(part.data()), part.size());
  return file;
}

// Pieces of pickles.
std::string text(const std::string& value) {
  return std::string("\x8c") + static_cast<char>(value.size()) + value;
}
std::string number(int value) { return std::string("K") + static_cast<char>(value); }
std::string numbers(const std::vector<int>& values) {
  std::string pickle = "(";
  for (const int value : values) pickle += number(value);
  return pickle + "t";
}
std::string storage(const std::string& type, const std::string& key, int elements) {
  return "(" + text("storage") + "ctorch\n" + type + "\n" + text(key) + text("cpu") + number(elements) + "tQ";
}
std::string tensor(const std::string& storage, int offset, const std::vector<int>& shape,
                   const std::vector<int>& strides) {
  return "ctorch._utils\n_rebuild_tensor_v2\n(" + storage + number(offset) + numbers(shape) +
         numbers(strides) + "\x89" + "ccollections\nOrderedDict\n)RtR";
}
std::string dict(const std::vector<std::pair<std::string, std::string>>& items) {
  std::string pickle = "}(";
  for (const auto& [key, value] : items) pickle += text(key) + value;
  return pickle + "u";
}

// A file with this pickle, and a storage "0" of the bytes 1 to 8.
std::string file_of(const std::string& pickle) {
  return zip({{"a/data.pkl", "\x80\x02" + pickle + "."}, {"a/data/0", "\1\2\3\4\5\6\7\10"}});
}

std::string error_of_file(const std::string& file) {
  return error_of([&] { parse_torch(bytes_of(file), "f"); });
}
std::string error_of_pickle(const std::string& pickle) { return error_of_file(file_of(pickle)); }

constexpr const char* kHint = "; a file of torch.save(model.state_dict(), ...) is read";

std::vector<uint8_t> values_of(const StoredTensor& tensor) {
  const Array array = tensor.array();
  return {array.as<uint8_t>().begin(), array.as<uint8_t>().end()};
}

const std::string kBytes = storage("ByteStorage", "0", 8);

}  // namespace

TEST_CASE("tensors of torch.save: views, strides and dictionaries in dictionaries") {
  const std::string pickle = dict({{"epoch", number(3)},
                                   {"model", dict({{"whole", tensor(kBytes, 0, {2, 4}, {4, 1})},
                                                   {"turned", tensor(kBytes, 0, {4, 2}, {1, 4})},
                                                   {"repeated", tensor(kBytes, 2, {2, 3}, {1, 0})},
                                                   {"scalar", tensor(kBytes, 7, {}, {})},
                                                   {"empty", tensor(kBytes, 8, {0, 5}, {5, 1})},
                                                   {"counter", number(1)}})},
                                   {"other", "]" + dict({{"one", tensor(kBytes, 0, {1}, {1})}}) + "a"}});
  const std::string file = file_of(pickle);
  const auto dicts = parse_torch(bytes_of(file), "f");
  REQUIRE(dicts.size() == 2);
  CHECK(dicts[0].key == "model");
  const auto& tensors = dicts[0].tensors;
  CHECK(tensors.size() == 5);
  CHECK(type_text(tensors.at("turned")) == "u8[4, 2]");
  CHECK(values_of(tensors.at("whole")) == std::vector<uint8_t>{1, 2, 3, 4, 5, 6, 7, 8});
  CHECK(values_of(tensors.at("turned")) == std::vector<uint8_t>{1, 5, 2, 6, 3, 7, 4, 8});
  CHECK(values_of(tensors.at("repeated")) == std::vector<uint8_t>{3, 3, 3, 4, 4, 4});
  CHECK(values_of(tensors.at("scalar")) == std::vector<uint8_t>{8});
  CHECK(values_of(tensors.at("empty")).empty());
  CHECK(dicts[1].key == "other");
  CHECK(dicts[1].tensors.size() == 1);
}

TEST_CASE("pickles that call for more than tensors are refused by name") {
  CHECK(error_of_pickle("cos\nsystem\n" + text("ls") + "\x85R") ==
        std::string("f: it holds more than tensors: its pickle imports os.system") + kHint);
  CHECK(error_of_pickle(text("os") + text("system") + "\x93").find("imports os.system") != std::string::npos);
  CHECK(error_of_pickle("(ios\nsystem\n").find("the operation 0x69 (byte 3)") != std::string::npos);  // INST
  CHECK(error_of_pickle("\x82\x01").find("the operation 0x82") != std::string::npos);                 // EXT1
  CHECK(error_of_pickle("ccollections\nOrderedDict\n(" + number(1) + "tR")
            .find("calls collections.OrderedDict with 1 arguments") != std::string::npos);
  CHECK(error_of_pickle("ctorch\nFloatStorage\n)R").find("calls torch.FloatStorage") != std::string::npos);
  CHECK(error_of_pickle(number(1) + ")R").find("the operation 0x52") != std::string::npos);
  CHECK(error_of_pickle(number(1) + "}b").find("the operation 0x62") != std::string::npos);
}

TEST_CASE("sizes and places that are not in the storage are refused") {
  const auto refused = [](const std::string& tensor) { return error_of_pickle(dict({{"a", tensor}})); };
  CHECK(refused(tensor(kBytes, 0, {9}, {1})) ==
        std::string("f: a tensor u8[9] needs 9 elements from 0 on of a storage of 8") + kHint);
  CHECK(refused(tensor(kBytes, 1, {2, 4}, {4, 1})).find("needs 8 elements from 1 on") != std::string::npos);
  CHECK(refused(tensor(kBytes, 0, {2}, {8})).find("needs 9 elements") != std::string::npos);
  CHECK(refused(tensor(kBytes, 0, {2}, {1, 1})).find("other dimensions") != std::string::npos);
  CHECK(refused(tensor(kBytes, 0, {1, 1, 1, 1, 1, 1, 1, 1, 1}, {1, 1, 1, 1, 1, 1, 1, 1, 1}))
            .find("at most 8 dimensions") != std::string::npos);
  CHECK(refused(tensor(storage("FloatStorage", "0", 3), 0, {1}, {1})).find("are not 3 elements of f32") !=
        std::string::npos);
  CHECK(refused(tensor(storage("ByteStorage", "1", 8), 0, {1}, {1})).find("it has no a/data/1") !=
        std::string::npos);
  CHECK(refused("(" + tensor(kBytes, 0, {1}, {1}) + tensor(storage("CharStorage", "0", 8), 0, {1}, {1}) + "t")
            .find("the storage 0 has two types") != std::string::npos);
  // Sizes whose product is beyond 64 bits, with strides of zero.
  const std::string huge = "\x8a\x08" + std::string("\0\0\0\0\0\0\0\x40", 8);
  const std::string product = "ctorch._utils\n_rebuild_tensor_v2\n(" + kBytes + number(0) + huge + huge +
                              "\x86" + numbers({0, 0}) + "\x89" + "}tR";
  CHECK(refused(product).find("a tensor has the size u8[") != std::string::npos);
  const std::string negative = "J\xff\xff\xff\xff";
  CHECK(refused("ctorch._utils\n_rebuild_tensor_v2\n(" + kBytes + negative + numbers({1}) + numbers({1}) +
                "\x89}tR")
            .find("from -1 on") != std::string::npos);
}

TEST_CASE("damaged and hostile pickles end in an error, and soon") {
  const std::string good = file_of(dict({{"a", tensor(kBytes, 0, {8}, {1})}}));
  for (size_t cut = 0; cut < good.size(); ++cut) CHECK(error_of_file(good.substr(0, cut)).starts_with("f: "));
  std::string changed = good;
  changed[changed.find("\1\2\3\4\5\6\7")] = 'x';
  CHECK(error_of_file(changed).find("the checksum of its entry a/data/0") != std::string::npos);

  const auto repeated = [](const std::string& piece, size_t count) {
    std::string text;
    for (size_t i = 0; i < count; ++i) text += piece;
    return text;
  };
  for (const std::string& pickle : {std::string(), std::string("0"), std::string("u"), std::string("("),
                                    std::string("h\1"), std::string("R"), std::string("s"), std::string("Q"),
                                    std::string("N}N"), "}" + text("a") + "(u", std::string("]}(a")})
    CHECK(error_of_pickle(pickle).starts_with("f: "));
  // Lists in lists, dictionaries that contain themselves, and each the one before it twice.
  CHECK(error_of_pickle(repeated("]", 500'000) + repeated("a", 499'999)).find("no dictionary") !=
        std::string::npos);
  CHECK(error_of_pickle("}q\1" + text("a") + "h\1s").find("no dictionary") != std::string::npos);
  CHECK(error_of_pickle("}q\1" + repeated("0}" + text("a") + "h\1s" + text("b") + "h\1sq\1", 60'000))
            .find("no dictionary") != std::string::npos);
  CHECK(error_of_pickle(repeated("]", 3'000'000)).find("more than 2000000 operations") != std::string::npos);
  // One long name, used again and again.
  const std::string name = "X" + std::string("\0\0\x10\0", 4) + std::string(1 << 20, 'x');
  CHECK(error_of_pickle(name + "q\1" + repeated("h\1h\1\x93", 100'000)).find("imports xxx") !=
        std::string::npos);
  CHECK(error_of_pickle("}" + name + tensor(kBytes, 0, {1}, {1}) + "s").find("a name of 1048576 bytes") !=
        std::string::npos);
}

TEST_CASE("zip archives: what is written is read, and entries stay apart") {
  const std::string file = zip({{"b", "two"}, {"a/c", ""}, {"d", std::string(1000, 'x')}});
  const ZipEntries entries = read_zip(bytes_of(file));
  REQUIRE(entries.size() == 3);
  CHECK(entries.at("b").data.size() == 3);
  CHECK(entries.at("d").data.size() == 1000);
  for (const auto& [name, entry] : entries) check_crc(name, entry);
  CHECK(error_of_file(zip({{"a", "1"}, {"a", "2"}})).find("two entries named a") != std::string::npos);
  CHECK(error_of_file(zip({{"a", "1"}})) ==
        std::string("f: a zip archive, but not one of torch.save: it has no data.pkl") + kHint);
  // The second entry's place becomes that of the first.
  std::string overlapping = zip({{"a", "1"}, {"b", "2"}});
  const size_t line = overlapping.rfind("PK\1\2");
  overlapping.replace(line + 46 + 1 + 4 + 16, 8, 8, '\0');
  CHECK(error_of_file(overlapping).find("overlaps another") != std::string::npos);
}

TEST_CASE("what is no zip archive is told apart from safetensors") {
  CHECK(is_torch_file(bytes_of("PK\3\4")));
  const std::string old = "\x80\x02\x8a\nl\xfc\x9c\x46\xf9 ";
  CHECK(is_torch_file(bytes_of(old)));
  CHECK(error_of_file(old) ==
        "f: a pickle in torch.save's format from before PyTorch 1.6, which is not read; in Python, "
        "torch.save(torch.load(\"f\"), \"new.pth\") writes it anew");
  CHECK_FALSE(is_torch_file(bytes_of(std::string("\x80\x02\0\0\0\0\0\0{}", 10))));
  CHECK_FALSE(is_torch_file({}));
}

}  // namespace rnrun
