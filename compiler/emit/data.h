// Constant data laid out as C structs: how the model's descriptor is written. What is equal is there once, texts, tables
// and values alike. Internal to compiler/emit.
#pragma once

#include <llvm/IR/Constants.h>
#include <llvm/IR/Module.h>

#include <map>
#include <string_view>
#include <utility>
#include <vector>

#include "ir/graph/diagnostics.h"

namespace rnc {

class Data {
 public:
  explicit Data(llvm::Module& module) : module_(module), context_(module.getContext()) {}

  llvm::Constant* i32(int64_t value) { return integer(llvm::Type::getInt32Ty(context_), value); }
  llvm::Constant* i64(int64_t value) { return integer(llvm::Type::getInt64Ty(context_), value); }
  llvm::Constant* f64(double value) {
    return llvm::ConstantFP::get(llvm::Type::getDoubleTy(context_), value);
  }
  llvm::Constant* null() { return llvm::ConstantPointerNull::get(llvm::PointerType::getUnqual(context_)); }
  // A T of the ABI, with C's padding.
  template <class T>
  llvm::Constant* record(const std::vector<llvm::Constant*>& fields) {
    llvm::Constant* made = llvm::ConstantStruct::getAnon(context_, fields);
    check(module_.getDataLayout().getTypeAllocSize(made->getType()) == sizeof(T),
          "a record that is not the ABI's");
    return made;
  }
  // An array member; all elements of one type, at least one.
  llvm::Constant* array(const std::vector<llvm::Constant*>& elements) {
    auto* type = llvm::ArrayType::get(elements.front()->getType(), elements.size());
    return llvm::ConstantArray::get(type, elements);
  }
  // The address of a NUL-terminated string.
  llvm::Constant* text(std::string_view text) {
    return global(llvm::ConstantDataArray::getString(context_, text), 1);
  }
  // The address of an array in memory; null if it is empty.
  llvm::Constant* table(const std::vector<llvm::Constant*>& elements) {
    return elements.empty() ? null() : global(array(elements), 8);
  }
  // The address of an array of i64.
  llvm::Constant* numbers(const std::vector<int64_t>& values) {
    const std::vector<uint64_t> bits(values.begin(), values.end());
    return global(llvm::ConstantDataArray::get(context_, bits), 8);
  }
  // The address of an array of f32.
  llvm::Constant* floats(const std::vector<float>& values) {
    return global(llvm::ConstantDataArray::get(context_, llvm::ArrayRef<float>(values)), alignof(float));
  }
  // The address of raw bytes.
  llvm::Constant* bytes(const std::vector<uint8_t>& data, uint64_t alignment) {
    return global(llvm::ConstantDataArray::get(context_, llvm::ArrayRef<uint8_t>(data)), alignment);
  }

 private:
  llvm::Constant* integer(llvm::Type* type, int64_t value) {
    return llvm::ConstantInt::get(type, static_cast<uint64_t>(value), true);
  }
  // LLVM has each constant once, so that equal ones have one address.
  llvm::Constant* global(llvm::Constant* value, uint64_t alignment) {
    llvm::GlobalVariable*& known = known_[{value, alignment}];
    if (known != nullptr) return known;
    known =
        new llvm::GlobalVariable(module_, value->getType(), true, llvm::GlobalValue::PrivateLinkage, value);
    known->setAlignment(llvm::Align(alignment));
    known->setUnnamedAddr(llvm::GlobalValue::UnnamedAddr::Global);
    return known;
  }

  llvm::Module& module_;
  llvm::LLVMContext& context_;
  std::map<std::pair<llvm::Constant*, uint64_t>, llvm::GlobalVariable*> known_;
};

}  // namespace rnc
