// Reads Python's pickles (protocols 2 to 5 as far as data need them; Lib/pickletools.py describes the
// opcodes) without calling anything: plain data become a tree, and what the pickle would import or call is
// given to the reader's user, who makes values of it or refuses.
#pragma once

#include <cstddef>
#include <cstdint>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace rnrun {

struct PickleValue {
  enum class Kind : uint8_t {
    other,   // None, a real number, bytes, a whole number of more than 64 bits
    number,  // a whole number or a boolean
    text,
    list,    // a list, tuple or set: Pickle::lists[number]
    dict,    // Pickle::dicts[number]
    global,  // something imported: "module.name"
    object   // what a PickleUser has made, which alone knows what `number` means
  };
  Kind kind = Kind::other;
  int64_t number = 0;
  std::string_view text = {};  // in the pickle's bytes, or in Pickle::names
};

// Lists and dicts refer to each other by number and may do so in circles.
struct Pickle {
  PickleValue root;
  std::vector<std::vector<PickleValue>> lists;
  std::vector<std::vector<std::pair<PickleValue, PickleValue>>> dicts;  // of equal keys the last one counts
  std::set<std::string, std::less<>> names;

  PickleValue add_dict();
  // Empty when the value is no list.
  std::span<const PickleValue> items(const PickleValue& list) const;
};

// What a pickle may do besides holding data. Both throw contract::FormatError to refuse.
class PickleUser {
 public:
  virtual ~PickleUser() = default;
  // Whether "module.name" may be imported.
  virtual bool knows(std::string_view global) const = 0;
  // global(*arguments)
  virtual PickleValue call(std::string_view global, const PickleValue& arguments, Pickle& pickle) = 0;
  // What lies outside the pickle under this persistent ID.
  virtual PickleValue load(const PickleValue& id, const Pickle& pickle) = 0;
};

// Pickles come from anywhere: time and memory are at most proportional to their size, which is limited, as
// nothing is copied and nothing recurses. The result refers to `bytes`. Throws contract::FormatError, naming
// what is not allowed: "it imports os.system, which ..."
Pickle read_pickle(std::span<const std::byte> bytes, PickleUser& user);

}  // namespace rnrun
