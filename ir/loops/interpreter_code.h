// Private to the loop interpreter: kernels in the flat form it runs. Every expression has a fixed place in
// one frame of memory, its slot; an instruction reads and writes slots.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "ir/loops/loops.h"
#include "ir/loops/tracker.h"

namespace rnc::loops {

// A memory while a kernel runs.
struct View {
  const Memory* memory = nullptr;
  std::byte* data = nullptr;
  std::vector<int64_t> dims, strides;  // in elements
  std::vector<std::byte> own;          // of registers and scratch
  Tracker* tracker = nullptr;          // may be null
};

using Slot = uint32_t;  // byte offset in the frame

// An access: to which memory, and the slots of its indices.
struct Place {
  size_t view = 0;
  std::vector<Slot> index;
  int lane_dim = -1;
  bool has_valid = false;
  Slot valid = 0;
};

// What instructions work on.
struct Machine {
  std::vector<std::byte> frame;
  std::vector<View> views;
  int64_t task = 0;

  template <class T>
  T* at(Slot slot) {
    return reinterpret_cast<T*>(frame.data() + slot);
  }
};

struct Instruction {
  void (*run)(Machine&, const Instruction&) = nullptr;
  int lanes = 1;
  Slot result = 0;
  Slot a = 0, b = 0, c = 0;  // operands; a: what a store stores
  int group = 1, index = 0;  // spread; interleave: the half; dot_pairs: the lanes of b
  Place place;               // load, store
};

// The instruction that computes `e`, an operation but no load, from operands in slots.
Instruction instruction_for(const ExprNode& e, Slot result, const std::vector<Slot>& operands);
Instruction load_instruction(ValueType type, Slot result, Place place);
Instruction store_instruction(ValueType type, Slot value, Place place);
// Writes the value of a constant to its place.
void write_constant(const ExprNode& e, std::byte* place);

}  // namespace rnc::loops
