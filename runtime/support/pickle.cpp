#include "runtime/support/pickle.h"

#include <fmt/format.h>

#include <cstring>
#include <unordered_map>

#include "runtime/contract/safetensors.h"

namespace rnrun {

namespace {

using contract::FormatError;
using Value = PickleValue;
using Kind = PickleValue::Kind;

constexpr size_t kLargest = size_t{64} << 20;
constexpr int64_t kMostOperations = 2'000'000;  // those of 40,000 tensors
constexpr size_t kLongestGlobal = 200;

// The machine that a pickle is a program for: a stack of values, marks in it, and a memo.
class Machine {
 public:
  Machine(std::span<const std::byte> bytes, PickleUser& user)
      : text_(reinterpret_cast<const char*>(bytes.data()), bytes.size()), user_(user) {}

  Pickle run() {
    if (text_.size() > kLargest) fail("it has {} bytes; at most {} are read", text_.size(), kLargest);
    for (int64_t i = 0; i < kMostOperations; ++i) {
      const char opcode = take(1)[0];
      if (opcode == '.') {
        pickle_.root = pop();
        return std::move(pickle_);
      }
      if (!data(opcode) && !structure(opcode) && !action(opcode)) refuse(opcode);
    }
    fail("it has more than {} operations", kMostOperations);
  }

 private:
  template <class... Args>
  [[noreturn]] static void fail(fmt::format_string<Args...> format, Args&&... args) {
    throw FormatError("not a valid pickle: " + fmt::format(format, std::forward<Args>(args)...));
  }
  [[noreturn]] void refuse(char opcode) const {
    throw FormatError(fmt::format("its pickle has the operation 0x{:02x} (byte {}), which data do not need",
                                  static_cast<uint8_t>(opcode), at_ - 1));
  }

  // Reading.
  std::string_view take(uint64_t count) {
    if (count > text_.size() - at_) fail("it is cut off");
    const std::string_view result = text_.substr(at_, count);
    at_ += count;
    return result;
  }
  template <class T>
  T read() {
    T value;
    std::memcpy(&value, take(sizeof value).data(), sizeof value);
    return value;
  }
  std::string_view line() {
    const size_t end = text_.find('\n', at_);
    if (end == std::string_view::npos) fail("it is cut off");
    const std::string_view result = take(end - at_);
    take(1);
    return result;
  }

  // The stack.
  void push(Value value) { stack_.push_back(value); }
  Value& top() {
    if (stack_.size() <= (marks_.empty() ? 0 : marks_.back())) fail("its stack is empty");
    return stack_.back();
  }
  Value pop() {
    const Value value = top();
    stack_.pop_back();
    return value;
  }
  // The values since the last mark.
  std::vector<Value> pop_to_mark() {
    if (marks_.empty()) fail("it has no mark");
    const auto begin = stack_.begin() + static_cast<std::ptrdiff_t>(marks_.back());
    std::vector<Value> values(begin, stack_.end());
    stack_.erase(begin, stack_.end());
    marks_.pop_back();
    return values;
  }
  std::vector<Value> pop_some(size_t count) {
    std::vector<Value> values(count);
    for (size_t i = count; i-- > 0;) values[i] = pop();
    return values;
  }
  void push_list(std::vector<Value> values) {
    push({Kind::list, static_cast<int64_t>(pickle_.lists.size())});
    pickle_.lists.push_back(std::move(values));
  }
  void push_text(uint64_t bytes) { push({Kind::text, 0, take(bytes)}); }
  void push_other(uint64_t bytes) {
    take(bytes);
    push({});
  }
  void push_number(int64_t number) { push({Kind::number, number}); }
  // Little-endian, two's complement.
  void push_long(uint64_t bytes) {
    const std::string_view digits = take(bytes);
    if (digits.size() > 8) return push({});
    int64_t number = digits.empty() || digits.back() >= 0 ? 0 : -1;
    for (size_t i = digits.size(); i-- > 0;)
      number = static_cast<int64_t>(static_cast<uint64_t>(number) << 8 | static_cast<uint8_t>(digits[i]));
    push_number(number);
  }

  void append(const Value& list, const std::vector<Value>& values) {
    if (list.kind != Kind::list) fail("it appends to what is no list");
    auto& items = pickle_.lists[static_cast<size_t>(list.number)];
    items.insert(items.end(), values.begin(), values.end());
  }
  void set(const Value& dict, const std::vector<Value>& values) {
    if (dict.kind != Kind::dict) fail("it sets items of what is no dictionary");
    if (values.size() % 2 != 0) fail("it sets a key without a value");
    auto& items = pickle_.dicts[static_cast<size_t>(dict.number)];
    for (size_t i = 0; i < values.size(); i += 2) items.emplace_back(values[i], values[i + 1]);
  }
  void remember(uint32_t key) { memo_.insert_or_assign(key, top()); }
  void recall(uint32_t key) {
    const auto found = memo_.find(key);
    if (found == memo_.end()) fail("it refers to value {}, which it has not", key);
    push(found->second);
  }
  void import(std::string_view module, std::string_view name) {
    const std::string global =
        fmt::format("{}.{}", module.substr(0, kLongestGlobal), name.substr(0, kLongestGlobal));
    if (!user_.knows(global))
      throw FormatError(fmt::format("it holds more than tensors: its pickle imports {}", global));
    push({Kind::global, 0, *pickle_.names.insert(global).first});
  }

