// Groups that are lowered exactly as an earlier one. A deep network is made of a few kinds of layers: building and
// printing a kernel for each call, only to find that it exists already, would take most of the compiler's time.
#pragma once

#include <string>
#include <unordered_map>
#include <utility>
#include <variant>
#include <vector>

#include "passes/lower/lowering.h"

namespace rnc {

// What lowering a group does, in order. Values are numbered as GroupValues does.
struct GroupRecord {
  struct ValueBuffer {
    int value;
  };
  struct Temporary {
    std::string name;
    loops::Extent bytes;
  };
  struct Constant {
    std::string name;
    std::vector<uint8_t> bytes;
  };
  struct Call {
    int kernel;
    int of;                                     // a value
    std::vector<int> arguments;                 // steps that made the buffers
    std::vector<std::pair<int, int>> in_place;  // values
    loops::Work work;
  };
  std::vector<std::variant<ValueBuffer, Temporary, Constant, Call>> steps;
};

// The values that a group reads, in order, and then those it computes.
class GroupValues {
 public:
  GroupValues(const Graph& graph, const Group& group);
  const std::vector<ValueId>& all() const { return values_; }
  size_t operands() const { return operands_; }
  // Its number; fails a check where it is none of them: lowering looks at no other.
  int number(ValueId v) const;

 private:
  std::vector<ValueId> values_;
  size_t operands_ = 0;
};

// Writes down what lowering one group does.
class GroupRecorder {
 public:
  explicit GroupRecorder(const GroupValues& values) : values_(values) {}

  void value_buffer(ValueId v, int buffer) { made(GroupRecord::ValueBuffer{values_.number(v)}, buffer); }
  void temporary(const std::string& name, loops::Extent bytes, int buffer) {
    made(GroupRecord::Temporary{name, bytes}, buffer);
  }
  void constant(const std::string& name, const std::vector<uint8_t>& bytes, int buffer) {
    made(GroupRecord::Constant{name, bytes}, buffer);
  }
  void call(int kernel, ValueId of, const std::vector<int>& arguments,
            const std::vector<std::pair<ValueId, ValueId>>& in_place, const loops::Work& work);
  GroupRecord record() { return std::move(record_); }

 private:
  template <class Step>
  void made(Step step, int buffer) {
    const bool is_new = steps_.emplace(buffer, static_cast<int>(record_.steps.size())).second;
    if (is_new) record_.steps.emplace_back(std::move(step));
  }

  const GroupValues& values_;
  GroupRecord record_;
  std::unordered_map<int, int> steps_;  // that made each buffer
};

}  // namespace rnc
