#include "runtime/support/torch/pickle.h"

#include "runtime/support/torch/pickle_machine.h"

namespace rnrun {

namespace {

constexpr size_t kLargest = size_t{64} << 20;
constexpr int64_t kMostOperations = 2'000'000;  // those of 40,000 tensors

}  // namespace

Pickle PickleMachine::run() {
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

bool PickleMachine::data(char opcode) {
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

bool PickleMachine::structure(char opcode) {
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

bool PickleMachine::action(char opcode) {
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

PickleValue Pickle::add_dict() {
  dicts.emplace_back();
  return {PickleValue::Kind::dict, static_cast<int64_t>(dicts.size() - 1)};
}

std::span<const PickleValue> Pickle::items(const PickleValue& list) const {
  if (list.kind != PickleValue::Kind::list) return {};
  return lists[static_cast<size_t>(list.number)];
}

Pickle read_pickle(std::span<const std::byte> bytes, PickleUser& user) {
  return PickleMachine(bytes, user).run();
}

}  // namespace rnrun