  bool data(char opcode);       // opcodes of values that hold no others
  bool structure(char opcode);  // of lists, dictionaries, marks and the memo
  bool action(char opcode);     // of what is imported and called

  std::string_view text_;
  size_t at_ = 0;
  PickleUser& user_;
  Pickle pickle_;
  std::vector<Value> stack_;
  std::vector<size_t> marks_;
  std::unordered_map<uint32_t, Value> memo_;
};

bool Machine::data(char opcode) {
  switch (opcode) {
    case 'N':  // NONE
      return push({}), true;
    case '\x88':  // NEWTRUE
    case '\x89':  // NEWFALSE
      return push_number(opcode == '\x88' ? 1 : 0), true;
    case 'J':  // BININT
      return push_number(read<int32_t>()), true;
    case 'K':  // BININT1
      return push_number(read<uint8_t>()), true;
    case 'M':  // BININT2
      return push_number(read<uint16_t>()), true;
    case '\x8a':  // LONG1
      return push_long(read<uint8_t>()), true;
    case '\x8b':  // LONG4
      return push_long(read<uint32_t>()), true;
    case 'G':  // BINFLOAT
      return push_other(8), true;
    case 'X':  // BINUNICODE
    case 'T':  // BINSTRING
      return push_text(read<uint32_t>()), true;
    case '\x8c':  // SHORT_BINUNICODE
    case 'U':     // SHORT_BINSTRING
      return push_text(read<uint8_t>()), true;
    case '\x8d':  // BINUNICODE8
      return push_text(read<uint64_t>()), true;
    case 'B':  // BINBYTES
      return push_other(read<uint32_t>()), true;
    case 'C':  // SHORT_BINBYTES
      return push_other(read<uint8_t>()), true;
    case '\x8e':  // BINBYTES8
      return push_other(read<uint64_t>()), true;
    default:
      return false;
  }
}

bool Machine::structure(char opcode) {
  switch (opcode) {
    case '\x80':  // PROTO
      return take(1), true;
    case '\x95':  // FRAME
      return take(8), true;
    case '(':  // MARK
      return marks_.push_back(stack_.size()), true;
    case '0':  // POP
      return pop(), true;
    case '1':  // POP_MARK
      return pop_to_mark(), true;
    case '2':  // DUP
      return push(Value(top())), true;
    case ')':     // EMPTY_TUPLE
    case ']':     // EMPTY_LIST
    case '\x8f':  // EMPTY_SET
      return push_list({}), true;
    case 't':     // TUPLE
    case 'l':     // LIST
    case '\x91':  // FROZENSET
      return push_list(pop_to_mark()), true;
    case '\x85':  // TUPLE1
    case '\x86':  // TUPLE2
    case '\x87':  // TUPLE3
      return push_list(pop_some(static_cast<uint8_t>(opcode) - 0x84)), true;
    case '}':  // EMPTY_DICT
      return push(pickle_.add_dict()), true;
    case 'a': {  // APPEND
      const auto value = pop_some(1);
      return append(top(), value), true;
    }
    case 'e':       // APPENDS
    case '\x90': {  // ADDITEMS
      const auto values = pop_to_mark();
      return append(top(), values), true;
    }
    case 's': {  // SETITEM
      const auto item = pop_some(2);
      return set(top(), item), true;
    }
    case 'u': {  // SETITEMS
      const auto items = pop_to_mark();
      return set(top(), items), true;
    }
    case 'q':  // BINPUT
      return remember(read<uint8_t>()), true;
    case 'r':  // LONG_BINPUT
      return remember(read<uint32_t>()), true;
    case '\x94':  // MEMOIZE
      return remember(static_cast<uint32_t>(memo_.size())), true;
    case 'h':  // BINGET
      return recall(read<uint8_t>()), true;
    case 'j':  // LONG_BINGET
      return recall(read<uint32_t>()), true;
    default:
      return false;
  }
}

bool Machine::action(char opcode) {
  switch (opcode) {
    case 'c': {  // GLOBAL
      const std::string_view module = line();
      return import(module, line()), true;
    }
    case '\x93': {  // STACK_GLOBAL
      const auto names = pop_some(2);
      if (names[0].kind != Kind::text || names[1].kind != Kind::text) fail("it imports what has no name");
      return import(names[0].text, names[1].text), true;
    }
    case 'R': {  // REDUCE
      const auto called = pop_some(2);
      if (called[0].kind != Kind::global || called[1].kind != Kind::list) refuse(opcode);
      return push(user_.call(called[0].text, called[1], pickle_)), true;
    }
    case 'b':  // BUILD: attributes, such as the _metadata of a state_dict
      pop();
      if (top().kind != Kind::dict) refuse(opcode);
      return true;
    case 'Q':  // BINPERSID
      return push(user_.load(pop(), pickle_)), true;
    default:
      return false;
  }
}

}  // namespace

PickleValue Pickle::add_dict() {
  dicts.emplace_back();
  return {Kind::dict, static_cast<int64_t>(dicts.size() - 1)};
}

std::span<const PickleValue> Pickle::items(const PickleValue& list) const {
  if (list.kind != Kind::list) return {};
  return lists[static_cast<size_t>(list.number)];
}

Pickle read_pickle(std::span<const std::byte> bytes, PickleUser& user) { return Machine(bytes, user).run(); }

}  // namespace rnrun
