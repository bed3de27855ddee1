// The machine that a pickle is a program for: a stack of values, marks in it, and a memo. Used by pickle.cpp alone.
#pragma once

#include <fmt/format.h>

#include <cstring>
#include <unordered_map>

#include "runtime/contract/safetensors.h"
#include "runtime/support/torch/pickle.h"

namespace rnrun {

class PickleMachine {
 public:
  PickleMachine(std::span<const std::byte> bytes, PickleUser& user)
      : text_(reinterpret_cast<const char*>(bytes.data()), bytes.size()), user_(user) {}

  Pickle run();

 private:
  using Value = PickleValue;
  using Kind = PickleValue::Kind;
  template <class... Args>
  [[noreturn]] static void fail(fmt::format_string<Args...> format, Args&&... args) {
    throw contract::FormatError("not a valid pickle: " + fmt::format(format, std::forward<Args>(args)...));
  }
  [[noreturn]] void refuse(char opcode) const {
    throw contract::FormatError(
        fmt::format("its pickle has the operation 0x{:02x} (byte {}), which data do not need",
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
    constexpr size_t kLongestGlobal = 200;
    const std::string global =
        fmt::format("{}.{}", module.substr(0, kLongestGlobal), name.substr(0, kLongestGlobal));
    if (!user_.knows(global))
      throw contract::FormatError(fmt::format("it holds more than tensors: its pickle imports {}", global));
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

}  // namespace rnrun
